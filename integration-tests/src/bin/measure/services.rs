//! Kinesis and DynamoDB in this process, on its loopback.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kcl_core::error::Failure;
use kcl_local::{Clock, Local, Service, Settings, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The stream.
pub(crate) const STREAM: &str = "orders";
/// The application, and its lease table.
pub(crate) const APP: &str = "orders-app";

/// The key of the item that the leader of a fleet holds, as the Java KCL names it.
const LEADER: &str = "Leader";

/// How long the stream may take to become ACTIVE.
const CREATION: Duration = Duration::from_secs(30);

/// Both services, with the limits and delays that `kcl-local` has by default.
pub(crate) struct Services {
    pub(crate) local: Local,
    pub(crate) address: SocketAddr,
    /// What of `kcl-local` is not as by default.
    pub(crate) changed: Vec<String>,
    _server: JoinSet<Infallible>,
}

/// A shard to put records into.
#[derive(Debug, Clone)]
pub(crate) struct Shard {
    pub(crate) id: String,
    /// A hash key of it.
    pub(crate) hash_key: String,
}

impl Services {
    /// Starts them, and makes the stream.
    pub(crate) async fn start(seed: u64, shards: u32) -> Result<(Self, Vec<Shard>), Failure> {
        let settings = Settings { seed, ..Settings::default() };
        let changed = settings.changed();
        let local = Local::with_clock(settings, Clock::wall());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut server = JoinSet::new();
        server.spawn(serve(local.clone(), listener));
        let services = Self { local, address, changed, _server: server };
        let shards = services.create_stream(shards).await?;
        Ok((services, shards))
    }

    async fn create_stream(&self, shards: u32) -> Result<Vec<Shard>, Failure> {
        self.kinesis("CreateStream", json!({"StreamName": STREAM, "ShardCount": shards}))?;
        let active = async {
            loop {
                let summary = self.kinesis("DescribeStreamSummary", json!({"StreamName": STREAM}))?;
                if summary["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE" {
                    return Ok::<_, Failure>(());
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(CREATION, active).await.map_err(|_| "the stream does not become ACTIVE")??;
        // So few shards fit on the first page.
        let list = self.kinesis("ListShards", json!({"StreamName": STREAM}))?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let shard = |shard: &Value| {
            let hash_key = text(&shard["HashKeyRange"]["StartingHashKey"])?;
            Some(Shard { id: text(&shard["ShardId"])?, hash_key })
        };
        let shards: Option<Vec<_>> = list["Shards"].as_array().into_iter().flatten().map(shard).collect();
        shards.ok_or_else(|| format!("shards of another form: {list}").into())
    }

    /// The worker that the lease table names as leader; `None` if there is no table or no leader.
    pub(crate) fn leader(&self) -> Option<String> {
        let request = json!({"TableName": APP, "Key": {"leaseKey": {"S": LEADER}}, "ConsistentRead": true});
        let reply = self.local.ask(Service::DynamoDb, "GetItem", request);
        reply.body["Item"]["ownerName"]["S"].as_str().map(str::to_owned)
    }

    fn kinesis(&self, operation: &str, request: Value) -> Result<Value, Failure> {
        let reply = self.local.ask(Service::Kinesis, operation, request);
        if reply.status == 200 { Ok(reply.body) } else { Err(format!("{operation}: {}", reply.body).into()) }
    }
}
