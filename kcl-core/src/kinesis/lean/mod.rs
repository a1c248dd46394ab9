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
#[cfg(any(test, fuzzing))]
pub(super) mod beside;
mod protocol;
mod reader;
mod scan;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use aws_smithy_schema::protocol::SharedClientProtocol;

use self::protocol::LeanJson;

/// The protocol whose answers are read leanly; see [`Terms::reading_leanly`](super::Terms::reading_leanly).
pub(super) fn protocol() -> SharedClientProtocol {
    static LEAN: LazyLock<SharedClientProtocol> = LazyLock::new(|| SharedClientProtocol::new(LeanJson::default()));
    LEAN.clone()
}
