#![no_main]
#![allow(dead_code, reason = "the other targets' checks")]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::workbooks::check(data));
