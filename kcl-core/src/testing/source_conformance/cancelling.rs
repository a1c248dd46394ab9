//! What a source promises to those who stop waiting for it.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Subject, assert_numbers, next, next_records};
use crate::error::{SourceError, SourceErrorKind};
use crate::ids::ShardId;
use crate::retrieval::{Fetched, RawRecord, RecordSource, StartAt};

/// Wherever a call of `next` is dropped, the calls after it bring what it would have brought. They may be throttled: the
/// service counts requests that nobody waits for any more.
pub async fn nothing_is_lost_or_repeated_when_next_is_dropped(subject: &Subject) {
    let shards = subject.shards().await;
    // Side by side: each shard has a reader and luck of its own.
    join_all(shards.iter().zip(0..).map(|(shard, seed)| read_by_fits_and_starts(subject, shard, seed))).await;
}

async fn read_by_fits_and_starts(subject: &Subject, shard: &ShardId, seed: u64) {
    let mut luck = fastrand::Rng::with_seed(seed);
    let mut source = subject.open(shard, &StartAt::Latest).await;
    assert_numbers(&next_records(&mut source).await.records, 0..0);
    let (mut put, mut records) = (0, Vec::new());
    while put < 60 {
        let more = luck.usize(1..20);
        subject.put(shard, put..put + more).await;
        put += more;
        for _ in 0..luck.usize(1..12) {
            if let Some(fetched) = next_or_not(&mut source, &mut luck).await {
                records.extend(of_open_shard(fetched));
            }
        }
    }
    while records.len() < put {
        records.extend(of_open_shard(next(&mut source).await));
    }
    assert_numbers(&records, 0..put);
}

fn of_open_shard(fetched: Result<Fetched, SourceError>) -> Vec<RawRecord> {
    match fetched {
        Ok(Fetched::Records(fetch)) => fetch.records,
        Ok(Fetched::End { .. }) => panic!("the shard is open, and ended"),
        Err(error) if error.kind() == SourceErrorKind::Throttled => Vec::new(),
        Err(error) => panic!("nothing went wrong: {error}"),
    }
}

/// Waits for some time, or for so many steps if they take no second, and then no longer.
async fn next_or_not(
    source: &mut Box<dyn RecordSource>,
    luck: &mut fastrand::Rng,
) -> Option<Result<Fetched, SourceError>> {
    let (mut steps, time) = if luck.bool() {
        (luck.u32(0..12), Duration::from_secs(1))
    } else {
        (u32::MAX, Duration::from_millis(luck.u64(0..400)))
    };
    let mut answer = source.next();
    let stepwise = poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(fetched) => Poll::Ready(Some(fetched)),
        Poll::Pending if steps == 0 => Poll::Ready(None),
        Poll::Pending => {
            steps -= 1;
            Poll::Pending
        }
    });
    tokio::time::timeout(time, stepwise).await.ok().flatten()
}
