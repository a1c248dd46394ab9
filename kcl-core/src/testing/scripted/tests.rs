use std::collections::VecDeque;

use super::*;
use crate::error::SourceErrorKind;
use crate::retrieval::{Fetched, StartAt};
use crate::testing::source_conformance::{self, Trouble, World};

fn stream(shards: usize) -> Scripted {
    Scripted::new(StreamId::named("orders"), shards)
}

#[async_trait]
impl World for Scripted {
    fn retrieval(&self) -> Arc<dyn Retrieval> {
        Arc::new(self.clone())
    }

    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    async fn put(&self, shard: &ShardId, records: &[(String, Bytes)]) -> Vec<SequenceNumber> {
        records.iter().map(|(key, data)| Self::put(self, shard, key, data.clone())).collect()
    }

    async fn split(&self, shard: &ShardId) {
        Self::split(self, shard);
    }

    async fn merge(&self, shard: &ShardId, adjacent: &ShardId) {
        Self::merge(self, shard, adjacent);
    }

    async fn expire(&self) {
        tokio::time::sleep(Duration::from_mins(10)).await;
    }

    fn trouble(&self, trouble: Trouble, requests: usize) {
        let mut troubled = VecDeque::from(vec![trouble; requests]);
        self.set_faults(move |request| match (request, troubled.front()) {
            (Request::Next(_), Some(trouble)) => {
                let kind = match trouble {
                    Trouble::Throttled => SourceErrorKind::Throttled,
                    _ => SourceErrorKind::Unavailable,
                };
                troubled.pop_front();
                Fault::Fails(SourceError::new(kind, "the story has it so"))
            }
            _ => Fault::None,
        });
    }
}

#[tokio::test(start_paused = true)]
async fn it_keeps_the_promises_of_a_retrieval() {
    source_conformance::all(|shards| async move { stream(shards) }).await;
}

#[tokio::test(start_paused = true)]
async fn it_keeps_them_with_small_answers() {
    source_conformance::all(|shards| async move { stream(shards).records_per_answer(2) }).await;
}

async fn first(stream: &Scripted, from: &StartAt) -> Result<String, SourceErrorKind> {
    let budget = ByteBudget::new(1024);
    let mut source = stream.open(&Scripted::shard(0), from, &budget).await.map_err(|error| error.kind())?;
    match source.next().await.map_err(|error| error.kind())? {
        Fetched::Records(fetch) => Ok(String::from_utf8_lossy(&fetch.records[0].data).into_owned()),
        Fetched::End { .. } => Ok("end".to_owned()),
    }
}

#[tokio::test(start_paused = true)]
async fn trimmed_records_are_passed_over() {
    let stream = stream(1);
    let numbers: Vec<_> = (0..4).map(|n| stream.put(&Scripted::shard(0), "k", n.to_string())).collect();
    stream.trim(&Scripted::shard(0), 2);
    for from in [StartAt::TrimHorizon, StartAt::At(numbers[0].clone()), StartAt::After(numbers[0].clone())] {
        assert_eq!(first(&stream, &from).await, Ok("2".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_shard_is_not_found_by_its_readers_either() {
    let stream = stream(1);
    let budget = ByteBudget::new(1024);
    let mut source = stream.open(&Scripted::shard(0), &StartAt::TrimHorizon, &budget).await.expect("opened");
    stream.split(&Scripted::shard(0));
    stream.forget(&Scripted::shard(0));
    assert_eq!(source.next().await.expect_err("gone").kind(), SourceErrorKind::NotFound);
    assert_eq!(first(&stream, &StartAt::TrimHorizon).await, Err(SourceErrorKind::NotFound));
    let listing = stream.list_shards(WhichShards::All).await.expect("listed");
    assert_eq!(listing.shards.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn positions_of_an_earlier_stream_are_foreign() {
    let stream = stream(1);
    let old = stream.put(&Scripted::shard(0), "k", "old");
    tokio::time::sleep(Duration::from_secs(1)).await;
    stream.recreate(1);
    let created = stream.created().await.expect("answered").expect("told");
    assert_eq!(created.since(Scripted::CREATED), Duration::from_secs(1));
    stream.put(&Scripted::shard(0), "k", "new");
    for from in [StartAt::At(old.clone()), StartAt::After(old)] {
        assert_eq!(first(&stream, &from).await, Err(SourceErrorKind::Foreign));
    }
    assert_eq!(first(&stream, &StartAt::TrimHorizon).await, Ok("new".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn faults_see_every_request() {
    let stream = stream(1);
    stream.set_faults(|request| match request {
        Request::Created => Fault::Fails(SourceError::new(SourceErrorKind::Denied, "no")),
        Request::List(_) => Fault::Late(Duration::from_secs(3)),
        Request::Open(..) => Fault::Hangs,
        Request::Next(_) => Fault::None,
    });
    assert_eq!(stream.created().await.expect_err("denied").kind(), SourceErrorKind::Denied);
    let before = Instant::now();
    stream.list_shards(WhichShards::All).await.expect("late");
    assert_eq!(before.elapsed(), Duration::from_secs(3));
    tokio::time::timeout(Duration::from_hours(1), first(&stream, &StartAt::Latest)).await.expect_err("hangs");
    stream.clear_faults();
    stream.put(&Scripted::shard(0), "k", "x");
    assert_eq!(first(&stream, &StartAt::TrimHorizon).await, Ok("x".to_owned()));
}
