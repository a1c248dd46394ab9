use std::fmt::Write;
use std::sync::{Arc, Mutex};

use kcl_local::dynamodb::StaleReads;
use kcl_local::{Fault, Settings};

use super::*;

/// Three workers that fight for four leases on a bad network, as everything that the services served.
fn transcript(seed: u64) -> String {
    fastrand::seed(seed);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("runtime");
    runtime.block_on(async {
        let mut settings = Settings { seed, ..Settings::default() };
        settings.dynamodb.stale_reads = Some(StaleReads { max_age: Duration::from_secs(3), probability: 0.3 });
        let local = Local::new(settings);
        let transcript = Arc::new(Mutex::new(String::new()));
        let lines = Arc::clone(&transcript);
        local.observe(move |seen| {
            let mut lines = lines.lock().expect("whole");
            writeln!(
                lines,
                "{} {} #{} {:?} {} {} -> {} {}",
                seen.at,
                seen.client,
                seen.number,
                seen.service,
                seen.operation,
                seen.request,
                seen.reply.status,
                seen.reply.body
            )
            .expect("in memory");
        });
        create_table(&local).await;
        let mut luck = fastrand::Rng::with_seed(seed);
        local.set_faults(move |_| match luck.u8(0..20) {
            0 => Fault::lost_after(),
            1 => Fault::lost_before(),
            2 => Fault::internal_error(),
            3 => Fault::none().duplicated(Duration::from_secs(2)),
            4 => Fault::none().late(Duration::from_secs(3)),
            _ => Fault::none(),
        });
        let [w1, w2, w3] = ["w1", "w2", "w3"].map(|worker| impatient(&local, worker));
        tokio::join!(fight("w1", &w1), fight("w2", &w2), fight("w3", &w3));
        transcript.lock().expect("whole").clone()
    })
}

async fn fight(worker: &str, client: &Client) {
    for round in 0..40_u64 {
        let lease = format!("shard-{}", round % 4);
        let seen = client.scan().table_name(TABLE).send().await.ok().and_then(|page| page.items).unwrap_or_default();
        let held = seen.iter().find(|item| item["leaseKey"] == AttributeValue::S(lease.clone()));
        let held = held.and_then(|item| item["leaseCounter"].as_n().ok()?.parse().ok()).unwrap_or(0);
        // Whether it is refused, lost or applied is what the transcript shows.
        let _ = renew(client, &lease, worker, held).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let one = transcript(1);
    assert!(one.lines().count() > 200, "{} lines", one.lines().count());
    assert!(one.contains("ConditionalCheckFailedException"));
    assert_eq!(one, transcript(1));
    assert_ne!(one, transcript(2));
}
