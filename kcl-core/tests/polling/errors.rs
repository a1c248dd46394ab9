//! What goes wrong, and what is told of it.

use std::error::Error;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{AsyncSleep, Sleep};
use kcl_core::error::{SourceError, SourceErrorKind};
use kcl_core::position::SequenceNumber;
use kcl_core::retrieval::{Retrieval, StartAt, WhichShards};
use kcl_core::time::Timestamp;
use kcl_local::Fault;
use kcl_local::kinesis::KmsFault;
use tokio::time::Instant;

use crate::canned::Canned;
use crate::local::Bench;
use crate::{S, failure, kind, open, refusal, seconds, texts};

#[tokio::test(start_paused = true)]
async fn refusals_are_told_apart_and_reading_goes_on() {
    let cases = [
        ("ProvisionedThroughputExceededException", SourceErrorKind::Throttled),
        ("KMSThrottlingException", SourceErrorKind::Throttled),
        ("AccessDeniedException", SourceErrorKind::Denied),
        ("ExpiredTokenException", SourceErrorKind::Denied),
        ("ResourceNotFoundException", SourceErrorKind::NotFound),
        ("InvalidArgumentException", SourceErrorKind::Invalid),
        ("InternalFailureException", SourceErrorKind::Unavailable),
    ];
    let bench = Bench::new(1).await;
    let mut source = open(&bench.polling(), StartAt::TrimHorizon).await.expect("opened");
    for (code, expected) in cases {
        bench.fates("GetRecords", vec![Fault::refused(400, code, "the service's words")]);
        let before = bench.sent("GetRecords");
        let error = failure(&mut source).await;
        assert_eq!(kind(&error), expected, "{code}");
        assert_eq!(bench.sent("GetRecords"), before + 1, "each call is made once: {code}");
        let told = error.to_string();
        assert!(told.starts_with("GetRecords on shard shardId-000000000000 of stream orders "), "{told}");
        assert!(told.contains(code), "{told}");
        assert!(!told.contains("the service's words"), "they are in the source: {told}");
        bench.put(&[code]).await;
        assert_eq!(texts(&mut source).await.expect("goes on"), [code]);
    }
}

