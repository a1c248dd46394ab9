//! Events as counters and histograms of the `metrics` facade. Labels: `app`, `stream`, and `shard` where the number of
//! shards is worth it.

use metrics::{counter, gauge, histogram};

use crate::event::{Event, StallCause};
use crate::ids::{AppName, ShardKey};

fn labels(app: &AppName, shard: &ShardKey) -> [(&'static str, String); 3] {
    [
        ("app", app.as_str().to_owned()),
        ("stream", shard.stream.as_str().to_owned()),
        ("shard", shard.shard.as_str().to_owned()),
    ]
}

pub(super) fn count(app: &AppName, event: &Event) {
    match event {
        Event::LeaseTaken { shard, .. } => counter!("kcl_leases_taken_total", &labels(app, shard)).increment(1),
        Event::LeasePassed { shard, .. } => counter!("kcl_leases_passed_total", &labels(app, shard)).increment(1),
        Event::LeaseOffered { shard, .. } => counter!("kcl_leases_offered_total", &labels(app, shard)).increment(1),
        Event::MoveAsked { shard, .. } => counter!("kcl_moves_asked_total", &labels(app, shard)).increment(1),
        Event::WorkerSilent { .. } => {
            counter!("kcl_workers_taken_for_dead_total", "app" => app.as_str().to_owned()).increment(1);
        }
        Event::WorkerDistrusted { .. } => {
            counter!("kcl_workers_distrusted_total", "app" => app.as_str().to_owned()).increment(1);
        }
        Event::NoRoom { shards } => {
            #[expect(clippy::cast_precision_loss, reason = "a count of shards")]
            gauge!("kcl_shards_without_room", "app" => app.as_str().to_owned()).set(*shards as f64);
        }
        Event::Leading { now } => {
            gauge!("kcl_leading", "app" => app.as_str().to_owned()).set(if *now { 1.0 } else { 0.0 });
        }
        Event::LeaseEnded { shard, reason } => {
            let [app, stream, shard] = labels(app, shard);
            let reason = ("reason", format!("{reason:?}"));
            counter!("kcl_leases_ended_total", &[app, stream, shard, reason]).increment(1);
        }
        Event::LeaseCreated { shard, .. } => counter!("kcl_leases_created_total", &labels(app, shard)).increment(1),
        Event::LeaseDeleted { shard } => counter!("kcl_leases_deleted_total", &labels(app, shard)).increment(1),
        Event::LeaseUnreadable { .. } => {
            counter!("kcl_leases_unreadable_total", "app" => app.as_str().to_owned()).increment(1);
        }
        Event::Fetched { shard, behind, .. } => {
            if let Some(behind) = behind {
                gauge!("kcl_millis_behind_latest", &labels(app, shard)).set(behind.as_secs_f64() * 1000.0);
            }
        }
        Event::Processed { shard, records, bytes, took, age, .. } => {
            let labels = labels(app, shard);
            counter!("kcl_records_processed_total", &labels).increment(*records as u64);
            counter!("kcl_bytes_processed_total", &labels).increment(*bytes as u64);
            histogram!("kcl_process_records_seconds", &labels).record(took.as_secs_f64());
            if let Some(age) = age {
                histogram!("kcl_record_age_seconds", &labels).record(age.as_secs_f64());
            }
        }
        Event::ProcessorFailed { shard, .. } => {
            counter!("kcl_processor_failures_total", &labels(app, shard)).increment(1);
        }
        Event::ProcessorPanicked { shard, .. } => {
            counter!("kcl_processor_panics_total", &labels(app, shard)).increment(1);
        }
        Event::ProcessorDropped { shard, .. } => {
            counter!("kcl_processor_drops_total", &labels(app, shard)).increment(1);
        }
        Event::ProcessorSlow { shard, returned: false, .. } => {
            counter!("kcl_processor_slow_total", &labels(app, shard)).increment(1);
        }
        Event::ShardStalled { shard, cause } => {
            let [app, stream, shard] = labels(app, shard);
            let cause = match cause {
                StallCause::Reader { .. } => "reader",
                StallCause::Processor { .. } => "processor",
                StallCause::Ended { .. } => "ended",
            };
            counter!("kcl_shards_stalled_total", &[app, stream, shard, ("cause", cause.to_owned())]).increment(1);
        }
        Event::Checkpointed { shard, .. } => counter!("kcl_checkpoints_total", &labels(app, shard)).increment(1),
        Event::ShardFinished { shard, .. } => counter!("kcl_shards_finished_total", &labels(app, shard)).increment(1),
        Event::ReadFailed { shard, throttled, .. } => {
            let name = if *throttled { "kcl_reads_throttled_total" } else { "kcl_read_failures_total" };
            counter!(name, &labels(app, shard)).increment(1);
        }
        Event::RecordsExpired { shard, .. } => {
            counter!("kcl_expired_gaps_total", &labels(app, shard)).increment(1);
        }
        Event::AggregationOddities { shard, malformed, outside, left_out } => {
            let labels = labels(app, shard);
            counter!("kcl_malformed_carriers_total", &labels).increment(*malformed as u64);
            counter!("kcl_user_records_outside_total", &labels).increment(*outside as u64);
            counter!("kcl_user_records_left_out_total", &labels).increment(*left_out as u64);
        }
        Event::LeaseWriteFailed { shard, .. } => {
            counter!("kcl_lease_write_failures_total", &labels(app, shard)).increment(1);
        }
        Event::LookFailed { what, .. } => {
            let labels = [("app", app.as_str().to_owned()), ("what", format!("{what:?}"))];
            counter!("kcl_look_failures_total", &labels).increment(1);
        }
        Event::WorkerStarted
        | Event::ShutdownRequested
        | Event::WorkerStopped { .. }
        | Event::PhaseChanged { .. }
        | Event::ProcessorSlow { returned: true, .. }
        | Event::ShardInitialized { .. }
        | Event::LookRecovered { .. }
        | Event::StreamAdded { .. }
        | Event::StreamRemoved { .. }
        | Event::StreamRecreated { .. } => {}
    }
}
