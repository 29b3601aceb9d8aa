//! What organisations sign. Each statement has one canonical form (RFC 8785), and is read in no other.

use crate::governance::Action;
use crate::id::{Digest, NetworkId, OrganisationId, ProposalId, hex};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Something to sign.
pub trait Statement: Serialize + DeserializeOwned {
    /// The type of the payload in an envelope.
    const PAYLOAD_TYPE: &'static str;

    /// The network for which it is said, and who says it.
    fn author(&self) -> (NetworkId, OrganisationId);

    /// The canonical form.
    fn encode(&self) -> Bytes {
        serde_json_canonicalizer::to_vec(self)
            .expect("statements hold nothing but strings and small numbers")
            .into()
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// When the bytes are no such statement, or another form of one.
    fn decode(payload: &[u8]) -> Result<Self, StatementError> {
        let statement: Self = serde_json::from_slice(payload)?;
        // Another form could be read in another way by another program.
        match statement.encode() == payload {
            true => Ok(statement),
            false => Err(StatementError::NotCanonical),
        }
    }
}

macro_rules! statements {
    ($($name:ident = $payload_type:literal)+) => {$(
        impl Statement for $name {
            const PAYLOAD_TYPE: &'static str = concat!("application/vnd.concord.", $payload_type, ".v1+json");

            fn author(&self) -> (NetworkId, OrganisationId) {
                (self.network, self.organisation)
            }
        }
    )+};
}

statements! {
    Submit = "submit"
    Revoke = "revoke"
    Govern = "govern"
    Vote = "vote"
    Withdraw = "withdraw"
    Attest = "attest"
}

/// Number that makes a statement differ from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(#[serde(with = "hex")] pub [u8; 16]);

/// New objects, proposed by an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// The network.
    pub network: NetworkId,
    /// The organisation that submits.
    pub organisation: OrganisationId,
    /// The collection.
    pub collection: Uuid,
    /// The objects.
    pub items: Vec<Item>,
    /// Makes it differ from an equal submission.
    pub nonce: Nonce,
    /// Asks that the objects are visible before they are ratified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emergency: bool,
    /// Seconds until it expires, where they are fewer than those of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<u32>,
    /// Microseconds since 1970 at which it was signed, as the author says.
    pub claimed_at: u64,
}

/// One object of a submission, as consensus sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its identifier.
    pub id: String,
    /// Its version, as text of which later ones are greater. Objects without versions have an empty one, and each content of
    /// theirs is a version of its own.
    pub version: String,
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Its marking level, from 0 for what all may see, to 4 for what no member may hold.
    pub level: u8,
    /// The digest of its canonical form.
    pub digest: Digest,
}

/// Takes back an object that is visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The network.
    pub network: NetworkId,
    /// The organisation that asks for it.
    pub organisation: OrganisationId,
    /// The collection.
    pub collection: Uuid,
    /// The object.
    pub id: String,
    /// Its version, as in [`Item`].
    pub version: String,
    /// The digest of the version.
    pub digest: Digest,
    /// Why.
    pub reason: String,
    /// Makes it differ from an equal one.
    pub nonce: Nonce,
    /// Microseconds since 1970 at which it was signed, as the author says.
    pub claimed_at: u64,
}

/// Changes the network itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Govern {
    /// The network.
    pub network: NetworkId,
    /// The organisation that proposes it.
    pub organisation: OrganisationId,
    /// The change.
    pub action: Action,
    /// Makes it differ from an equal one.
    pub nonce: Nonce,
    /// Seconds until it expires, where they are fewer than those of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_seconds: Option<u32>,
    /// Microseconds since 1970 at which it was signed, as the author says.
    pub claimed_at: u64,
}

/// The vote of an organisation on a proposal of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// The network.
    pub network: NetworkId,
    /// The organisation that votes.
    pub organisation: OrganisationId,
    /// The proposal.
    pub proposal: ProposalId,
    /// The items that it is about, in ascending order; all of them, where there is no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<u32>>,
    /// What it says of them.
    pub decision: Decision,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Counts the votes of the organisation on this proposal, from 0. A later one takes the place of the earlier one.
    pub sequence: u32,
    /// Microseconds since 1970 at which it was signed, as the author says.
    pub claimed_at: u64,
}

/// What a vote says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The organisation agrees.
    Approve,
    /// It does not.
    Reject,
    /// It says neither.
    Abstain,
    /// It forbids it, where the policy lets it.
    Veto,
}

/// Takes a proposal back while it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// The network.
    pub network: NetworkId,
    /// The organisation that proposed it.
    pub organisation: OrganisationId,
    /// The proposal.
    pub proposal: ProposalId,
}

/// What a node says of its log at an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attest {
    /// The network.
    pub network: NetworkId,
    /// The organisation of the node.
    pub organisation: OrganisationId,
    /// The number of the node.
    pub node: u64,
    /// The last entry that it applied.
    pub index: u64,
    /// Chain over all entries up to it.
    pub entries: Digest,
    /// Chain over the writes of these entries.
    pub effects: Digest,
    /// Everything that the state holds then.
    pub state: Digest,
    /// Number of leaves in the transparency log then.
    pub tree_size: u64,
    /// Root of its tree.
    pub tree_root: Digest,
    /// The latest protocol that the node speaks.
    pub protocol: u16,
    /// Microseconds since 1970 at which it was signed, as the node says.
    pub claimed_at: u64,
}

/// Why a payload is no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// It is of another type.
    #[error("the statement is a {found}; expected is {expected}")]
    Type {
        /// Its type.
        found: String,
        /// The type that was asked for.
        expected: &'static str,
    },
    /// It has other members.
    #[error("the statement cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It is not in canonical form.
    #[error("the statement is not in canonical form (RFC 8785)")]
    NotCanonical,
}
