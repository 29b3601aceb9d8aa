//! A network of organisations in memory.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bundles;
mod collections;
mod evidence;
mod governance;
mod hostile;
mod model;
mod network;
mod objects;
mod policies;
mod random;
mod tampering;
mod votes;
