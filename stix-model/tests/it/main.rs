//! Tests of the public interface: vectors shared with other languages, laws, and refusals with their places.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod bundle;
mod confidence;
mod convert;
mod edit;
mod envelope;
mod equivalence;
mod fuzz;
mod graph;
mod json;
mod laws;
mod marking;
mod model;
mod object;
mod pattern_matching;
mod pattern_random;
mod pattern_reference;
mod pattern_set;
mod pattern_syntax;
mod purity;
mod random;
mod reader;
mod rules;
mod sco_id;
mod validation;
mod vectors;
mod version;
