//! What a server says of its network, as JSON. What was signed is in the envelopes; the rest is its word.

use super::{Action, Decision, Digest, KeyId, NetworkId, OrganisationId, ProposalId, PublicKey, Role};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stix_model::Timestamp;
use uuid::Uuid;

/// What the network is, and what its log came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct State {
    /// The network: the digest of its founding.
    pub network: NetworkId,
    /// The organisation of the server.
    pub organisation: OrganisationId,
    /// The last entry that the server applied.
    pub index: u64,
    /// Version of the policy for new proposals.
    pub policy: u32,
    /// The collections.
    #[serde(default)]
    pub collections: Vec<Collection>,
}

/// A collection of the network.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Collection {
    /// Its identifier.
    pub id: Uuid,
    /// The collection that shows what awaits approval.
    pub review: Uuid,
    /// What it is: `title`, `alias` and more.
    pub definition: serde_json::Value,
}

impl Collection {
    /// Its title.
    pub fn title(&self) -> &str {
        self.definition["title"].as_str().unwrap_or_default()
    }
}

/// A server that asks to join.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Application {
    /// A name for it.
    pub id: String,
    /// The words of the invitation.
    pub label: String,
    /// The change of the network that admits it.
    pub action: Action,
}

/// A member, or one that left.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Organisation {
    /// Its identifier.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// The entry that ended its membership.
    #[serde(default)]
    pub left: Option<u64>,
    /// All keys that it ever had.
    pub keys: Vec<Key>,
}

/// A key of an organisation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Key {
    /// The key.
    pub public: PublicKey,
    /// What it signs.
    pub role: Role,
    /// The first entry in which its signature counts.
    pub since: u64,
    /// The first entry in which it does not count any more.
    #[serde(default)]
    pub until: Option<u64>,
}

impl Organisation {
    /// Whether it is a member.
    pub fn is_member(&self) -> bool {
        self.left.is_none()
    }

    /// The key with a name, whether it still counts or not.
    pub fn key(&self, id: KeyId) -> Option<&Key> {
        self.keys.iter().find(|key| key.public.id() == id)
    }
}

/// Why a key cannot vote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoterError {
    /// No organisation has it.
    #[error(
        "no organisation of this network has the key {0}; a member proposes it with `taxii governance propose --add-key`"
    )]
    Unknown(KeyId),
    /// It was taken back.
    #[error("the key of {organisation} was taken back by entry {until}")]
    Retired {
        /// Its organisation.
        organisation: String,
        /// The entry.
        until: u64,
    },
    /// It signs what a server says.
    #[error("the key of {0} signs what its server says, and has no vote")]
    Submits(String),
    /// Its organisation left.
    #[error("{0} is a member no longer")]
    Left(String),
}

/// The organisation that votes with a key.
///
/// # Errors
/// When there is none, or the key has no vote.
pub fn voter<'o>(organisations: &'o [Organisation], key: &PublicKey) -> Result<&'o Organisation, VoterError> {
    let found = organisations.iter().find_map(|organisation| {
        Some((organisation, organisation.keys.iter().find(|own| own.public == *key)?))
    });
    let (organisation, key) = found.ok_or_else(|| VoterError::Unknown(key.id()))?;
    let name = || organisation.name.clone();
    match key {
        _ if !organisation.is_member() => Err(VoterError::Left(name())),
        Key { until: Some(until), .. } => Err(VoterError::Retired { organisation: name(), until: *until }),
        Key { role: Role::Submit | Role::Log, .. } => Err(VoterError::Submits(name())),
        _ => Ok(organisation),
    }
}

/// A proposal in a list, without its objects and votes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Listed {
    /// Its name: the digest of what its proposer signed.
    pub id: ProposalId,
    /// What it does: `submit`, `revoke` or `govern`.
    pub kind: String,
    /// The proposer.
    pub organisation: OrganisationId,
    /// The collection.
    #[serde(default)]
    pub collection: Option<Uuid>,
    /// The entry that made it.
    pub index: u64,
    /// Whether votes are awaited.
    pub is_open: bool,
}

/// A proposal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Proposal {
    /// Its name: the digest of what its proposer signed.
    pub id: ProposalId,
    /// What it does: `submit`, `revoke` or `govern`.
    pub kind: String,
    /// The proposer.
    pub organisation: OrganisationId,
    /// The collection.
    #[serde(default)]
    pub collection: Option<Uuid>,
    /// The entry that made it.
    pub index: u64,
    /// The time of that entry.
    pub time: Timestamp,
    /// The policy by which it is decided.
    pub policy: u32,
    /// Whether votes are awaited.
    pub is_open: bool,
    /// What it is about.
    #[serde(default)]
    pub items: Vec<ProposalItem>,
    /// The votes that count.
    #[serde(default)]
    pub votes: Vec<CastVote>,
    /// What the proposer signed (DSSE).
    pub envelope: Box<RawValue>,
}

/// One thing that a proposal is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProposalItem {
    /// Its number in the proposal.
    pub item: u32,
    /// Where it stands: `open`, `provisional`, `approved`, `suspended`, `revoked`, `rolled_back`, `rejected`, `expired`,
    /// `withdrawn` or `superseded`.
    pub phase: String,
    /// Why it was rejected.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it expires or is rolled back.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
    /// The identifier of the object.
    #[serde(default)]
    pub id: Option<String>,
    /// The digest of its canonical form (RFC 8785).
    #[serde(default)]
    pub digest: Option<Digest>,
    /// The object, while it awaits votes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Box<RawValue>>,
}

impl ProposalItem {
    /// Whether votes on it count.
    pub fn is_open(&self) -> bool {
        matches!(self.phase.as_str(), "open" | "provisional" | "suspended")
    }
}

/// A vote that counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CastVote {
    /// Who voted.
    pub organisation: OrganisationId,
    /// What it says.
    pub decision: Decision,
    /// Of which items; of all, where there is no list.
    #[serde(default)]
    pub items: Option<Vec<u32>>,
    /// Its number among the votes of the organisation on this proposal.
    pub sequence: u32,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// What was signed (DSSE).
    pub envelope: Box<RawValue>,
}

impl CastVote {
    /// Whether it is about an item.
    pub fn is_about(&self, item: u32) -> bool {
        self.items.as_ref().is_none_or(|items| items.contains(&item))
    }
}

/// What a statement did.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ordered {
    /// The entry of the log that it is in.
    pub index: u64,
    /// The proposal that it is or is about.
    pub proposal: ProposalId,
}
