//! Nodes: the servers with which organisations take part in the log.

use crate::id::{Digest, KeyId, OrganisationId};
use crate::key::PublicKey;
use crate::organisation::{NewKey, Role};
use serde::{Deserialize, Serialize};

/// The number of the node that founds a network. Every other node has the number of the entry that admits it.
pub const FIRST_NODE: u64 = 1;
/// Longest address of a node, in bytes.
pub const MAX_ADDRESS_BYTES: usize = 255;

/// A node that an organisation gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewNode {
    /// Where other nodes reach it, as `host:port`.
    pub address: String,
    /// SHA-256 of its certificate in DER.
    pub certificate: Digest,
    /// The key with which it signs submissions.
    pub submit_key: PublicKey,
    /// The key with which it signs what it says of its log.
    pub log_key: PublicKey,
    /// The latest protocol that it speaks.
    pub protocol: u16,
}

/// A node that is or was part of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its number, which no other node ever has.
    pub id: u64,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// Where other nodes reach it, as `host:port`.
    pub address: String,
    /// SHA-256 of its certificate in DER.
    pub certificate: Digest,
    /// The key with which it signs submissions.
    pub submit_key: KeyId,
    /// The key with which it signs what it says of its log.
    pub log_key: PublicKey,
    /// The latest protocol that it speaks, as it said last.
    pub protocol: u16,
    /// The entry by which it left.
    pub left: Option<u64>,
}

impl NewNode {
    /// The keys that its organisation gets with it.
    pub fn keys(&self) -> [NewKey; 2] {
        [
            NewKey { public: self.submit_key, role: Role::Submit },
            NewKey { public: self.log_key, role: Role::Log },
        ]
    }

    /// Whether its address is a host and a port: a name, an IPv4 address, or an IPv6 address in brackets.
    pub(crate) fn has_address(&self) -> bool {
        let Some((host, port)) = self.address.rsplit_once(':') else { return false };
        let is_port = !port.starts_with('0')
            && port.bytes().all(|digit| digit.is_ascii_digit())
            && port.parse::<u16>().is_ok();
        let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(host) => {
                host.contains(':') && host.bytes().all(|c| c.is_ascii_hexdigit() || matches!(c, b':' | b'.'))
            }
            None => {
                !host.is_empty()
                    && host.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_'))
            }
        };
        self.address.len() <= MAX_ADDRESS_BYTES && is_port && is_host
    }
}

impl Node {
    /// Makes a node part of the network.
    pub(crate) fn join(id: u64, organisation: OrganisationId, new: &NewNode) -> Self {
        Self {
            id,
            organisation,
            address: new.address.clone(),
            certificate: new.certificate,
            submit_key: new.submit_key.id(),
            log_key: new.log_key,
            protocol: new.protocol,
            left: None,
        }
    }

    /// Whether it is part of the network.
    pub fn is_present(&self) -> bool {
        self.left.is_none()
    }
}
