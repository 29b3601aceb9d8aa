//! Commands, and the entries of the log that hold them.

use crate::envelope::Envelope;
use crate::id::{Digest, NetworkId};
use crate::organisation::NewOrganisation;
use crate::policy::Policy;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The latest protocol that this version of the crate speaks. The ledger says which one the network speaks; a member stops
/// where that is a later one.
pub const PROTOCOL: u16 = 1;
/// Largest entry, in bytes.
pub const MAX_ENTRY_BYTES: usize = 4 << 20;
/// Largest note of a submission, in bytes.
pub const MAX_NOTE_BYTES: usize = 256 << 10;
/// Largest definition of a collection, in bytes.
pub const MAX_DEFINITION_BYTES: usize = 8 << 10;
/// Most collections of a network.
pub const MAX_COLLECTIONS: usize = 1000;

/// An entry of the log: a command, and the time that the node says which ordered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds since 1970.
    pub time: u64,
    /// The command.
    pub command: Command,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Founds the network. The first entry, and no other.
    Found {
        /// What the network is.
        founding: Founding,
        /// What its members share and show to no one else.
        secret: Secret,
    },
    /// Proposes objects.
    Submit {
        /// A [`Submit`](crate::statement::Submit).
        envelope: Envelope,
        /// The texts of the objects, as they were sent.
        objects: Vec<Bytes>,
        /// What the node that ordered it says of the request of its client, in words of its own.
        note: Bytes,
    },
    /// Proposes to take an object back: a [`Revoke`](crate::statement::Revoke).
    Revoke(Envelope),
    /// Proposes a change of the network: a [`Govern`](crate::statement::Govern).
    Govern(Envelope),
    /// Votes: a [`Vote`](crate::statement::Vote).
    Vote(Envelope),
    /// Takes a proposal back: a [`Withdraw`](crate::statement::Withdraw).
    Withdraw(Envelope),
    /// Lets time go on, so that proposals expire.
    Tick,
    /// Says what a node holds: an [`Attest`](crate::statement::Attest).
    Attest(Envelope),
}

/// The beginning of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founding {
    /// Its name, as `example.org/sharing`.
    pub name: String,
    /// The first members.
    pub organisations: Vec<NewOrganisation>,
    /// The first collections.
    pub collections: Vec<CollectionDefinition>,
    /// The first policy, in JSON.
    #[serde(with = "policy_json")]
    pub policy: Policy,
    /// Makes it differ from other networks of this name.
    pub nonce: [u8; 16],
}

impl Founding {
    /// The name that the network has in all statements.
    pub fn network(&self) -> NetworkId {
        let bytes = postcard::to_allocvec(self).expect("a founding can be encoded");
        NetworkId(Digest::of(&[b"concord/network/v1\0", &bytes]))
    }
}

/// A collection whose objects need approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionDefinition {
    /// Its identifier.
    pub collection: Uuid,
    /// What it is, in words that the caller of [`apply`](crate::apply()) understands.
    pub definition: String,
}

/// Random bytes that the members of a network share. They sign what one node gives to a client and another one takes back.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A policy inside of what is not JSON.
mod policy_json {
    use super::Policy;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

    pub(super) fn serialize<S: Serializer>(policy: &Policy, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::to_string(policy).map_err(ser::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Policy, D::Error> {
        serde_json::from_str(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Entry {
    /// The bytes of the entry: the protocol, then the entry (postcard).
    pub fn encode(&self) -> Bytes {
        // This version speaks one protocol, which is that of the network then. A version that speaks two must write the one that
        // the ledger names: an entry of another one is refused.
        let entry = postcard::to_allocvec(self).expect("entries can be encoded");
        [&PROTOCOL.to_be_bytes()[..], &entry].concat().into()
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// When it is of a protocol that this version does not speak, too large, or no entry.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let (protocol, entry) = Self::split(bytes)?;
        if !(1..=PROTOCOL).contains(&protocol) {
            return Err(EntryError::Protocol(protocol));
        }
        match postcard::take_from_bytes(entry) {
            Ok((entry, [])) => Ok(entry),
            _ => Err(EntryError::Malformed),
        }
    }

    /// The protocol in which an entry was written, and the rest of it.
    pub(crate) fn split(bytes: &[u8]) -> Result<(u16, &[u8]), EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLarge(bytes.len()));
        }
        let (protocol, entry) = bytes.split_first_chunk().ok_or(EntryError::Malformed)?;
        Ok((u16::from_be_bytes(*protocol), entry))
    }
}

/// Why bytes are no entry that this version can apply. A member that meets one stops, because it cannot know what the
/// others do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It is of another protocol.
    #[error(
        "the entry is of protocol {0}; this version speaks {PROTOCOL}: install the version that the network agreed on"
    )]
    Protocol(u16),
    /// It is too large.
    #[error("the entry has {0} bytes; {MAX_ENTRY_BYTES} are the most")]
    TooLarge(usize),
    /// It is no entry.
    #[error("these bytes are no entry")]
    Malformed,
}
