//! Connections that say nothing any more.

use std::time::Duration;

use kcl_core::error::SourceErrorKind;
use kcl_core::retrieval::StartAt;
use kcl_local::{Fault, StreamFault};
use tokio::time::Instant;

use crate::bench::Bench;
use crate::{failure, some};

#[tokio::test(start_paused = true)]
async fn silence_is_noticed_and_named_and_nothing_is_lost() {
    let bench = Bench::new(1).await;
    bench.event_fate(2, StreamFault::silent());
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    bench.put("a");
    assert_eq!(some(&mut source).await.expect("read"), ["a"]);
    bench.put("b");
    let began = Instant::now();
    let error = failure(&mut source).await;
    assert_eq!(error.kind(), SourceErrorKind::Unavailable);
    assert!(error.to_string().contains("shardId-000000000000 of stream orders has been silent for 30s"), "{error}");
    assert!((29..=31).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(some(&mut source).await.expect("read"), ["b"]);
    assert!(began.elapsed() < Duration::from_secs(32), "it is begun again at once");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_shard_is_not_silent() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::Latest).await.expect("opened");
    for _ in 0..200 {
        assert!(crate::texts(&mut source).await.expect("no trouble").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_given_up_after_ten_seconds() {
    let bench = Bench::new(1).await;
    bench.register(crate::APP).await;
    bench.local.set_fates("SubscribeToShard", [Fault::hang_after()]);
    let began = Instant::now();
    let error = bench.refusal(&bench.fan_out(), StartAt::Latest).await;
    assert_eq!(error.kind(), SourceErrorKind::Unavailable);
    assert!(error.to_string().contains("was not answered within 10s"), "{error}");
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stood_still_does_not_take_that_for_silence() {
    let bench = Bench::new(1).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    bench.put("a");
    assert_eq!(some(&mut source).await.expect("read"), ["a"]);
    for pause in [29, 31, 120, 600] {
        crate::seconds(pause).await;
        bench.put(pause.to_string());
        assert_eq!(some(&mut source).await.expect("no trouble"), [pause.to_string()]);
    }
}

/// A runtime that comes back to each task 200 ms late, as one does whose processors compute, still notices silence.
#[tokio::test(start_paused = true)]
async fn silence_is_noticed_by_a_process_that_is_always_late() {
    let bench = Bench::new(1).await;
    bench.register(crate::APP).await;
    let mut source = bench.open(StartAt::TrimHorizon).await.expect("opened");
    bench.event_fate(2, StreamFault::silent());
    drop(source.next().await.expect("the first"));
    let began = Instant::now();
    let error = {
        let mut next = source.next();
        loop {
            if let std::task::Poll::Ready(answer) = futures_util::poll!(next.as_mut()) {
                match answer {
                    Ok(_) => {
                        drop(next);
                        next = source.next();
                    }
                    Err(error) => break Some(error),
                }
            }
            // Until the next timer, and 200 ms more. All timers here are whole seconds after the beginning.
            tokio::time::advance(Duration::from_millis(2_200)).await;
            if began.elapsed() > Duration::from_secs(240) {
                break None;
            }
        }
    };
    assert!(error.is_some(), "nobody noticed within {:?}", began.elapsed());
}
