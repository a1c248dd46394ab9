//! The AWS SDK for Rust as a subscriber over sockets: HTTP/1.1 without TLS, HTTP/2 with it.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{DisplayErrorContext, SdkError};
use aws_sdk_kinesis::primitives::event_stream::EventReceiver;
use aws_sdk_kinesis::types::error::SubscribeToShardEventStreamError;
use aws_sdk_kinesis::types::{ShardIteratorType, StartingPosition, SubscribeToShardEventStream};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};
use kcl_local::StreamFault;
use kcl_local::kinesis::NewRecord;

use super::*;

pub(crate) const SHARD: &str = "shardId-000000000000";
type Receiver = EventReceiver<SubscribeToShardEventStream, SubscribeToShardEventStreamError>;

/// A client that reaches the world by a socket.
fn client(world: &World, scheme: &str, tls: Option<&Tls>) -> Client {
    let http = match tls {
        None => Builder::new().build_http(),
        Some(tls) => {
            let trusted = tls::TrustStore::empty().with_pem_certificate(tls.authority_pem());
            let context = tls::TlsContext::builder().with_trust_store(trusted).build().expect("a certificate");
            Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).tls_context(context).build_https()
        }
    };
    let endpoint = format!("{scheme}://{}", world.address);
    Client::from_conf(world.local.kinesis_config("sdk").http_client(http).endpoint_url(endpoint).build())
}

/// A stream of one shard with an ACTIVE consumer, made past the network; its ARN.
pub(crate) fn consumer(world: &World) -> String {
    let spec = kcl_local::kinesis::StreamSpec::provisioned(1);
    world.local.kinesis(|kinesis, now| kinesis.create_stream("orders", spec, now)).expect("created");
    world.advance(2_000);
    let consumer = world.local.kinesis(|kinesis, now| kinesis.register_consumer("orders", "app", [].into(), now));
    world.advance(2_000);
    consumer.expect("registered").arn
}

pub(crate) fn put(world: &World, data: Vec<u8>) {
    let mut luck = fastrand::Rng::with_seed(1);
    let record = NewRecord::keyed("k", data);
    world.local.kinesis(|kinesis, now| kinesis.put_record("orders", record, now, &mut luck)).expect("stored");
}

/// Waits until no subscription is open any more.
pub(crate) async fn all_closed(world: &World) {
    while !world.local.kinesis(|kinesis, now| kinesis.open_subscriptions("orders", now)).expect("there").is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn subscribe(client: &Client, arn: &str) -> Receiver {
    let position = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build().expect("a position");
    let subscribe = client.subscribe_to_shard().consumer_arn(arn).shard_id(SHARD).starting_position(position);
    match subscribe.send().await {
        Ok(output) => output.event_stream,
        Err(error) => panic!("{}", DisplayErrorContext(error)),
    }
}

async fn records(receiver: &mut Receiver) -> Vec<Vec<u8>> {
    let event = receiver.recv().await.expect("no error").expect("an event");
    let event = event.as_subscribe_to_shard_event().expect("known");
    event.records.iter().map(|record| record.data.as_ref().to_vec()).collect()
}

async fn lives_its_life(world: World, client: Client) {
    let arn = consumer(&world);
    let mut receiver = subscribe(&client, &arn).await;
    put(&world, vec![0, 255, 10]);
    assert_eq!(records(&mut receiver).await, [[0, 255, 10]]);
    world.advance(5_000);
    assert!(records(&mut receiver).await.is_empty(), "a sign of life");
    world.advance(295_000);
    assert!(receiver.recv().await.expect("no error").is_none(), "the end");

    let receiver = subscribe(&client, &arn).await;
    drop(receiver);
    all_closed(&world).await;

    world.advance(5_000);
    let mut receiver = subscribe(&client, &arn).await;
    assert_eq!(records(&mut receiver).await.len(), 1);
    world.local.set_stream_faults(|_| StreamFault::cut_after(50));
    put(&world, vec![1]);
    let failed = receiver.recv().await.expect_err("the connection broke");
    assert!(!matches!(failed, SdkError::ServiceError(_)), "{}", DisplayErrorContext(failed));
}

#[tokio::test]
async fn a_subscription_over_http_1() {
    let world = World::start().await;
    let client = client(&world, "http", None);
    lives_its_life(world, client).await;
}

#[tokio::test]
async fn a_subscription_over_http_2_and_tls() {
    let tls = Tls::generate().expect("TLS");
    let world = World::start_with(Some(tls.clone())).await;
    let client = client(&world, "https", Some(&tls));
    lives_its_life(world, client).await;
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_gets_nowhere() {
    let world = World::start_with(Some(Tls::generate().expect("TLS"))).await;
    let client = client(&world, "https", Some(&Tls::generate().expect("TLS")));
    let failed = client.list_streams().send().await.expect_err("not trusted");
    assert!(matches!(failed, SdkError::DispatchFailure(_)), "{failed:?}");
}

/// A record of 10 MiB is one event of nearly 14 MiB.
#[tokio::test]
async fn a_record_of_ten_mebibytes_comes_in_one_event() {
    let tls = Tls::generate().expect("TLS");
    let world = World::start_with(Some(tls.clone())).await;
    let arn = consumer(&world);
    world.local.kinesis(|kinesis, now| kinesis.update_max_record_size("orders", 10_240, now)).expect("accepted");
    put(&world, vec![7; 10 * 1024 * 1024 - 1]);
    let mut receiver = subscribe(&client(&world, "https", Some(&tls)), &arn).await;
    assert_eq!(records(&mut receiver).await[0].len(), 10 * 1024 * 1024 - 1);
}
