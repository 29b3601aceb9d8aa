//! Tests against a small TAXII server whose behaviour each test chooses, good or bad.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod answers;
mod cli;
mod paging;
mod pull;
mod push;
mod stub;
mod validate;
