//! Lines on standard output.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;

use crate::options::Format;

/// Standard output, shared by all processors.
#[derive(Clone)]
pub(crate) struct Output {
    format: Format,
    closed: Arc<Notify>,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, closed: Arc::new(Notify::new()) }
    }

    /// Writes one line for each event, and returns when the system has them.
    ///
    /// On a thread of its own: a reader that is slow must hold up the records, and not the renewal of leases. Dropping
    /// the future stops nothing, so no line is ever cut in two.
    pub(crate) async fn write(&self, events: Vec<Value>) -> io::Result<()> {
        let format = self.format;
        let written = tokio::task::spawn_blocking(move || write(&events, format)).await.map_err(io::Error::other)?;
        if written.is_err() {
            self.closed.notify_one();
        }
        written
    }

    /// Waits until nobody reads any more.
    pub(crate) async fn closed(&self) {
        self.closed.notified().await;
    }
}

fn write(events: &[Value], format: Format) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for event in events {
        match format {
            Format::Jsonl => writeln!(out, "{event}")?,
            Format::Text => writeln!(out, "{}", columns(event))?,
        }
        out.flush()?;
    }
    Ok(())
}

fn columns(event: &Value) -> String {
    let values = event.as_object().into_iter().flat_map(serde_json::Map::values);
    let texts: Vec<_> = values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
    texts.join("\t")
}
