//! One shard: waits for its parents, reads it, commits after each batch, and ends as it is told to.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::types::ShardIteratorType;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kcl_core::position::{Position, SequenceNumber};
use tokio::sync::watch;

use super::holdings::{Holding, Signal};
use super::process::{Committed, Process};
use super::table::Trouble;
use crate::history::{HowReturned, Payload, Seat, What};
use crate::site::STREAM;

/// The pause before an application, or the KCL, tries again.
const AGAIN: Duration = Duration::from_secs(1);

/// Lives through one ownership of a shard.
pub(super) async fn consume(process: Arc<Process>, holding: Arc<Holding>) {
    let told = holding.listen();
    let mut consumer = Consumer { process, holding, told };
    let how = consumer.live().await;
    if how == Signal::HandOver {
        consumer.process.pass_on(&consumer.holding).await;
    }
}

pub(super) struct Consumer {
    pub(super) process: Arc<Process>,
    pub(super) holding: Arc<Holding>,
    told: watch::Receiver<Signal>,
}

/// A user record: where it is, what is in it.
type UserRecord = (Position, Payload);

impl Consumer {
    fn told(&self) -> Option<Signal> {
        Some(*self.told.borrow()).filter(|told| *told != Signal::Run)
    }

    /// Waits, unless something is to be done before.
    pub(super) async fn pause(&mut self, time: Duration) -> Option<Signal> {
        let told = self.told.wait_for(|told| *told != Signal::Run);
        tokio::select! {
            biased;
            told = told => Some(told.map_or(Signal::Lost, |told| *told)),
            () = tokio::time::sleep(time) => None,
        }
    }

    /// Returns what made it end.
    async fn live(&mut self) -> Signal {
        if let Some(told) = self.wait_for_parents().await {
            return told;
        }
        let start = match self.start().await {
            Ok(start) => start,
            Err(told) => return told,
        };
        if start.is_end() {
            self.process.remember_finished(&self.holding);
            return Signal::Stop;
        }
        let (run, seat, shard) = (self.process.run, self.process.recorder.next_seat(), self.holding.key.clone());
        let epoch = self.holding.epoch;
        self.process.note(What::Seated { run, seat, shard, epoch, start: start.clone() });
        self.read(seat, start).await
    }

    /// A parent that has no lease, or none that this worker sees, is not waited for.
    async fn wait_for_parents(&mut self) -> Option<Signal> {
        for parent in self.holding.parents.clone() {
            loop {
                if let Some(told) = self.told() {
                    return Some(told);
                }
                match self.process.table.get(&parent).await {
                    Ok(None) => break,
                    Ok(Some(lease)) if lease.checkpoint.is_end() => break,
                    Ok(Some(_)) | Err(_) => {}
                }
                if let Some(told) = self.pause(self.process.pace.parents).await {
                    return Some(told);
                }
            }
        }
        None
    }

    /// Reads once more where to start; what is read may be older than what was adopted.
    async fn start(&mut self) -> Result<Position, Signal> {
        loop {
            if let Ok(Some(lease)) = self.process.table.get(&self.holding.key).await {
                return Ok(lease.checkpoint);
            }
            if let Some(told) = self.pause(AGAIN).await {
                return Err(told);
            }
        }
    }

    async fn read(&mut self, seat: Seat, start: Position) -> Signal {
        let mut after = start;
        let mut iterator = None;
        loop {
            if let Some(told) = self.told() {
                return told;
            }
            match self.get(&mut iterator, &after).await {
                Ok(got) => {
                    let records = self.user_records(&got, &after);
                    if let Some((last, _)) = records.last().cloned() {
                        if let Some(told) = self.told() {
                            return told;
                        }
                        self.process_records(seat, records).await;
                        after = last;
                        self.commit(&after).await;
                    }
                    if iterator.is_none() {
                        return self.end(got.child_shards()).await;
                    }
                }
                Err(trouble) => self.process.say(&format!("cannot read {}: {}", self.holding.key, trouble.0)),
            }
            if let Some(told) = self.pause(self.process.pace.idle).await {
                return told;
            }
        }
    }

    /// Asks for records. The iterator is the next one then; none if the shard has ended.
    async fn get(&self, iterator: &mut Option<String>, after: &Position) -> Result<GetRecordsOutput, Trouble> {
        let here = match iterator.take() {
            Some(here) => here,
            None => self.iterator(after).await?,
        };
        let limit = i32::try_from(self.process.read_limit).unwrap_or(i32::MAX);
        let request = self.process.kinesis.get_records().shard_iterator(&here).limit(limit);
        match request.send().await {
            Ok(mut got) => {
                *iterator = got.next_shard_iterator.take();
                Ok(got)
            }
            Err(error) => {
                let expired = error.code() == Some("ExpiredIteratorException");
                *iterator = (!expired).then_some(here);
                Err(Trouble::from(error))
            }
        }
    }

    /// An iterator at the record that was last done, which is skipped then: some of it may not be done.
    async fn iterator(&self, after: &Position) -> Result<String, Trouble> {
        let request = self.process.kinesis.get_shard_iterator().stream_name(STREAM).shard_id(&self.holding.key);
        let request = match after {
            Position::At { sequence, .. } => request
                .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                .starting_sequence_number(sequence.as_str()),
            Position::Latest => request.shard_iterator_type(ShardIteratorType::Latest),
            _ => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        let iterator = request.send().await.map_err(Trouble::from)?.shard_iterator;
        iterator.ok_or_else(|| Trouble("no iterator".to_owned()))
    }

    /// What is in the records that were got, but for what was done before. The world's own ledger unpacks them.
    fn user_records(&self, got: &GetRecordsOutput, after: &Position) -> Vec<UserRecord> {
        let mut all = Vec::new();
        for record in got.records() {
            let Ok(sequence) = SequenceNumber::parse(record.sequence_number()) else { continue };
            let payloads = self.process.ledger.payloads(&BASE64_STANDARD.encode(record.data().as_ref()));
            self.holding.carried(record.data().as_ref().len());
            let position = |sub| Position::At { sequence: sequence.clone(), sub };
            all.extend((0..).map(position).zip(payloads).filter(|(position, _)| position > after));
        }
        all
    }

    /// Gives records to the processor, which never fails, and takes its time.
    async fn process_records(&self, seat: Seat, records: Vec<UserRecord>) {
        let (run, shard) = (self.process.run, self.holding.key.clone());
        let Some((last, _)) = records.last().cloned() else { return };
        self.process.know_shards().await;
        self.process.note(What::Called { run, seat, shard: shard.clone(), records });
        let conduct = self.process.handling.draw(&mut self.process.luck());
        tokio::time::sleep(Duration::from_millis(conduct.millis)).await;
        self.process.note(What::Done { run, seat, shard, through: last });
        self.process.note(What::Returned { run, seat, how: HowReturned::Ok });
    }

    /// Commits as applications are told to: what nobody knows of is tried again.
    pub(super) async fn commit(&mut self, position: &Position) -> Committed {
        loop {
            let committed = self.process.commit(&self.holding, position).await;
            if committed != Committed::Unknown || self.told() == Some(Signal::Lost) {
                return committed;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}
