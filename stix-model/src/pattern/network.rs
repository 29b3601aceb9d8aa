//! IP addresses and networks for ISSUBSET and ISSUPERSET.
//!
//! By hand: `ipnet` lets leading zeros pass in addresses, and has no common form of both families, by which sets are searched.

use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 network; a single address is the smallest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Network {
    is_v6: bool,
    /// Shifted to the left end, without the bits behind the prefix.
    bits: u128,
    prefix: u32,
}

impl Network {
    /// Reads an address, optionally with `/` and the length of the prefix (RFC 4632). Bits behind the prefix
    /// may be set, as in `198.51.100.7/24`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, prefix)| (a, Some(prefix)));
        let (is_v6, bits, length) = if address.contains(':') {
            (true, address.parse::<Ipv6Addr>().ok()?.to_bits(), 128)
        } else {
            (false, u128::from(address.parse::<Ipv4Addr>().ok()?.to_bits()) << 96, 32)
        };
        let prefix = match prefix {
            None => length,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|prefix| *prefix <= length)?
            }
            Some(_) => return None,
        };
        Some(Self { is_v6, bits: bits & mask(prefix), prefix })
    }

    pub(super) fn is_v6(self) -> bool {
        self.is_v6
    }

    pub(super) fn prefix(self) -> u32 {
        self.prefix
    }

    pub(super) fn bits(self) -> u128 {
        self.bits
    }

    /// The network with this prefix around it; nothing when it is larger itself.
    pub(super) fn around(self, prefix: u32) -> Option<Self> {
        (prefix <= self.prefix).then(|| Self { bits: self.bits & mask(prefix), prefix, ..self })
    }

    /// Whether all addresses of the other network are in this one.
    pub(super) fn contains(self, other: Self) -> bool {
        self.is_v6 == other.is_v6
            && self.prefix <= other.prefix
            && self.bits == other.bits & mask(self.prefix)
    }
}

fn mask(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
}
