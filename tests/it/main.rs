//! Tests that drive the real binary against real parts.

mod rooms;
