//! Tests that drive the real binary against real parts.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails should fail at once; the in-tests switches don't cover helpers"
)]

mod relay;
mod rooms;
mod smtp;
