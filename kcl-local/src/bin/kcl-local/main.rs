//! Kinesis and DynamoDB on this machine's loopback, for any AWS SDK.

mod options;
mod recording;
mod secure;

use std::convert::Infallible;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use kcl_local::{Clock, Local, Service, serve, serve_tls};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::options::{Options, Stream};
use crate::secure::Secure;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kcl-local: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), String> {
    let settings = options.settings();
    let changed = settings.changed();
    let local = Local::with_clock(settings, Clock::wall());
    let recording = recording::start(options.record.as_deref(), &local)?;
    for stream in &options.streams {
        create(&local, stream)?;
    }
    let secure = if options.tls { Some(secure::secure(options.ca_file.as_deref())?) } else { None };
    let kinesis = listen("--kinesis-port", options.kinesis_port).await?;
    let dynamodb = listen("--dynamodb-port", options.dynamodb_port).await?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| format!("cannot wait for SIGTERM: {error}"))?;
    announce(&changed, local.region(), secure.as_ref(), address(&kinesis)?, address(&dynamodb)?)
        .map_err(|error| format!("cannot print where it listens: {error}"))?;
    tokio::select! {
        never = answer(local.clone(), kinesis, secure.as_ref()) => match never {},
        never = answer(local, dynamodb, secure.as_ref()) => match never {},
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(|error| format!("cannot wait for Ctrl-C: {error}")),
        failed = recording::failed(recording) => Err(failed),
        _ = terminate.recv() => Ok(()),
    }
}

async fn answer(local: Local, listener: TcpListener, secure: Option<&Secure>) -> Infallible {
    match secure {
        None => serve(local, listener).await,
        Some(Secure { tls, .. }) => serve_tls(local, listener, tls).await,
    }
}

fn create(local: &Local, stream: &Stream) -> Result<(), String> {
    let request = json!({"StreamName": stream.name, "ShardCount": stream.shards});
    let reply = local.ask(Service::Kinesis, "CreateStream", request);
    if reply.status == 200 {
        return Ok(());
    }
    let reason = reply.body["message"].as_str().unwrap_or_default();
    Err(format!("--stream {}:{} was refused: {reason}", stream.name, stream.shards))
}

async fn listen(option: &str, port: u16) -> Result<TcpListener, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|error| format!("cannot listen on 127.0.0.1:{port} ({option}): {error}"))
}

fn address(listener: &TcpListener) -> Result<SocketAddr, String> {
    listener.local_addr().map_err(|error| format!("cannot tell its own address: {error}"))
}

/// Prints lines that a shell can evaluate.
fn announce(
    changed: &[String],
    region: &str,
    secure: Option<&Secure>,
    kinesis: SocketAddr,
    dynamodb: SocketAddr,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in changed {
        writeln!(out, "# changed: {line}")?;
    }
    let scheme = if secure.is_some() { "https" } else { "http" };
    writeln!(out, "export AWS_ENDPOINT_URL_KINESIS={scheme}://{kinesis}")?;
    writeln!(out, "export AWS_ENDPOINT_URL_DYNAMODB={scheme}://{dynamodb}")?;
    if let Some(Secure { file, .. }) = secure {
        writeln!(out, "export AWS_CA_BUNDLE={}", file.display())?;
    }
    writeln!(out, "export AWS_REGION={region}")?;
    writeln!(out, "export AWS_DEFAULT_REGION={region}")?;
    writeln!(out, "export AWS_ACCESS_KEY_ID=local")?;
    writeln!(out, "export AWS_SECRET_ACCESS_KEY=local")?;
    writeln!(out, "export AWS_EC2_METADATA_DISABLED=true")?;
    writeln!(out, "# ready")?;
    out.flush()
}
