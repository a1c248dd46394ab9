//! Answers with records, read at a fraction of what the SDK's own decoder costs.
//!
//! Most of what reading a stream costs is the SDK's JSON: it looks at every byte of a payload's base64 on its own, and
//! copies it before it decodes it. The decoder here finds the end of a string as fast as memory is read, and decodes from
//! where it lies. What it does not read, it leaves to the SDK's decoder, on the same bytes: what is accepted, and what an
//! error says, is what the SDK accepts and says.
//!
//! | to change | open |
//! |---|---|
//! | where the SDK is made to use it | `protocol.rs` |
//! | when the SDK's decoder has its turn | `answer.rs` |
//! | what members and values are | `reader.rs` |
//! | what JSON is | `scan.rs` |

mod answer;
mod protocol;
mod reader;
mod scan;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use aws_sdk_kinesis::{Client, config};
use aws_smithy_schema::protocol::SharedClientProtocol;

use self::protocol::LeanJson;

/// Makes a request's answer be read leanly: `GetRecords`, and the events of `SubscribeToShard`. For what is given to
/// `config_override` of the request; see [`Terms::overrides`](super::Terms::overrides).
///
/// A client with a [`protocol`](config::Builder::protocol) of its own keeps it. One that a runtime plugin puts in cannot be
/// seen, and is overridden for the request.
#[must_use]
pub fn read_leanly(client: &Client, mut overrides: config::Builder) -> config::Builder {
    static LEAN: LazyLock<SharedClientProtocol> = LazyLock::new(|| SharedClientProtocol::new(LeanJson::default()));
    if client.config().protocol().is_none() {
        overrides.set_protocol(Some(LEAN.clone()));
    }
    overrides
}
