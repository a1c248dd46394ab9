//! Many subscriptions over real sockets, TLS and HTTP/2. The service's clock stands still, so that nothing waits for time.

#![cfg(feature = "https")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_kinesis::config::{BehaviorVersion, Region};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use kcl_core::budget::ByteBudget;
use kcl_core::ids::ShardId;
use kcl_core::retrieval::{Fetched, RecordSource, Retrieval, StartAt};
use kcl_efo::{FanOut, spread};
use kcl_local::kinesis::{NewRecord, StreamSpec};
use kcl_local::{Clock, Local, Settings, Tls, serve_tls};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const S: &str = "orders";

/// A service on a socket, and a client that counts the HTTP clients which are made for it.
async fn service(shards: u32) -> (Local, JoinSet<()>, aws_sdk_kinesis::Client, Arc<AtomicU32>) {
    let mut settings = Settings { latency: Duration::ZERO..=Duration::ZERO, ..Settings::default() };
    let kinesis = &mut settings.kinesis;
    (kinesis.push_delay, kinesis.create_delay, kinesis.consumer_create_delay) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let local = Local::with_clock(settings, Clock::from_fn(|| Clock::BEGINNING));
    local.kinesis(|kinesis, now| kinesis.create_stream(S, StreamSpec::provisioned(shards), now)).expect("created");
    let tls = Tls::generate().expect("TLS");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("https://{}", listener.local_addr().expect("an address"));
    let (served, server_tls, mut server) = (local.clone(), tls.clone(), JoinSet::new());
    server.spawn(async move { match serve_tls(served, listener, &server_tls).await {} });

    let made = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&made);
    let authority = tls.authority_pem().to_owned();
    let http = spread(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let trusted = TrustStore::empty().with_pem_certificate(authority.as_bytes());
        let context = TlsContext::builder().with_trust_store(trusted).build().expect("a context");
        let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
        builder.tls_context(context).build_https()
    });
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .http_client(http);
    (local, server, aws_sdk_kinesis::Client::from_conf(config.build()), made)
}

fn shard(number: u32) -> ShardId {
    ShardId::new(format!("shardId-{number:012}"))
}

fn put(local: &Local, number: u32, data: Vec<u8>) {
    let (shard, mut luck) = (shard(number).as_str().parse().expect("an id"), fastrand::Rng::with_seed(1));
    let put =
        local.kinesis(|kinesis, now| kinesis.put_into_shard(S, shard, NewRecord::keyed("k", data), now, &mut luck));
    put.expect("stored");
}

async fn read_one(source: &mut Box<dyn RecordSource>) -> usize {
    loop {
        match source.next().await.expect("no trouble") {
            Fetched::Records(fetch) if fetch.records.is_empty() => {}
            Fetched::Records(fetch) => return fetch.records.iter().map(|record| record.data.len()).sum(),
            Fetched::End { .. } => panic!("it is open"),
        }
    }
}

#[tokio::test]
async fn hundreds_of_subscriptions_are_spread_over_few_connections() {
    let (local, _server, client, made) = service(220).await;
    let fan_out = FanOut::new(client, S, "orders-app").expect("valid");
    let budget = ByteBudget::new(64 * 1024 * 1024);
    let mut sources = Vec::new();
    for number in 0..220 {
        sources.push(fan_out.open(&shard(number), &StartAt::TrimHorizon, &budget).await.expect("opened"));
    }
    assert_eq!(made.load(Ordering::Relaxed), 1 + 5, "one for all other requests, and one for each fifty");
    for number in 0..220 {
        put(&local, number, vec![7; 10]);
    }
    for source in &mut sources {
        assert_eq!(read_one(source).await, 10);
    }
}
