//! Puts flights into the stream: half of them plain, half aggregated as the Kinesis Producer Library does it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use kcl_core::deaggregate::{aggregate, hash_key};
use kcl_core::error::Failure;

use crate::STREAM;
use crate::flights::Flight;
use crate::ledger::Ledger;

/// The most flights of one request.
const BATCH: usize = 64;

/// Puts flights in order, with a pause after each request.
pub(crate) async fn put(kinesis: &Client, flights: &[Flight], pause: Duration, ledger: &Ledger) -> Result<(), Failure> {
    for batch in batches(flights) {
        put_batch(kinesis, entries(batch)?).await?;
        ledger.put(batch.iter().map(|flight| flight.row));
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// Cuts where an aircraft comes again. A request can be refused in part, and what is sent again arrives late: with each
/// key once in a request, the order of each key is kept.
fn batches(mut rest: &[Flight]) -> impl Iterator<Item = &[Flight]> {
    std::iter::from_fn(move || {
        let mut aircraft = BTreeSet::new();
        let len = rest.iter().take(BATCH).take_while(|flight| aircraft.insert(flight.aircraft)).count();
        let (batch, after) = rest.split_at(len);
        rest = after;
        (len > 0).then_some(batch)
    })
}

/// The user records of a carrier must belong to one shard. Each carrier here keeps to one eighth of the hash keys, which
/// no reshard of this program cuts in two. (A real producer looks at the list of shards.)
fn entries(batch: &[Flight]) -> Result<Vec<PutRecordsRequestEntry>, Failure> {
    let mut eighths: BTreeMap<u128, Vec<Flight>> = BTreeMap::new();
    for flight in batch {
        let key = hash_key(flight.aircraft, None).ok_or("a partition key is too long")?;
        eighths.entry(key >> 125).or_default().push(*flight);
    }
    let mut entries = Vec::new();
    for (eighth, flights) in eighths {
        // In turns, so that each aircraft has flights of both kinds.
        if (batch[0].row / BATCH + usize::try_from(eighth)?).is_multiple_of(2) {
            entries.push(carrier(&flights)?);
        } else {
            for flight in flights {
                entries.push(entry(flight.aircraft, flight.data().into_bytes())?);
            }
        }
    }
    Ok(entries)
}

fn carrier(flights: &[Flight]) -> Result<PutRecordsRequestEntry, Failure> {
    let rows: Vec<String> = flights.iter().map(Flight::data).collect();
    let user_records = flights.iter().zip(&rows).map(|(flight, row)| (flight.aircraft, None, row.as_bytes()));
    entry(flights[0].aircraft, aggregate(user_records).to_vec())
}

fn entry(partition_key: &str, data: Vec<u8>) -> Result<PutRecordsRequestEntry, Failure> {
    Ok(PutRecordsRequestEntry::builder().partition_key(partition_key).data(Blob::new(data)).build()?)
}

/// Puts a batch, and again what of it was refused, until all is in.
async fn put_batch(kinesis: &Client, mut entries: Vec<PutRecordsRequestEntry>) -> Result<(), Failure> {
    loop {
        let answer = kinesis.put_records().stream_name(STREAM).set_records(Some(entries.clone())).send().await?;
        let refused = answer.records().iter().map(|result| result.error_code().is_some());
        entries = entries.into_iter().zip(refused).filter_map(|(entry, refused)| refused.then_some(entry)).collect();
        if entries.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
