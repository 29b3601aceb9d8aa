//! Tests at the boundary: HTTP in, HTTP out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod access;
mod app;
mod arrows;
mod backup;
mod clients;
mod connections;
mod data;
mod disk;
mod doctor;
mod embed;
mod endpoints;
mod filters;
mod format;
mod held;
mod idempotency;
mod import;
mod network;
mod nodes;
mod openapi;
mod operator;
mod posting;
mod process;
mod profiles;
mod protocol;
mod proxied;
mod reads;
mod ready;
mod sizes;
mod slow;
mod tls;
mod versions;
