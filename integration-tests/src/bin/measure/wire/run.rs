//! What is measured of one consumer: a backlog, idleness, or a steady rate.

use std::collections::BTreeMap;
use std::time::Duration;

use kcl_core::error::Failure;
use kcl_core::time::WallClock;
use tokio::time::Instant;

use super::answers::Answers;
use super::backlog::Backlog;
use super::figures::Reading;
use super::front::Front;
use super::kinds::{Payload, Reader};
use super::payload;
use super::process::{Endpoints, Running, Terms};
use crate::percentiles::Summary;
use crate::procfs::Process;
use crate::producer::Producer;
use crate::services::{Services, Shard};

/// How long a consumer may take to hold all shards. Other libraries are slow at it.
const BEGIN: Duration = Duration::from_mins(5);
/// How long it then has until it is measured: what is done once is over.
const WARM_UP: Duration = Duration::from_secs(5);
/// The same where nothing is to be read, and little is measured.
const WARM_UP_IDLE: Duration = Duration::from_secs(15);
/// How long a backlog may take.
const READ: Duration = Duration::from_mins(10);

/// What went wrong in consumers, and how often.
pub(crate) type Troubles = BTreeMap<String, u64>;

/// What came of a process that had nothing to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Idle {
    pub(crate) cpu_seconds_per_minute: f64,
    pub(crate) process: Process,
}

/// Services, and a front before them.
struct Stage {
    services: Services,
    shards: Vec<Shard>,
    front: Front,
    endpoints: Endpoints,
    waiting: Waiting,
}

/// What is to be read.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    records: u64,
    user_records: u64,
}

impl Stage {
    async fn new(shards: u32, backlog: impl FnOnce(&[Shard]) -> Answers) -> Result<Self, Failure> {
        let (services, shards) = Services::start(0, shards).await?;
        let answers = backlog(&shards);
        let in_front = !answers.0.is_empty();
        let sum = |count: fn(&Backlog) -> u64| answers.0.values().map(count).sum();
        let waiting = Waiting { records: sum(Backlog::count), user_records: sum(Backlog::user_records) };
        let front = Front::start(services.local.clone(), answers).await?;
        let endpoints = Endpoints {
            kinesis: if in_front { front.address } else { services.address },
            dynamodb: services.address,
            cloudwatch: front.address,
            region: services.local.region().to_owned(),
        };
        Ok(Self { services, shards, front, endpoints, waiting })
    }

    /// Starts a consumer, and waits until it holds all shards.
    async fn consumer(&self, reader: &Reader, terms: Terms) -> Result<Running, Failure> {
        let mut consumer = Running::start(reader, terms, &self.endpoints)?;
        let all = self.shards.len();
        consumer.until("it does not hold all shards", BEGIN, |heard| heard.shards.len() >= all, drop).await?;
        Ok(consumer)
    }
}

/// Lets a consumer read so many bytes, which are there at once when it holds all shards.
pub(crate) async fn backlog(
    reader: &Reader,
    terms: Terms,
    shards: u32,
    payload: Payload,
    bytes: u64,
    troubles: &mut Troubles,
) -> Result<Reading, Failure> {
    let stage = Stage::new(shards, |shards| answers(shards, payload, bytes)).await?;
    let Waiting { records, user_records } = stage.waiting;
    // The SDK alone does not unpack.
    let all = if *reader == Reader::Sdk { records } else { user_records };
    let mut consumer = stage.consumer(reader, terms).await?;
    tokio::time::sleep(WARM_UP).await;

    let (before, begin, mut seen) = (consumer.look()?, Instant::now(), Vec::new());
    stage.front.open();
    consumer.until("it has not read all", READ, |heard| heard.records >= all, |now| seen.push(now)).await?;
    let (after, seconds) = (consumer.look()?, begin.elapsed().as_secs_f64());
    note(&consumer, troubles);
    let threads = seen.iter().map(|process| process.threads).max().unwrap_or(after.threads);
    Ok(Reading {
        bytes: user_records * payload::USER_BYTES as u64,
        records: user_records,
        seconds,
        before,
        after,
        busy_kib: seen.iter().map(|process| process.rss_kib).collect(),
        threads,
    })
}

/// Lets a consumer hold shards without records.
pub(crate) async fn idle(
    reader: &Reader,
    terms: Terms,
    shards: u32,
    seconds: u64,
    troubles: &mut Troubles,
) -> Result<Idle, Failure> {
    let stage = Stage::new(shards, |_| Answers::default()).await?;
    let mut consumer = stage.consumer(reader, terms).await?;
    tokio::time::sleep(WARM_UP_IDLE).await;
    let (before, begin) = (consumer.look()?, Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    consumer.check()?;
    let process = consumer.look()?;
    note(&consumer, troubles);
    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    Ok(Idle { cpu_seconds_per_minute: (process.cpu_seconds - before.cpu_seconds) / minutes, process })
}

/// Puts records at a steady rate: how old they are when they are handled.
pub(crate) async fn steady(
    reader: &Reader,
    terms: Terms,
    shards: u32,
    seconds: u64,
    troubles: &mut Troubles,
) -> Result<Option<Summary>, Failure> {
    let stage = Stage::new(shards, |_| Answers::default()).await?;
    let mut consumer = stage.consumer(reader, Terms { delays: true, ..terms }).await?;
    let mut producer = Producer::start(stage.services.local.clone(), stage.shards.clone());
    tokio::time::sleep(WARM_UP).await;
    consumer.heard.forget_delays();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    consumer.check()?;
    producer.stop().await?;
    note(&consumer, troubles);
    Ok(Summary::of(consumer.heard.read(|heard| heard.delays.clone())))
}

fn note(consumer: &Running, troubles: &mut Troubles) {
    for (what, times) in consumer.heard.read(|heard| heard.troubles.clone()) {
        *troubles.entry(what).or_default() += times;
    }
}

/// The same for every shard, but that each has keys of its own.
fn answers(shards: &[Shard], payload: Payload, bytes: u64) -> Answers {
    let mut begins: Vec<(u128, &str)> =
        shards.iter().map(|shard| (shard.hash_key.parse().unwrap_or_default(), shard.id.as_str())).collect();
    begins.sort_unstable();
    let ends = begins.iter().skip(1).map(|(begin, _)| begin - 1).chain([u128::MAX]);
    let arrival = WallClock::system().now().millis();
    let each = bytes / u64::try_from(shards.len()).unwrap_or(u64::MAX).max(1);
    let backlog = |((begin, id), end): (&(u128, &str), u128)| {
        ((*id).to_owned(), Backlog::new(payload::records(payload, *begin, end, arrival), each))
    };
    Answers(begins.iter().zip(ends).map(backlog).collect())
}
