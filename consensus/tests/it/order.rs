//! Commands in order: the log, the machine, and nodes that talk to each other.

pub(crate) mod machine;
pub(crate) mod traffic;

mod door;
mod nodes;
mod suite;
