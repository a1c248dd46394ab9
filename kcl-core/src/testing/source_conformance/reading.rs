//! What reading on promises.

use bytes::Bytes;

use super::{Subject, assert_numbers, next_records, read, read_to_tip};
use crate::retrieval::StartAt;

/// Records come in the order of their sequence numbers, as they were put, and from their own shard only.
pub async fn records_come_whole_and_in_order(subject: &Subject) {
    let shards = subject.shards().await;
    let data = [Bytes::new(), Bytes::from_static(&[0, 159, 146, 150, 255]), Bytes::from(vec![7; 300_000])];
    let put: Vec<_> = data.into_iter().enumerate().map(|(number, data)| (format!("ключ {number}"), data)).collect();
    let before = subject.world.now();
    let mut numbers = subject.world.put(&shards[0], &put).await;
    subject.put(&shards[1], 0..3).await;
    numbers.extend(subject.world.put(&shards[0], &put).await);

    let mut source = subject.open(&shards[0], &StartAt::TrimHorizon).await;
    let records = read(&mut source, 6).await;
    let got: Vec<_> = records.iter().map(|record| record.sequence_number.clone()).collect();
    assert_eq!(got, numbers);
    assert!(got.is_sorted(), "{got:?}");
    for (record, (key, data)) in records.iter().zip(put.iter().chain(&put)) {
        assert_eq!(record.partition_key.as_ref(), Some(key));
        assert!(record.data == data, "{} bytes were put, and {} read", data.len(), record.data.len());
        let arrival = record.arrival.expect("a time of arrival");
        assert!(before <= arrival && arrival <= subject.world.now(), "{before} {arrival}");
    }
}

/// What does not fit into one answer comes in the next ones, and at the tip the reader is told that it is there.
pub async fn a_backlog_is_read_to_the_tip(subject: &Subject) {
    let shard = subject.only_shard().await;
    subject.put(&shard, 0..2_500).await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    assert_numbers(&read_to_tip(&mut source).await, 0..2_500);
    subject.put(&shard, 2_500..2_510).await;
    assert_numbers(&read_to_tip(&mut source).await, 2_500..2_510);
}

/// A shard in which nothing happens for a while is still read afterwards.
pub async fn a_quiet_shard_is_not_an_ended_one(subject: &Subject) {
    let shard = subject.only_shard().await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    let began = tokio::time::Instant::now();
    while began.elapsed() < subject.world.long() {
        assert_numbers(&next_records(&mut source).await.records, 0..0);
    }
    subject.put(&shard, 0..3).await;
    assert_numbers(&read_to_tip(&mut source).await, 0..3);
}
