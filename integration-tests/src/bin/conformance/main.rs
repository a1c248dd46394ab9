//! The promises of record sources, tried over real sockets in real time: by polling, and by enhanced fan-out over HTTP/1.1
//! and over TLS and HTTP/2.
//!
//! The same suite runs in process under virtual time (`tests/sources.rs`). What only sockets can show is shown here: how
//! the HTTP client takes a connection that is cut, a stream that is reset, an answer that falls silent.

mod report;
mod transport;

use std::process::ExitCode;
use std::time::Duration;

use kcl_core::testing::source_conformance;
use tokio::task::JoinSet;

use crate::report::Report;
use crate::transport::Transport;

/// No promise takes half of it on a machine that has little else to do.
const WITHIN: Duration = Duration::from_mins(4);

#[tokio::main]
async fn main() -> ExitCode {
    let mut trials = JoinSet::new();
    for transport in Transport::ALL {
        let verdicts = source_conformance::at_once(WITHIN, move |shards| transport.world(shards));
        trials.spawn(async move { (transport, verdicts.await) });
    }
    let mut report = Report::default();
    while let Some(tried) = trials.join_next().await {
        match tried {
            Ok((transport, verdicts)) => report.print(transport.name, &verdicts),
            // No trial panics; if one does, that has been printed.
            Err(_) => return ExitCode::FAILURE,
        }
    }
    println!("{report}");
    if report.all_kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
