//! Times that clients have for each step, and how many connections are open at once.

use std::time::Duration;

/// Times after which a connection is closed, or an answer given up, because nothing moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the header of a proxy.
    pub proxy_header: Duration,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the first byte of a connection, and for the head of a request.
    pub head: Duration,
    /// Between two parts of the body of a request.
    pub body_idle: Duration,
    /// For the whole body of a request, where bodies have 8 MiB at most; in proportion, where more is allowed.
    pub body: Duration,
    /// Until the client takes the next part of its answer.
    pub write: Duration,
    /// Until the next request on an open connection. Clients that keep connections in a pool expect a minute.
    pub keep_alive: Duration,
    /// For a request that finds no memory free for its body or its answer, until it is refused.
    pub busy: Duration,
    /// For open requests when the server stops.
    pub grace: Duration,
}

impl Timeouts {
    /// Those that [`Config`](super::Config) has by default.
    pub const DEFAULT: Self = Self {
        proxy_header: Duration::from_secs(5),
        handshake: Duration::from_secs(10),
        head: Duration::from_secs(10),
        body_idle: Duration::from_secs(10),
        body: Duration::from_secs(300),
        write: Duration::from_secs(30),
        keep_alive: Duration::from_secs(75),
        busy: Duration::from_secs(5),
        grace: Duration::from_secs(10),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}
