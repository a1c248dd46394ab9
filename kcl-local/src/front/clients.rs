//! SDK clients that are complete: nothing is read from the environment, from disk or from a network.

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;

use crate::world::Local;

/// A name that no resolver knows: a request that does not go through the world fails.
const ENDPOINT: &str = "http://kcl-local.invalid";

/// The two SDKs have each a builder of the same methods and no trait for them.
macro_rules! config {
    ($sdk:ident, $local:expr, $label:expr) => {{
        let label: &str = $label;
        $sdk::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region($sdk::config::Region::new($local.region().to_owned()))
            .endpoint_url(ENDPOINT)
            .credentials_provider(Credentials::new("local", "local", None, None, "kcl-local"))
            .http_client($local.http_client(label))
            .time_source($local.clock().clone())
            .sleep_impl(TokioSleep::new())
            .retry_partition($sdk::config::retry::RetryPartition::custom(label.to_owned()).build())
    }};
}

impl Local {
    /// The configuration of a Kinesis client of this world, to be changed and built.
    ///
    /// It is that of [`BehaviorVersion::v2026_01_12`] with a budget of retries of its own. The SDK draws the jitter of
    /// its retries, its invocation ids and its idempotency tokens from [`fastrand`]'s generator of the thread: a run
    /// that is to be repeated exactly seeds it with `fastrand::seed` before it builds the clients.
    pub fn kinesis_config(&self, label: &str) -> aws_sdk_kinesis::config::Builder {
        config!(aws_sdk_kinesis, self, label)
    }

    /// A Kinesis client of this world, as [`Local::kinesis_config`] configures it.
    pub fn kinesis_client(&self, label: &str) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::from_conf(self.kinesis_config(label).build())
    }

    /// The configuration of a DynamoDB client of this world, as [`Local::kinesis_config`] for Kinesis.
    pub fn dynamodb_config(&self, label: &str) -> aws_sdk_dynamodb::config::Builder {
        config!(aws_sdk_dynamodb, self, label)
    }

    /// A DynamoDB client of this world, as [`Local::dynamodb_config`] configures it.
    pub fn dynamodb_client(&self, label: &str) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::from_conf(self.dynamodb_config(label).build())
    }
}
