//! A network of organisations in memory.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![cfg_attr(feature = "raft", allow(clippy::print_stdout, reason = "seeds are for the reader of a test"))]

mod bundles;
mod collections;
mod evidence;
mod fuzz;
mod governance;
mod hostile;
mod invariants;
mod model;
mod network;
mod nodes;
mod objects;
#[cfg(feature = "raft")]
mod order;
mod policies;
mod random;
#[cfg(feature = "raft")]
mod simulation;
mod tampering;
mod votes;
