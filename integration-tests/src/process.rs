//! Workers in processes of their own: what such a process is given, and what it needs.

use std::net::SocketAddr;
use std::os::fd::AsFd;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};
use kcl_core::error::Failure;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::Command;

/// Gives a process that is to be started an environment with nothing in it but where the services are, and the label by which
/// they know who asks.
pub fn surround(command: &mut Command, services: SocketAddr, region: &str, label: &str) {
    let endpoint = format!("http://{services}");
    command
        .env_clear()
        .env("AWS_ENDPOINT_URL_KINESIS", &endpoint)
        .env("AWS_ENDPOINT_URL_DYNAMODB", &endpoint)
        .env("AWS_REGION", region)
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_SDK_UA_APP_ID", label);
}

/// Region, credentials and endpoints from the environment.
pub async fn aws() -> SdkConfig {
    let http = Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http).load().await
}

/// Waits until the other end of standard input is closed: whatever ended the process that started this one, no worker is
/// left. What comes in before that is given to `heard`. Without a thread, since threads are counted.
///
/// # Errors
/// Always: that it is gone, or that it cannot be listened to.
pub async fn parent_gone(mut heard: impl FnMut(&[u8])) -> Result<(), Failure> {
    let mut input = pipe::Receiver::from_owned_fd(std::io::stdin().as_fd().try_clone_to_owned()?)?;
    let mut room = [0; 64];
    loop {
        match input.read(&mut room).await? {
            0 => return Err("the process that started this one is gone".into()),
            length => heard(&room[..length]),
        }
    }
}
