//! A TAXII 2.1 server, as a library.
//!
//! A request goes from [`router`] through `extract`, which parses text into types or refuses it, to a handler in `routes`,
//! which says what TAXII says, to the [`Store`](store::Store), to an [`Engine`](store::engine::Engine).
//!
//! [`Server`](serve::Server) runs it with listeners and TLS of its own. [`router::service`] is the same for nesting in
//! another axum application. [`Control`](control::Control) administers either. The command line is the feature `cli`, which
//! is on by default.
//!
//! # Inside another application
//! Its engine, `embed/engine.rs`, is shown in [`store::engine`].
//!
//! ```
#![doc = include_str!("../examples/embed.rs")]
//! ```
//!
//! # What this crate does not do
//! It changes no object, trusts no length that a client states, has no rules of STIX of its own (the validator of
//! `stix-model` has them), and decides the rights of a client on a collection only in `extract`.

pub mod admission;
pub mod app;
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only the command line reads backups"))]
mod archive;
pub mod budget;
mod certificates;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod config;
mod connection;
pub mod control;
mod credentials;
mod drain;
pub mod engines;
pub mod error;
mod extract;
mod metrics;
mod network;
pub mod node;
mod openapi;
mod page_cache;
mod private;
mod protocol;
pub mod rights;
pub mod router;
mod routes;
pub mod serve;
pub mod store;
