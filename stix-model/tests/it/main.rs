//! Tests of the public interface: vectors shared with other languages, laws, and refusals with their places.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod envelope;
mod json;
mod laws;
mod object;
mod pattern_matching;
mod pattern_syntax;
mod vectors;
