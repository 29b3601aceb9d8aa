//! Tests of the program, and of the library against a small TAXII server whose behaviour each test chooses, good or bad.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod agent;
mod answers;
mod canonicalize;
mod cli;
mod convert;
mod foreign;
mod graph;
mod id;
mod input;
mod key;
mod lenient;
mod members;
mod network;
mod outcomes;
mod paging;
mod pattern;
mod program;
mod pull;
mod push;
mod script;
mod stub;
mod tls;
mod validate;
mod vectors;