/// The causes of an error, on one line.
fn causes(error: &dyn Error) -> String {
    std::iter::successors(error.source(), |error| (*error).source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[tokio::test(start_paused = true)]
async fn the_words_of_the_service_are_the_cause() {
    let bench = Bench::new(1).await;
    let mut source = open(&bench.polling(), StartAt::TrimHorizon).await.expect("opened");
    for code in ["KMSDisabledException", "SomethingNewException"] {
        bench.fates("GetRecords", vec![Fault::refused(400, code, "the service's words")]);
        let error = failure(&mut source).await;
        assert!(causes(&error).contains("the service's words"), "{}", causes(&error));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_used_stops_reading_until_it_can() {
    let bench = Bench::new(1).await;
    let mut source = open(&bench.polling(), StartAt::TrimHorizon).await.expect("opened");
    for (fault, expected) in [
        (KmsFault::AccessDenied, SourceErrorKind::Key),
        (KmsFault::Disabled, SourceErrorKind::Key),
        (KmsFault::InvalidState, SourceErrorKind::Key),
        (KmsFault::NotFound, SourceErrorKind::Key),
        (KmsFault::OptInRequired, SourceErrorKind::Key),
        (KmsFault::Throttling, SourceErrorKind::Throttled),
    ] {
        let set = |fault| bench.local.kinesis(|kinesis, now| kinesis.set_kms_fault(S, fault, now)).expect("set");
        set(Some(fault));
        bench.put(&["encrypted"]).await;
        for _ in 0..3 {
            assert_eq!(kind(&failure(&mut source).await), expected, "{fault:?}");
        }
        set(None);
        assert_eq!(texts(&mut source).await.expect("healed"), ["encrypted"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_iterator_that_expires_again_at_once_is_told() {
    let bench = Bench::new(1).await;
    let mut source = open(&bench.polling(), StartAt::TrimHorizon).await.expect("opened");
    let expired = || Fault::refused(400, "ExpiredIteratorException", "too old");
    bench.fates("GetRecords", vec![expired()]);
    assert_eq!(texts(&mut source).await.expect("the second is good").len(), 0);
    assert_eq!((bench.sent("GetRecords"), bench.sent("GetShardIterator")), (2, 2));

    bench.fates("GetRecords", vec![expired(); 2]);
    assert_eq!(kind(&failure(&mut source).await), SourceErrorKind::Expired);
    bench.put(&["x"]).await;
    assert_eq!(texts(&mut source).await.expect("goes on"), ["x"]);
    assert_eq!((bench.sent("GetRecords"), bench.sent("GetShardIterator")), (5, 4));
}

#[tokio::test(start_paused = true)]
async fn a_position_of_an_earlier_stream_is_foreign() {
    let bench = Bench::new(1).await;
    let number = bench.put(&["old"]).await.remove(0);
    let polling = bench.polling();
    let mut source = open(&polling, StartAt::TrimHorizon).await.expect("opened");
    assert_eq!(texts(&mut source).await.expect("read"), ["old"]);
    bench.local.kinesis(|kinesis, now| kinesis.delete_stream(S, now)).expect("deleted");
    seconds(3).await;
    assert_eq!(kind(&failure(&mut source).await), SourceErrorKind::NotFound);
    assert_eq!(kind(&polling.list_shards(WhichShards::All).await.expect_err("gone")), SourceErrorKind::NotFound);
    bench.create(1).await;
    assert_eq!(kind(&failure(&mut source).await), SourceErrorKind::Foreign);
    for from in [StartAt::At(number.clone()), StartAt::After(number)] {
        assert_eq!(kind(&refusal(&polling, from).await), SourceErrorKind::Foreign);
    }
    open(&polling, StartAt::TrimHorizon).await.expect("the new stream can be read");
}

#[tokio::test(start_paused = true)]
async fn a_position_of_another_shard_is_foreign() {
    let bench = Bench::new(2).await;
    let other = kcl_core::ids::ShardId::new("shardId-000000000001");
    let number = bench.put_into(&other, &[("k".to_owned(), "x".into())]).await.remove(0);
    assert_eq!(kind(&refusal(&bench.polling(), StartAt::After(number)).await), SourceErrorKind::Foreign);
    let nonsense = SequenceNumber::parse("17").expect("digits");
    assert_eq!(kind(&refusal(&bench.polling(), StartAt::After(nonsense)).await), SourceErrorKind::Foreign);
}

#[tokio::test(start_paused = true)]
async fn a_time_in_the_future_is_to_be_asked_again_then() {
    let bench = Bench::new(1).await;
    let then = Timestamp::from_millis(bench.now().millis() + 5_000);
    let error = refusal(&bench.polling(), StartAt::Timestamp(then)).await;
    assert_eq!(kind(&error), SourceErrorKind::Future);
    let pause = error.retry_after().expect("a pause");
    assert!((4_900..5_000).contains(&pause.as_millis()), "{pause:?}");
    tokio::time::sleep(pause).await;
    open(&bench.polling(), StartAt::Timestamp(then)).await.expect("it is then");
}

async fn seconds_of_silence(bench: &Bench, client: Client) -> [u64; 3] {
    let polling = bench.polling_with(client);
    let mut source = open(&polling, StartAt::TrimHorizon).await.expect("opened");
    seconds(1).await;
    bench.local.set_faults(|_| Fault::hang_before());
    let silent = |error: SourceError, began: Instant| {
        assert_eq!(kind(&error), SourceErrorKind::Unavailable);
        assert!(error.to_string().contains(" was not answered within "), "{error}");
        began.elapsed().as_secs()
    };
    let began = Instant::now();
    let reading = silent(failure(&mut source).await, began);
    let began = Instant::now();
    let opening = silent(refusal(&polling, StartAt::TrimHorizon).await, began);
    let began = Instant::now();
    let listing = silent(polling.list_shards(WhichShards::All).await.expect_err("silence"), began);
    [reading, opening, listing]
}

#[tokio::test(start_paused = true)]
async fn silence_ends_with_the_time_out() {
    let bench = Bench::new(1).await;
    let client = bench.local.kinesis_client("reader");
    assert_eq!(seconds_of_silence(&bench, client).await, [10, 5, 15]);
}

/// A timer that nobody winds up.
#[derive(Debug)]
struct Stopped;

impl AsyncSleep for Stopped {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_also_where_the_clients_own_timer_does_not_run() {
    let bench = Bench::new(1).await;
    let client = Client::from_conf(bench.local.kinesis_config("reader").sleep_impl(Stopped).build());
    assert_eq!(seconds_of_silence(&bench, client).await, [11, 6, 16]);
}

#[tokio::test(start_paused = true)]
async fn connections_that_break_are_told_and_lose_nothing() {
    let bench = Bench::new(1).await;
    bench.put(&["a", "b"]).await;
    let mut source = open(&bench.polling(), StartAt::TrimHorizon).await.expect("opened");
    bench.fates("GetRecords", vec![Fault::lost_before(), Fault::lost_after()]);
    for _ in 0..2 {
        let error = failure(&mut source).await;
        assert_eq!(kind(&error), SourceErrorKind::Unavailable);
        assert!(error.to_string().contains("got no answer"), "{error}");
    }
    assert_eq!(texts(&mut source).await.expect("goes on"), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_kinesis_is_told_by_its_status() {
    for (status, expected) in
        [(403, SourceErrorKind::Denied), (429, SourceErrorKind::Throttled), (502, SourceErrorKind::Unavailable)]
    {
        let proxy = Canned::new(move |_| (status, "<html>a proxy</html>".to_owned()));
        let error = refusal(&proxy.polling(S), StartAt::TrimHorizon).await;
        assert_eq!(kind(&error), expected, "{status}");
        assert!(error.to_string().contains(&format!("HTTP status {status}")), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_understood_is_told_without_its_content() {
    let canned = Canned::new(|operation| match operation {
        "GetShardIterator" => (200, r#"{"ShardIterator": "i"}"#.to_owned()),
        _ => (200, r#"{"Records": [{"Data": "c2VjcmV0", "SequenceNumber": 12, "secret"#.to_owned()),
    });
    let mut source = open(&canned.polling(S), StartAt::TrimHorizon).await.expect("opened");
    let error = failure(&mut source).await;
    assert_eq!(kind(&error), SourceErrorKind::Unavailable);
    let everything = format!("{error} {} {error:?}", causes(&error));
    assert!(!everything.contains("c2VjcmV0") && !everything.contains("secret"), "{everything}");
}

#[tokio::test(start_paused = true)]
async fn a_record_without_a_sequence_number_is_not_taken() {
    let record = |number: &str| format!(r#"{{"Data": "YQ==", "PartitionKey": "k", "SequenceNumber": "{number}"}}"#);
    let records = format!(r#"{{"Records": [{}, {}], "NextShardIterator": "j"}}"#, record("1"), record("LATEST"));
    let canned = Canned::new(move |operation| match operation {
        "GetShardIterator" => (200, r#"{"ShardIterator": "i"}"#.to_owned()),
        _ => (200, records.clone()),
    });
    let mut source = open(&canned.polling(S), StartAt::TrimHorizon).await.expect("opened");
    for _ in 0..2 {
        let error = failure(&mut source).await;
        assert_eq!(kind(&error), SourceErrorKind::Invalid);
        assert!(error.to_string().contains("shard shardId-000000000000 of stream orders"), "{error}");
    }
}
