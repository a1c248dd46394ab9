//! Answers to `GetRecords` and events of `SubscribeToShard`, read leanly and by the SDK.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| kcl_core::kinesis::fuzz_lean(data));
