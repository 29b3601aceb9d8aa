//! The suite's own tests: a suite that fails nobody proves nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

mod misbehaving;
mod report;
mod requirements;
