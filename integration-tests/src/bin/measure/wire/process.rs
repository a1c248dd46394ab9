//! A consumer process, started and ended here.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use kcl_core::error::Failure;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::heard::{Heard, Totals};
use super::kinds::{Mode, Reader};
use crate::procfs::{self, Process};
use crate::services::{APP, STREAM};

/// How often it is looked whether something happened. It costs the consumer nothing.
const LOOK: Duration = Duration::from_millis(20);

/// Where the services are.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) kinesis: SocketAddr,
    pub(crate) dynamodb: SocketAddr,
    pub(crate) cloudwatch: SocketAddr,
    pub(crate) region: String,
}

/// What a consumer is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) mode: Mode,
    /// It says how old records are when they are handled.
    pub(crate) delays: bool,
    /// The worker's byte budget, if it is not the default.
    pub(crate) byte_budget_mib: Option<usize>,
}

/// A consumer that runs. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    name: String,
    /// Closed when this process ends, however it ends: then the consumer ends too.
    _alive: Option<ChildStdin>,
    _listener: JoinSet<()>,
    pub(crate) heard: Heard,
}

impl Running {
    pub(crate) fn start(reader: &Reader, terms: Terms, endpoints: &Endpoints) -> Result<Self, Failure> {
        let mut command = command(reader, terms)?;
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH"))
            .env("AWS_ENDPOINT_URL_KINESIS", format!("http://{}", endpoints.kinesis))
            .env("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{}", endpoints.dynamodb))
            .env("AWS_ENDPOINT_URL_CLOUDWATCH", format!("http://{}", endpoints.cloudwatch))
            .env("AWS_REGION", &endpoints.region)
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| format!("cannot start {}: {error}", reader.name()))?;
        let output = child.stdout.take().ok_or("a consumer without an output")?;
        let (alive, heard, mut listener) = (child.stdin.take(), Heard::default(), JoinSet::new());
        listener.spawn(listen(output, heard.clone()));
        Ok(Self { child, name: reader.name().to_owned(), _alive: alive, _listener: listener, heard })
    }

    /// What the system knows of it.
    pub(crate) fn look(&self) -> Result<Process, Failure> {
        procfs::look(self.child.id().ok_or_else(|| format!("{} does not run", self.name))?)
    }

    /// Waits until something was heard, and calls `meanwhile` from time to time. An error if it is not heard in time, or
    /// the consumer ends by itself.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        within: Duration,
        is_so: impl Fn(&Totals) -> bool + Send,
        mut meanwhile: impl FnMut(Process) + Send,
    ) -> Result<(), Failure> {
        let end = Instant::now() + within;
        while !self.heard.read(&is_so) {
            self.check()?;
            meanwhile(self.look()?);
            if Instant::now() >= end {
                let totals = self.heard.read(Totals::clone);
                let (shards, records, troubles) = (totals.shards.len(), totals.records, totals.troubles);
                return Err(format!(
                    "{}: {what} after {within:?}: {shards} shards, {records} records, {troubles:?}",
                    self.name
                )
                .into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// An error if it has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("{} ended by itself: {status}", self.name).into()),
            None => Ok(()),
        }
    }
}

fn command(reader: &Reader, terms: Terms) -> Result<Command, Failure> {
    let mut command = match reader {
        Reader::Worker | Reader::Sdk => Command::new(std::env::current_exe()?),
        Reader::Peer(peer) => Command::new(&peer.command[0]),
    };
    match reader {
        Reader::Worker => drop(command.arg("wire-worker")),
        Reader::Sdk => drop(command.arg("wire-sdk")),
        Reader::Peer(peer) => drop(command.args(&peer.command[1..]).args(["--stream", STREAM, "--app", APP])),
    }
    command.args(["--mode", terms.mode.name()]);
    if terms.delays {
        command.arg("--delays");
    }
    if let (Reader::Worker, Some(mib)) = (reader, terms.byte_budget_mib) {
        command.args(["--byte-budget-mib", &mib.to_string()]);
    }
    Ok(command)
}

async fn listen(output: ChildStdout, heard: Heard) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        heard.line(&text);
    }
}
