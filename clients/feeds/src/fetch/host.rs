//! Connections, and the hosts to which a source may point.

use super::{FetchError, cause};
use reqwest::{Client, Url, redirect};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Time without a byte after which a source counts as silent.
const SILENCE: Duration = Duration::from_secs(60);

/// A host, and the addresses to which it is held.
pub(super) struct Held {
    host: String,
    addresses: Vec<SocketAddr>,
}

pub(super) fn client(held: Option<Held>) -> Result<Client, FetchError> {
    let mut builder = Client::builder()
        .user_agent(concat!("taxii-feeds/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(20))
        .read_timeout(SILENCE)
        // Files come packed as they are; what is unpacked on the way would escape the limit.
        .no_gzip();
    if let Some(Held { host, addresses }) = held {
        builder = builder.resolve_to_addrs(&host, &addresses);
    }
    builder.build().map_err(|error| FetchError::Broken(cause(&error)))
}

/// The addresses of a host to which a source points: a source must not make this machine ask what only it can reach.
pub(super) async fn public(url: &Url) -> Result<Held, FetchError> {
    let refuse = |what: &str| FetchError::Address(format!("the source points to {what}"));
    let host = url.host_str().ok_or_else(|| refuse("no host"))?.to_owned();
    let port = url.port_or_known_default().ok_or_else(|| refuse("no port"))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found =
        tokio::net::lookup_host((bare, port)).await.map_err(|error| FetchError::Broken(error.to_string()))?;
    let addresses: Vec<SocketAddr> = found.collect();
    if addresses.is_empty() || !addresses.iter().all(|address| is_public(address.ip())) {
        return Err(refuse("an address of a private network"));
    }
    Ok(Held { host, addresses })
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_broadcast()
                || address.is_multicast()
                || address.is_documentation()
                || first == 0
                || first >= 240
                || (first == 100 && (64..128).contains(&second)))
        }
        IpAddr::V6(address) => {
            let is_unique_local = address.segments()[0] & 0xFE00 == 0xFC00;
            let is_link_local = address.segments()[0] & 0xFFC0 == 0xFE80;
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || is_unique_local
                || is_link_local)
        }
    }
}
