//! The decoder beside the SDK's own, on the same texts.

#[path = "../../../../../fuzz/corpus.rs"]
mod corpus;
mod events;
mod generated;
mod hook;
mod json;
mod table;

use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_smithy_schema::serde::SerdeError;

use super::beside::{self, compare, compare_events, fuzz_lean, ours};

fn leanly(text: &[u8]) -> Result<GetRecordsOutput, SerdeError> {
    beside::leanly(text, GetRecordsOutput::deserialize)
}

#[test]
fn what_the_fuzzer_found_is_read_as_by_the_sdk() {
    corpus::replay("lean", fuzz_lean);
}
