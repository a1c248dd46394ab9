//! A local Kinesis and DynamoDB on a socket, and consumers of it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kcl_local::{Clock, Local, Service, Settings, Tls, serve, serve_tls};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinSet;

pub(crate) struct World {
    local: Local,
    address: SocketAddr,
    /// The file that says whom to trust, where TLS is spoken.
    authority: Option<PathBuf>,
    _server: JoinSet<Infallible>,
}

impl World {
    /// Both services, without the time that they take to create things.
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// The same, with TLS.
    pub(crate) async fn start_secure() -> Self {
        Self::start_with(Some(Tls::generate().expect("TLS"))).await
    }

    async fn start_with(tls: Option<Tls>) -> Self {
        let mut settings = Settings { latency: Duration::ZERO..=Duration::ZERO, ..Settings::default() };
        settings.dynamodb.table_creating = Duration::ZERO;
        settings.kinesis.create_delay = Duration::ZERO;
        settings.kinesis.update_delay = Duration::ZERO;
        settings.kinesis.consumer_create_delay = Duration::ZERO;
        let local = Local::with_clock(settings, Clock::wall());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (mut server, mut authority) = (JoinSet::new(), None);
        match tls {
            None => drop(server.spawn(serve(local.clone(), listener))),
            Some(tls) => {
                let file = std::env::temp_dir().join(format!("consumer-test-ca-{}.pem", address.port()));
                std::fs::write(&file, tls.authority_pem()).expect("written");
                authority = Some(file);
                let local = local.clone();
                server.spawn(async move { serve_tls(local, listener, &tls).await });
            }
        }
        Self { local, address, authority, _server: server }
    }

    pub(crate) fn kinesis(&self, operation: &str, body: Value) {
        let reply = self.local.ask(Service::Kinesis, operation, body);
        assert_eq!(reply.status, 200, "{operation}: {}", reply.body);
    }

    /// Puts records whose data and keys are these words.
    pub(crate) fn put(&self, stream: &str, words: &[&str]) {
        for word in words {
            let data = BASE64_STANDARD.encode(word);
            self.kinesis("PutRecord", json!({"StreamName": stream, "PartitionKey": word, "Data": data}));
        }
    }

    /// How many requests were made.
    pub(crate) fn requests(&self) -> u64 {
        self.local.requests().values().sum()
    }

    /// How many requests were made of one operation.
    pub(crate) fn sent(&self, operation: &str) -> u64 {
        self.local.sent(operation)
    }

    /// The program with an environment that leads here and nowhere else.
    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consumer"));
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        let endpoint = format!("{scheme}://{}", self.address);
        command
            .args(options)
            .env_clear()
            .env("AWS_ENDPOINT_URL_KINESIS", &endpoint)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &endpoint)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("RUST_LOG", "error")
            .kill_on_drop(true);
        if let Some(file) = &self.authority {
            command.env("SSL_CERT_FILE", file);
        }
        command
    }

    /// Starts a consumer whose output is read as lines of JSON.
    pub(crate) fn consume(&self, stream: &str, more: &[&str]) -> Consumer {
        let options = [&["--stream", stream, "--app", "test-app", "--output", "jsonl"], more].concat();
        let mut child = self.command(&options).stdout(Stdio::piped()).spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Consumer { child, lines }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(file) = &self.authority {
            // It is in a folder that is cleared anyway.
            drop(std::fs::remove_file(file));
        }
    }
}

pub(crate) struct Consumer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Consumer {
    /// The next line, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.expect("text")?;
        Some(serde_json::from_str(&line).expect("JSON on every line"))
    }

    /// Reads until so many records came; answers all lines.
    pub(crate) async fn records(&mut self, count: usize) -> Vec<Value> {
        let mut lines = Vec::new();
        while lines.iter().filter(|line| is(line, "record")).count() < count {
            lines.push(self.next().await.expect("it runs until it is told to stop"));
        }
        lines
    }

    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("running").to_string();
        assert!(Command::new("kill").args([name, &id]).status().await.expect("kill runs").success());
    }

    /// Asks it to stop, and reads to the end; answers the exit code and the last lines.
    pub(crate) async fn stop(mut self) -> (Option<i32>, Vec<Value>) {
        self.signal("-TERM").await;
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        (self.child.wait().await.expect("ended").code(), lines)
    }

    /// Waits until a line has begun, and does not read it.
    pub(crate) async fn begun(&mut self) {
        self.lines.get_mut().fill_buf().await.expect("bytes");
    }

    /// Asks it to stop until it ends; answers the exit code.
    pub(crate) async fn insist(mut self) -> Option<i32> {
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            self.signal("-TERM").await;
        }
    }

    /// Stops reading what it prints, and waits for its end.
    pub(crate) async fn abandon(mut self) -> Option<i32> {
        drop(self.lines);
        self.child.wait().await.expect("ended").code()
    }
}

/// Whether a line is an event of this name.
pub(crate) fn is(line: &Value, event: &str) -> bool {
    line["event"] == event
}

/// Ends a test that waits for something that does not come. Generous: it says nothing about speed.
pub(crate) async fn patiently<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(2), test).await.expect("done in time")
}
