//! The workers: processes, started and ended here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use integration_tests::process::surround;
use kcl_core::error::Failure;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;

use crate::journal::Journal;
use crate::line::{Line, Said};

/// How long a worker may take to end that was told to: its own time to stop, and what it writes down after it.
const END: Duration = Duration::from_secs(30);

/// All workers that were started and not ended. They are killed when this is dropped.
pub(crate) struct Fleet {
    services: SocketAddr,
    region: String,
    failover: Duration,
    journal: Journal,
    members: BTreeMap<String, Member>,
    started: u32,
}

struct Member {
    child: Child,
    /// Closed when this process ends, however it ends: then the worker ends too.
    _alive: Option<ChildStdin>,
    /// Listens until the worker has no more to say.
    listener: JoinSet<()>,
}

impl Fleet {
    pub(crate) fn new(address: SocketAddr, region: &str, failover: Duration, journal: &Journal) -> Self {
        Self {
            services: address,
            region: region.to_owned(),
            failover,
            journal: journal.clone(),
            members: BTreeMap::new(),
            started: 0,
        }
    }

    /// Starts a worker, and answers its name.
    pub(crate) fn start(&mut self) -> Result<String, Failure> {
        self.started += 1;
        let name = format!("w{}", self.started);
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["worker", "--id", &name, "--failover-ms", &self.failover.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        surround(&mut command, self.services, &self.region, &name);
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("a worker without an output")?;
        let alive = child.stdin.take();
        let mut listener = JoinSet::new();
        listener.spawn(listen(output, name.clone(), self.journal.clone()));
        self.members.insert(name.clone(), Member { child, _alive: alive, listener });
        Ok(name)
    }

    /// The workers that live, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }

    /// The process of a worker.
    pub(crate) fn pid(&self, name: &str) -> Result<u32, Failure> {
        let member = self.members.get(name).and_then(|member| member.child.id());
        member.ok_or_else(|| format!("{name} does not run").into())
    }

    /// An error if a worker ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        for (name, member) in &mut self.members {
            if let Some(status) = member.child.try_wait()? {
                return Err(format!("{name} ended by itself: {status}").into());
            }
        }
        Ok(())
    }

    /// Sends a worker a signal: `TERM` tells it to stop.
    pub(crate) async fn signal(&self, name: &str, signal: &str) -> Result<(), Failure> {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.pid(name)?.to_string()]).status().await?;
        if status.success() { Ok(()) } else { Err(format!("kill -{signal}: {status}").into()) }
    }

    /// Kills a worker, by SIGKILL.
    pub(crate) fn kill(&mut self, name: &str) -> Result<(), Failure> {
        let member = self.members.get_mut(name).ok_or_else(|| format!("{name} does not run"))?;
        Ok(member.child.start_kill()?)
    }

    /// Waits until a worker has ended, and all that it said was heard.
    pub(crate) async fn ended(&mut self, name: &str) -> Result<(), Failure> {
        let mut member = self.members.remove(name).ok_or_else(|| format!("{name} does not run"))?;
        let ended = async {
            member.child.wait().await?;
            while member.listener.join_next().await.is_some() {}
            Ok::<_, Failure>(())
        };
        tokio::time::timeout(END, ended).await.map_err(|_| format!("{name} does not end within {END:?}"))?
    }
}

async fn listen(output: ChildStdout, worker: String, journal: Journal) {
    let mut lines = BufReader::new(output).lines();
    let mut cut = false;
    while let Ok(Some(text)) = lines.next_line().await {
        // Only the last line of one that is killed can be cut off: what it says was not done.
        if cut {
            journal.enter(&worker, Line { at: 0, said: Said::Trouble { what: "a line of another form".to_owned() } });
        }
        match serde_json::from_str(&text) {
            Ok(line) => journal.enter(&worker, line),
            Err(_) => cut = true,
        }
    }
}
