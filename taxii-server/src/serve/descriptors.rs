//! Open files that the system allows this process.

use crate::config::Config;
use crate::connection::Caps;

/// Connections of the address for metrics.
pub(super) const METRICS: Caps = Caps { all: 16, per_address: None };
/// Connections of the operator of this machine.
pub(super) const CONTROL: Caps = Caps { all: 32, per_address: None };
/// Files other than connections: the store, listeners, and those that are open for a moment.
const FILES: usize = 32;
/// Connections that are taken even where the limit is lower than makes sense.
const LEAST: usize = 16;

/// Raises the limit of open files as far as the system allows, and returns how many connections that leaves for clients.
pub(super) fn caps(config: &Config) -> Caps {
    let limit = raise();
    let left = limit.map(|limit| limit.saturating_sub(METRICS.all + CONTROL.all + FILES).max(LEAST));
    let all = left.map_or(config.max_connections, |left| left.min(config.max_connections));
    if all < config.max_connections {
        let max_connections = config.max_connections;
        tracing::warn!(
            limit,
            all,
            max_connections,
            "the limit of open files allows fewer connections than the settings; raise it (ulimit -n, LimitNOFILE)"
        );
    }
    // A proxy that does not tell where clients are has all their connections.
    let is_known = !config.behind_tls_proxy || !config.proxy_protocol_from.is_empty();
    Caps { all, per_address: is_known.then_some(config.max_connections_per_address) }
}

#[cfg(unix)]
fn raise() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where the system refuses, the limit stays as it is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    getrlimit(Resource::Nofile).current.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
fn raise() -> Option<usize> {
    None
}
