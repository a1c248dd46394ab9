//! The way in over HTTP: the answers to requests good and bad, subscriptions, real requests
//! of boto3, and the program that serves.

mod boto3;
mod cbor;
mod h2c;
mod http1;
mod program;
mod sdk;
mod subscriptions;
mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kcl_local::{Clock, Local, Settings, Timestamp, Tls, serve, serve_tls};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A world on a socket whose clock moves when it is told to.
struct World {
    local: Local,
    address: SocketAddr,
    now: Arc<AtomicU64>,
    server: JoinSet<Infallible>,
}

impl World {
    async fn start() -> Self {
        Self::start_with(None).await
    }

    async fn start_with(tls: Option<Tls>) -> Self {
        let now = Arc::new(AtomicU64::new(Clock::BEGINNING.0));
        let shown = Arc::clone(&now);
        let clock = Clock::from_fn(move || Timestamp(shown.load(Ordering::Relaxed)));
        let mut settings = Settings { latency: Duration::ZERO..=Duration::ZERO, ..Settings::default() };
        // The clock stands still: a record that waits for others would wait for the test.
        settings.kinesis.push_delay = Duration::ZERO;
        let local = Local::with_clock(settings, clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut server = JoinSet::new();
        let served = local.clone();
        server.spawn(async move {
            match tls {
                None => serve(served, listener).await,
                Some(tls) => serve_tls(served, listener, &tls).await,
            }
        });
        Self { local, address, now, server }
    }

    fn advance(&self, milliseconds: u64) {
        self.now.fetch_add(milliseconds, Ordering::Relaxed);
        // Who waits for a time looks at the clock again.
        self.local.kinesis(|_, _| ());
    }
}

/// An answer, as text as far as it is one.
#[derive(Debug)]
struct Response {
    status: u64,
    head: String,
    body: String,
}

impl Response {
    /// The body, which is JSON; nothing is an empty object.
    fn json(&self) -> Value {
        let body = if self.body.is_empty() { "{}" } else { &self.body };
        serde_json::from_str(body).expect("JSON")
    }
}

const JSON: &str = "application/x-amz-json-1.1";

/// Posts one request for `target`.
async fn post(address: SocketAddr, target: Option<&str>, content_type: &str, body: &str) -> Response {
    let target = target.map(|target| format!("x-amz-target: {target}\r\n")).unwrap_or_default();
    let length = body.len();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: local\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
         content-length: {length}\r\n{target}\r\n{body}"
    );
    send(address, &request).await.expect("an answer")
}

/// Sends the bytes of a request; no answer if the connection closes first.
async fn send(address: SocketAddr, request: &str) -> Option<Response> {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read until the end");
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Response { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}
