//! Tests at the boundary: HTTP in, HTTP out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod openapi;
