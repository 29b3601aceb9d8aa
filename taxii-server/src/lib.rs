//! A TAXII 2.1 server.
//!
//! The way of a request: [`router`](crate::router) → [`extract`](crate::extract) (text becomes types, or an error) →
//! [`routes`](crate::routes) (what TAXII says) → [`Store`](crate::store::Store) → an engine.
//!
//! # What this crate does not do
//! It changes no object, trusts no length that a client states, knows no STIX beyond an object's header, and never
//! decides a client's rights outside [`extract`](crate::extract).

pub mod clock;
pub mod store;
