//! A file of everything that was asked and answered.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use kcl_local::{Exchange, Local, Service};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Where a recording says that it cannot go on. `None` if nothing is recorded.
pub(crate) type Failures = Option<UnboundedReceiver<String>>;

/// Writes a line to the file at `path` for every request that the world serves from now on.
pub(crate) fn start(path: Option<&Path>, local: &Local) -> Result<Failures, String> {
    let Some(path) = path else { return Ok(None) };
    let said = |error| format!("cannot write the recording {}: {error}", path.display());
    let file = File::create(path).map_err(said)?;
    let (failures, failed) = unbounded_channel();
    local.observe(recorder(file, path.display().to_string(), failures));
    Ok(Some(failed))
}

fn recorder(mut file: File, path: String, failures: UnboundedSender<String>) -> impl FnMut(&Exchange<'_>) + Send {
    move |exchange| {
        // One write a line: whoever ends the program finds whole lines.
        if let Err(error) = file.write_all(format!("{}\n", line(exchange)).as_bytes()) {
            // Nobody listens any more once the program ends.
            let _ = failures.send(format!("cannot write the recording {path}: {error}"));
        }
    }
}

fn line(exchange: &Exchange<'_>) -> Value {
    json!({
        "at": exchange.at.0,
        "client": exchange.client,
        "service": match exchange.service {
            Service::Kinesis => "kinesis",
            Service::DynamoDb => "dynamodb",
        },
        "operation": exchange.operation,
        "request": exchange.request,
        "status": exchange.reply.status,
        "answer": exchange.reply.body,
    })
}

/// Waits until the recording cannot go on, and says why.
pub(crate) async fn failed(failures: Failures) -> String {
    if let Some(mut failures) = failures
        && let Some(failure) = failures.recv().await
    {
        return failure;
    }
    std::future::pending().await
}
