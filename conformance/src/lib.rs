//! A black-box conformance suite for any TAXII 2.1 server: HTTP and raw JSON only.
//!
//! Each requirement of the standard is a row of `requirements.toml`; each row names the check that proves it.
//! [`run`] surveys the server, runs the checks and returns a [`Report`]; [`hostile`] sends malformed requests.
//!
//! What this package does not do: it imports no type of the server or of the STIX library (a mistake in them
//! could then hide itself), it follows no redirect, and it never trusts an answer (size, time and page count
//! are bounded).

mod actions;
pub mod checks;
mod client;
mod excerpt;
mod exchange;
pub mod hostile;
mod ijson;
mod options;
pub mod report;
pub mod requirements;
mod run;
mod sample;
mod shape;
mod stamp;
mod suite;
mod survey;
mod verdict;
mod wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use options::{Auth, Options};
pub use report::Report;
pub use run::{Progress, run};
pub use survey::Unreachable;
pub use verdict::{Evidence, Outcome};
