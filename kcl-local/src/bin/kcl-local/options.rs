//! The command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use kcl_local::Settings;

/// Kinesis and DynamoDB on this machine, without an account.
///
/// When it is ready it prints the environment variables that point an AWS SDK to it, and a last line `# ready`. It
/// serves until Ctrl-C or SIGTERM. All data is in memory. Each port speaks HTTP/1.1 and HTTP/2, without TLS or with it;
/// Kinesis is spoken in JSON and in CBOR.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Options {
    /// Port for Kinesis on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) kinesis_port: u16,
    /// Port for DynamoDB on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) dynamodb_port: u16,
    /// The region of both services.
    #[arg(long, default_value = "us-east-1")]
    pub(crate) region: String,
    /// The account, twelve digits.
    #[arg(long, default_value = "123456789012")]
    pub(crate) account: String,
    /// How long a new DynamoDB table is CREATING, in milliseconds.
    #[arg(long, value_name = "MS")]
    pub(crate) table_creating_ms: Option<u64>,
    /// How long an index added to a DynamoDB table is CREATING, in milliseconds.
    #[arg(long, value_name = "MS")]
    pub(crate) index_creating_ms: Option<u64>,
    /// How long a Kinesis stream is CREATING, UPDATING or DELETING, and a consumer CREATING or DELETING, in milliseconds.
    #[arg(long, value_name = "MS")]
    pub(crate) stream_delay_ms: Option<u64>,
    /// How long a subscription with enhanced fan-out lives, in milliseconds.
    #[arg(long, value_name = "MS")]
    pub(crate) subscription_ms: Option<u64>,
    /// Speak TLS. The certificate is made anew at every start, by an authority that is written to the CA file: clients
    /// must trust it. Some SDKs take it from AWS_CA_BUNDLE, which is printed; the AWS SDK for Rust takes SSL_CERT_FILE,
    /// and the one for Java a trust store.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Where to write the authority's certificate, in PEM; without it, a file in the folder for temporary files.
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) ca_file: Option<PathBuf>,
    /// A stream to create at the start; may be given many times.
    #[arg(long = "stream", value_name = "NAME:SHARDS")]
    pub(crate) streams: Vec<Stream>,
    /// What random choices follow from.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// A file to write every request and its answer to, one JSON object a line. It is made anew.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

/// A stream to create.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) shards: u32,
}

impl FromStr for Stream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, shards) = text.rsplit_once(':').ok_or("write NAME:SHARDS, as orders:4")?;
        let shards = shards.parse().map_err(|_| format!("\"{shards}\" is not a number of shards"))?;
        Ok(Self { name: name.to_owned(), shards })
    }
}

impl Options {
    /// The world that the options describe.
    pub(crate) fn settings(&self) -> Settings {
        // The loopback is the network.
        let none = Settings { latency: Duration::ZERO..=Duration::ZERO, seed: self.seed, ..Settings::default() };
        let mut settings = none.region(&self.region).account(&self.account);
        if let Some(ms) = self.table_creating_ms {
            settings.dynamodb.table_creating = Duration::from_millis(ms);
        }
        if let Some(ms) = self.index_creating_ms {
            settings.dynamodb.index_creating = Duration::from_millis(ms);
        }
        if let Some(delay) = self.stream_delay_ms.map(Duration::from_millis) {
            settings.kinesis.create_delay = delay;
            settings.kinesis.update_delay = delay;
            settings.kinesis.delete_delay = delay;
            settings.kinesis.consumer_create_delay = delay;
            settings.kinesis.consumer_delete_delay = delay;
        }
        if let Some(ms) = self.subscription_ms {
            settings.kinesis.subscription_life = Duration::from_millis(ms);
        }
        settings
    }
}
