//! Kinesis and DynamoDB on this machine's loopback, for any AWS SDK.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use kcl_local::{Clock, Local, Service, Settings, serve};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Kinesis and DynamoDB on this machine, without an account.
///
/// When it is ready it prints the environment variables that point an AWS SDK to it, and a last line `# ready`. It
/// serves until Ctrl-C or SIGTERM. All data is in memory. Kinesis is spoken in JSON only.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Port for Kinesis on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    kinesis_port: u16,
    /// Port for DynamoDB on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    dynamodb_port: u16,
    /// The region of both services.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// The account, twelve digits.
    #[arg(long, default_value = "123456789012")]
    account: String,
    /// How long a new DynamoDB table is CREATING, in milliseconds.
    #[arg(long, value_name = "MS")]
    table_creating_ms: Option<u64>,
    /// How long an index added to a DynamoDB table is CREATING, in milliseconds.
    #[arg(long, value_name = "MS")]
    index_creating_ms: Option<u64>,
    /// How long a Kinesis stream is CREATING, UPDATING or DELETING, in milliseconds.
    #[arg(long, value_name = "MS")]
    stream_delay_ms: Option<u64>,
    /// A stream to create at the start; may be given many times.
    #[arg(long = "stream", value_name = "NAME:SHARDS")]
    streams: Vec<Stream>,
    /// What random choices follow from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Clone)]
struct Stream {
    name: String,
    shards: u32,
}

impl FromStr for Stream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, shards) = text.rsplit_once(':').ok_or("write NAME:SHARDS, as orders:4")?;
        let shards = shards.parse().map_err(|_| format!("\"{shards}\" is not a number of shards"))?;
        Ok(Self { name: name.to_owned(), shards })
    }
}

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
    let settings = settings(&options);
    let changed = settings.changed();
    let local = Local::with_clock(settings, Clock::wall());
    for stream in &options.streams {
        create(&local, stream)?;
    }
    let kinesis = listen("--kinesis-port", options.kinesis_port).await?;
    let dynamodb = listen("--dynamodb-port", options.dynamodb_port).await?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| format!("cannot wait for SIGTERM: {error}"))?;
    announce(&changed, local.region(), address(&kinesis)?, address(&dynamodb)?)
        .map_err(|error| format!("cannot print where it listens: {error}"))?;
    tokio::select! {
        never = serve(local.clone(), kinesis) => match never {},
        never = serve(local, dynamodb) => match never {},
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(|error| format!("cannot wait for Ctrl-C: {error}")),
        _ = terminate.recv() => Ok(()),
    }
}

fn settings(options: &Options) -> Settings {
    // The loopback is the network.
    let none = Settings { latency: Duration::ZERO..=Duration::ZERO, seed: options.seed, ..Settings::default() };
    let mut settings = none.region(&options.region).account(&options.account);
    if let Some(ms) = options.table_creating_ms {
        settings.dynamodb.table_creating = Duration::from_millis(ms);
    }
    if let Some(ms) = options.index_creating_ms {
        settings.dynamodb.index_creating = Duration::from_millis(ms);
    }
    if let Some(delay) = options.stream_delay_ms.map(Duration::from_millis) {
        settings.kinesis.create_delay = delay;
        settings.kinesis.update_delay = delay;
        settings.kinesis.delete_delay = delay;
    }
    settings
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
fn announce(changed: &[String], region: &str, kinesis: SocketAddr, dynamodb: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in changed {
        writeln!(out, "# changed: {line}")?;
    }
    writeln!(out, "export AWS_ENDPOINT_URL_KINESIS=http://{kinesis}")?;
    writeln!(out, "export AWS_ENDPOINT_URL_DYNAMODB=http://{dynamodb}")?;
    writeln!(out, "export AWS_REGION={region}")?;
    writeln!(out, "export AWS_DEFAULT_REGION={region}")?;
    writeln!(out, "export AWS_ACCESS_KEY_ID=local")?;
    writeln!(out, "export AWS_SECRET_ACCESS_KEY=local")?;
    writeln!(out, "export AWS_EC2_METADATA_DISABLED=true")?;
    writeln!(out, "# ready")?;
    out.flush()
}
