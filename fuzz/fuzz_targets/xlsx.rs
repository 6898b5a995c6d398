#![no_main]
#![allow(dead_code, reason = "the other targets' checks")]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(
    // The library that reads workbooks may panic: it has a thread of its own, and its end is told as
    // a file that can't be read. A panic that comes out of the check ends the run nevertheless.
    init: std::panic::set_hook(Box::new(|_| {})),
    |data: &[u8]| checks::workbooks::check(data)
);
