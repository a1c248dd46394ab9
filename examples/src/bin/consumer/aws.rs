//! The AWS clients: region, credentials and endpoints from the usual places.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};

/// What all clients have in common.
pub(crate) struct Aws(SdkConfig);

impl Aws {
    /// Looks into the environment.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) async fn load() -> Result<Self, String> {
        let http = Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http).load().await;
        match config.region() {
            Some(_) => Ok(Self(config)),
            None => Err("no region is set; set AWS_REGION, or a region in the AWS profile".to_owned()),
        }
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.0)
    }

    /// For requests that are answered at once.
    pub(crate) fn kinesis(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.0)
    }

    /// For subscriptions: over connections of their own, so that no lease waits behind records.
    pub(crate) fn kinesis_for_subscriptions(&self) -> aws_sdk_kinesis::Client {
        let config = aws_sdk_kinesis::config::Builder::from(&self.0).http_client(kcl_efo::http_client());
        aws_sdk_kinesis::Client::from_conf(config.build())
    }
}
