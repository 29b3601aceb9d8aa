//! Addresses to listen on, as operators write them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// An address to listen on: `127.0.0.1:6100`, `[::]:6100`, `localhost:6100`, `taxii.example.org`, `:6100` or `6100`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListenAddress {
    host: Option<String>,
    port: Option<u16>,
}

/// Which addresses are meant where only a port is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unnamed {
    /// Those that other machines reach, too.
    All,
    /// That of this machine.
    Loopback,
}

impl ListenAddress {
    /// An address of this machine that others do not reach.
    pub(super) fn loopback(port: u16) -> Self {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()
    }

    /// Returns whether only this machine reaches the address; `None` when that depends on what a name stands for.
    pub(super) fn is_loopback(&self) -> Option<bool> {
        let host = self.host.as_deref()?;
        match host.parse::<IpAddr>() {
            Ok(address) => Some(address.is_loopback()),
            Err(_) => host.eq_ignore_ascii_case("localhost").then_some(true),
        }
    }

    /// Returns the addresses of sockets, the best first. It may ask the name service.
    pub(crate) async fn resolve(&self, default_port: u16, unnamed: Unnamed) -> io::Result<Vec<SocketAddr>> {
        let port = self.port.unwrap_or(default_port);
        let Some(host) = &self.host else {
            let addresses: &[IpAddr] = match unnamed {
                // The first one takes IPv4 too, where there is IPv6 at all.
                Unnamed::All => &[IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)],
                Unnamed::Loopback => &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            };
            return Ok(addresses.iter().map(|address| SocketAddr::new(*address, port)).collect());
        };
        let mut addresses: Vec<_> = tokio::net::lookup_host((host.as_str(), port)).await?.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        Ok(addresses)
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self { host: Some(address.ip().to_string()), port: Some(address.port()) }
    }
}

/// Why a text is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no address to listen on; write one as 127.0.0.1:6100, [::]:6100, localhost:6100, :6100 or 6100, without \
     http://"
)]
pub struct NotAnAddress(String);

impl FromStr for ListenAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let error = || NotAnAddress(text.to_owned());
        let port = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => digits.parse::<u16>().map_err(|_| error()),
            false => Err(error()),
        };
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(Self { host: Some(address.to_string()), port: None });
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self { host: None, port: Some(port(text)?) });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, digits)) => (host, Some(port(digits)?)),
            None => (text, None),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        match host {
            "" if port.is_some() => Ok(Self { host: None, port }),
            // A last part of digits belongs to an IPv4 address that is not well-formed.
            "" => Err(error()),
            _ if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => Err(error()),
            _ if host.bytes().all(is_name) => Ok(Self { host: Some(host.to_owned()), port }),
            _ => Err(error()),
        }
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl From<ListenAddress> for String {
    fn from(address: ListenAddress) -> String {
        address.to_string()
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]")?,
            Some(host) => f.write_str(host)?,
            None => {}
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Address for metrics without credentials, or `none`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MetricsListen {
    /// Metrics are not served without credentials.
    Nowhere,
    /// Metrics are served at this address.
    At(ListenAddress),
}

impl FromStr for MetricsListen {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        if text == "none" { Ok(Self::Nowhere) } else { text.parse().map(Self::At) }
    }
}

impl TryFrom<String> for MetricsListen {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl From<MetricsListen> for String {
    fn from(listen: MetricsListen) -> String {
        match listen {
            MetricsListen::Nowhere => "none".to_owned(),
            MetricsListen::At(address) => address.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolved(text: &str, unnamed: Unnamed) -> String {
        let address: ListenAddress = text.parse().unwrap();
        assert_eq!(address.to_string().parse(), Ok(address.clone()));
        address.resolve(6100, unnamed).await.unwrap()[0].to_string()
    }

    #[tokio::test]
    async fn addresses_are_taken_as_people_write_them() {
        for (text, expected) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::]:443", "[::]:443"),
            ("0.0.0.0", "0.0.0.0:6100"),
            ("::1", "[::1]:6100"),
            ("[::1]", "[::1]:6100"),
            ("localhost:7000", "127.0.0.1:7000"),
            ("localhost", "127.0.0.1:6100"),
            (":7000", "127.0.0.1:7000"),
            ("7000", "127.0.0.1:7000"),
        ] {
            assert_eq!(resolved(text, Unnamed::Loopback).await, expected, "{text}");
        }
        assert_eq!(resolved(":7000", Unnamed::All).await, "[::]:7000");
        for text in
            ["", ":", "70000", ":x", "localhost:", "http://localhost:6100", "1.2.3:80", "a b:1", "::1:x"]
        {
            let said = text.parse::<ListenAddress>().unwrap_err().to_string();
            assert!(said.contains("127.0.0.1:6100"), "{text}");
        }
    }
}
