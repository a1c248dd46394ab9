//! Requests to `kcl-local`, one after the other.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| kcl_local::fuzz_requests(data));
