//! A TAXII 2.1 server.
//!
//! The way of a request: [`router`] → `extract` (text becomes types, or an error) → `routes` (what TAXII
//! says) → [`Store`](store::Store) → an engine.
//!
//! # What this crate does not do
//! It changes no object, trusts no length that a client states, has no rules of STIX of its own (the validator of
//! `stix-model` has them), and never decides a client's rights on a collection outside `extract`.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
mod credentials;
mod drain;
pub mod error;
mod extract;
mod metrics;
mod openapi;
mod refusal;
pub mod router;
mod routes;
pub mod serve;
pub mod store;
