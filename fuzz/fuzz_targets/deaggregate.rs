//! De-aggregation of KPL records.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../kcl-core/tests/deaggregate_corpus/fuzz_one.rs"]
mod body;

fuzz_target!(|data: &[u8]| body::fuzz_one(data));
