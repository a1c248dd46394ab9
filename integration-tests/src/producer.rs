//! Puts records, as an ordinary producer does: some one by one, some packed as the Kinesis Producer Library packs them.

use std::ops::RangeInclusive;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use kcl_core::deaggregate::aggregate;

use crate::history::Payload;
use crate::site::{STREAM, Site};
use crate::witness::Ledger;

const KEYS: usize = 12;

/// How much a record is padded at most if nothing is said, in bytes.
pub const PADDING: usize = 40;

/// A producer of one site. What it is not told was stored it puts again, as often as the SDK does, and then no more.
#[derive(Debug)]
pub struct Producer {
    client: Client,
    ledger: Ledger,
    luck: fastrand::Rng,
    numbers: [u64; KEYS],
    padding: usize,
}

impl Producer {
    /// A producer whose luck follows from this seed.
    #[must_use]
    pub fn new(site: &Site, seed: u64) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(2)).build();
        let config = site.local.kinesis_config("producer").timeout_config(timeouts);
        let luck = fastrand::Rng::with_seed(seed ^ 0x7075_7473);
        Self {
            client: Client::from_conf(config.build()),
            ledger: site.ledger.clone(),
            luck,
            numbers: [0; KEYS],
            padding: PADDING,
        }
    }

    /// Pads its records by up to so many bytes.
    #[must_use]
    pub fn padded(mut self, most: usize) -> Self {
        self.padding = most;
        self
    }

    /// Puts for ever.
    pub async fn run(mut self, pause: RangeInclusive<u64>) {
        loop {
            let records = self.luck.usize(1..=6);
            self.put(records).await;
            tokio::time::sleep(Duration::from_millis(self.luck.u64(pause.clone()))).await;
        }
    }

    /// Puts so many records at once, one in four of them an aggregated one.
    pub async fn put(&mut self, records: usize) {
        let entries: Vec<_> = (0..records).filter_map(|_| self.entry()).collect();
        // The world's book tells what was stored; whether this producer was told is not the point.
        let _ = self.client.put_records().stream_name(STREAM).set_records(Some(entries)).send().await;
    }

    fn entry(&mut self) -> Option<PutRecordsRequestEntry> {
        let key = self.luck.usize(..KEYS);
        let packed = if self.luck.u8(0..4) == 0 { self.luck.usize(1..=4) } else { 0 };
        let payloads: Vec<_> = (0..packed.max(1)).map(|_| self.next(key)).collect();
        let key = payloads.first()?.key.clone();
        let data: Vec<_> = payloads.iter().map(|payload| self.data(payload)).collect();
        let wire = if packed == 0 {
            Bytes::from(data.into_iter().next()?)
        } else {
            aggregate(data.iter().map(|data| (key.as_str(), None, data.as_bytes())))
        };
        self.ledger.enter(BASE64_STANDARD.encode(&wire), payloads);
        PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(wire)).build().ok()
    }

    fn next(&mut self, key: usize) -> Payload {
        self.numbers[key] += 1;
        Payload { key: format!("k{key}"), number: self.numbers[key] }
    }

    fn data(&mut self, payload: &Payload) -> String {
        let padding = "x".repeat(self.luck.usize(0..self.padding));
        format!("{}:{}:{padding}", payload.key, payload.number)
    }
}
