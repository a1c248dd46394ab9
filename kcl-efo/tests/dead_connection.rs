//! An HTTP client whose connection is dead, and that says so with a time-out of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use kcl_efo::spread;

/// The first client's connection is dead: no answer comes, and the read time-out (as `HttpReadTimeout` of the SDK's client)
/// goes off.
#[derive(Debug, Clone)]
struct Dead;

impl HttpClient for Dead {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Dead {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Err(ConnectorError::timeout("HTTP read timeout occurred after 10s".into()))
        })
    }
}

fn client() -> (Client, Arc<AtomicU32>) {
    let made = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&made);
    let http = spread(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        SharedHttpClient::new(Dead)
    });
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .endpoint_url("http://localhost:1")
        .retry_config(aws_sdk_kinesis::config::retry::RetryConfig::disabled())
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .http_client(http);
    (Client::from_conf(config.build()), made)
}

fn subscribe(client: &Client) -> impl Future<Output = ()> + use<> {
    let request =
        client.subscribe_to_shard().consumer_arn("arn:aws:kinesis:us-east-1:123456789012:stream/a/consumer/b:1");
    let position = aws_sdk_kinesis::types::StartingPosition::builder()
        .r#type(aws_sdk_kinesis::types::ShardIteratorType::Latest)
        .build()
        .expect("complete");
    let request = request.shard_id("shardId-000000000000").starting_position(position);
    async move { drop(request.send().await) }
}

/// "in place of one on which a request got no answer, [...] while nothing at all came on it for 8 seconds"
#[tokio::test(start_paused = true)]
async fn a_lane_on_which_a_request_timed_out_is_left() {
    let (client, made) = client();
    for _ in 0..5 {
        subscribe(&client).await;
    }
    let made = made.load(Ordering::Relaxed);
    assert!(made > 2, "five requests got no answer for 10 s each, and all went over the same client: {made} made");
}
