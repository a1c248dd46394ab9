//! Items of the lease table, read and written back.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| kcl_dynamo_leases::fuzz_lease_items(data));
