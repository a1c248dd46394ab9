//! What an idle fleet asks of DynamoDB, counted, against what `kcl_dynamo_leases::costs` says, and against the document.

use std::fmt::Write as _;
use std::time::Duration;

use integration_tests::determinism::with_seed;
use integration_tests::fleet::{Fleet, FleetSpec};
use integration_tests::site::Site;
use integration_tests::trace::Trace;
use kcl_dynamo_leases::costs::{self, steady_state};
use kcl_local::Settings;

const FAILOVER: Duration = Duration::from_secs(10);
const MINUTES: u64 = 3;

/// Units read and written in a minute, and the writes to leases among them for each lease.
struct Counted {
    reads: f64,
    writes: f64,
    per_lease: f64,
}

fn count(workers: usize, shards: u32) -> Counted {
    with_seed(1, move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime without IO can be built");
        runtime.block_on(async {
            let site = Site::new(Settings::default(), Trace::default());
            site.create_stream(shards).await;
            let mut fleet = Fleet::new(site.clone(), FleetSpec::plain(FAILOVER, 1));
            for slot in 0..workers {
                fleet
                    .start(slot, &format!("ip-10-0-0-{slot}.ec2.internal:123e4567-e89b-42d3-a456-426614174000"))
                    .expect("good");
            }
            tokio::time::sleep(Duration::from_secs(120)).await;
            site.local.dynamodb(|dynamodb, _| dynamodb.ledger_mut().clear());
            tokio::time::sleep(Duration::from_secs(MINUTES * 60)).await;
            let used = site.local.dynamodb(|dynamodb, _| dynamodb.ledger().total(|_| true));
            let minutes = f64::from(u32::try_from(MINUTES).expect("small"));
            let bill = bill(workers, shards);
            let writes = used.write_units / minutes;
            let per_lease = (writes - bill.reports - bill.lock) / f64::from(shards);
            Counted { reads: used.read_units / minutes, writes, per_lease }
        })
    })
}

fn bill(workers: usize, leases: u32) -> costs::Bill {
    let workers = u32::try_from(workers).expect("small");
    // Leases of shards without a record: no checkpoint of 56 digits, no load; and rows without a CPU.
    let (lease_bytes, row_bytes) = (370, 200);
    steady_state(&costs::Fleet { leases, workers, lease_bytes, row_bytes, ..costs::Fleet::default() })
}

#[test]
fn an_idle_fleet_costs_what_the_function_says() {
    for (workers, shards) in [(1, 4), (2, 40), (6, 40)] {
        let (counted, bill) = (count(workers, shards), bill(workers, shards));
        let line = format!(
            "{workers} workers, {shards} leases: {:.0} read and {:.0} write units a minute, {:.2} writes for each lease; \
             said: {:.0} and {:.0}",
            counted.reads,
            counted.writes,
            counted.per_lease,
            bill.reads(),
            bill.writes()
        );
        println!("{line}");
        let close = |counted: f64, said: f64| (counted - said).abs() <= said * 0.1;
        assert!(close(counted.reads, bill.reads()) && close(counted.writes, bill.writes()), "{line}");
        assert!(counted.per_lease <= 9.0, "{line}");
    }
}

/// The table of `docs/costs.md`, as the function has it.
fn table() -> String {
    let mut table = String::from(
        "| workers | leases | failover | reads a minute: looks | comparisons | listening | writes a minute: renewals | reports | lock \
         | writes per lease-hour | reads per worker-hour |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (workers, leases, seconds) in [
        (1, 1, 10),
        (2, 10, 10),
        (2, 100, 10),
        (5, 100, 10),
        (10, 500, 10),
        (50, 2_000, 10),
        (2, 100, 30),
        (50, 2_000, 30),
    ] {
        let failover = Duration::from_secs(seconds);
        let bill = steady_state(&costs::Fleet { leases, workers, failover, ..costs::Fleet::default() });
        let lease_hour = bill.renewals * 60.0 / f64::from(leases);
        let worker_hour = bill.reads() * 60.0 / f64::from(workers);
        let costs::Bill { looks, comparisons, listening, renewals, reports, lock } = bill;
        writeln!(
            table,
            "| {workers} | {leases} | {seconds} s | {looks:.0} | {comparisons:.0} | {listening:.0} | {renewals:.0} | {reports:.0} | \
             {lock:.0} | {lease_hour:.0} | {worker_hour:.0} |"
        )
        .expect("a string takes everything");
    }
    table
}

#[test]
fn the_document_has_the_table_of_the_function() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/costs.md");
    let document = std::fs::read_to_string(path).expect("docs/costs.md");
    assert!(document.contains(&table()), "docs/costs.md must have:\n{}", table());
}
