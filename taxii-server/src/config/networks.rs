//! Networks of addresses.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses and networks, as `10.0.0.7, 10.1.0.0/16, 2001:db8::/32`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Networks(Vec<IpNet>);

/// Why a text is not a list of networks.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no address and no network; write them as 10.0.0.7, 10.1.0.0/16, 2001:db8::/32")]
pub struct NotANetwork(String);

impl Networks {
    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is in one of them. An IPv4 address that came over IPv6 (`::ffff:10.0.0.7`) is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether one of them is the whole internet.
    #[cfg(feature = "cli")]
    pub(crate) fn has_all(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }
}

impl FromStr for Networks {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let parse = |part: &str| {
            let address = || part.parse::<IpAddr>().map(IpNet::from);
            part.parse::<IpNet>().or_else(|_| address()).map_err(|_| NotANetwork(part.to_owned()))
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Ok(Self(parts.map(parse).collect::<Result<_, _>>()?))
    }
}

impl TryFrom<String> for Networks {
    type Error = NotANetwork;

    fn try_from(text: String) -> Result<Self, NotANetwork> {
        text.parse()
    }
}

impl From<Networks> for String {
    fn from(networks: Networks) -> Self {
        networks.to_string()
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, network) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_addresses_with_or_without_a_prefix() {
        let networks: Networks = "10.0.0.7, 10.1.0.0/16,2001:db8::/32,".parse().unwrap();
        for (address, is_in) in [
            ("10.0.0.7", true),
            ("::ffff:10.0.0.7", true),
            ("10.0.0.8", false),
            ("10.1.255.255", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), is_in, "{address}");
        }
        assert_eq!(networks.to_string().parse::<Networks>().unwrap(), networks);
        assert!("".parse::<Networks>().unwrap().is_empty());
        for bad in ["10.0.0.0/33", "localhost", "10.0.0.1;10.0.0.2", "10.0.0.1:80"] {
            assert!(bad.parse::<Networks>().unwrap_err().to_string().contains("10.0.0.7"), "{bad}");
        }
    }
}
