//! What the network is and decides, as JSON.

mod node;

pub use node::{
    ApplicationResource, InvitationResource, JoinResource, NewInvitation, NewJoin, NodeResource,
    ScrubResource,
};

use crate::clock::timestamp;
use crate::store::{Definition, OrderRefused, StoreError};
use consensus::statement::{Item, Revoke, Submit, Vote};
use consensus::{
    CastVote, Digest, Filed, ItemState, Kind, Ledger, NewOrganisation, Organisation, OrganisationKey, Phase,
    Policy, ProposalId, Reason, Role,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use stix_model::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;

/// A network to be founded.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNetwork {
    /// Its name, as `example.org/sharing`.
    pub name: String,
    /// The API root for its collections, which is made where it is missing.
    pub api_root: String,
    /// Name of the organisation of this server.
    pub organisation: String,
    /// Public key with which a person of it votes, in hexadecimal digits.
    pub vote_key: String,
    /// Its first collections.
    #[serde(default)]
    pub collections: Vec<Definition>,
    /// Other organisations that vote here, with their keys.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub members: Vec<NewOrganisation>,
    /// The first policy; the standard one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub policy: Option<Policy>,
}

/// What the log of the network came to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StateResource {
    /// The network: the digest of its founding.
    pub network: String,
    /// The organisation of this server.
    pub organisation: Uuid,
    /// How the node of this server stands, in words.
    pub node: String,
    /// The last entry that was applied here.
    pub index: u64,
    /// Its time.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// Version of the protocol.
    pub protocol: u16,
    /// Version of the policy for new proposals.
    pub policy: u32,
    /// Number of decisions in the transparency log.
    pub tree_size: u64,
    /// Root of its tree (RFC 6962), in hexadecimal digits.
    pub tree_root: String,
    /// Digest over all entries.
    pub entries: String,
    /// Digest over what they wrote.
    pub effects: String,
    /// Digest of everything that the network holds here.
    pub state: String,
    /// Proposals that are open.
    pub open_proposals: u64,
    /// The collections.
    pub collections: Vec<NetworkCollection>,
}

/// A collection of the network.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NetworkCollection {
    /// Its identifier.
    pub id: Uuid,
    /// The collection that shows what awaits approval.
    pub review: Uuid,
    /// What it is.
    pub definition: Definition,
}

/// A member, or one that left.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OrganisationResource {
    /// Its identifier.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The entry that made it a member.
    pub joined: u64,
    /// The entry that ended that.
    pub left: Option<u64>,
    /// Its open proposals.
    pub open_proposals: u32,
    /// All keys that it ever had.
    pub keys: Vec<KeyResource>,
}

/// A key of an organisation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KeyResource {
    /// Name of the key.
    pub id: String,
    /// The key, in hexadecimal digits.
    pub public: String,
    /// What it signs: `submit`, `vote` or `log`.
    pub role: String,
    /// The first entry in which its signature counts.
    pub since: u64,
    /// The first entry in which it does not count any more.
    pub until: Option<u64>,
}

/// A proposal.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProposalResource {
    /// Its name: the digest of what its proposer signed.
    pub id: String,
    /// What it does: `submit`, `revoke` or `govern`.
    pub kind: String,
    /// The proposer.
    pub organisation: Uuid,
    /// The collection.
    pub collection: Option<Uuid>,
    /// The entry that made it.
    pub index: u64,
    /// The time of that entry.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// The policy by which it is decided.
    pub policy: u32,
    /// Whether votes are awaited.
    pub is_open: bool,
    /// What it is about.
    pub items: Vec<ItemResource>,
    /// The change of the network that it makes.
    #[schema(value_type = Option<Object>)]
    pub action: Option<Value>,
    /// Why an object is to be taken back.
    pub reason: Option<String>,
    /// The votes that count.
    pub votes: Vec<VoteResource>,
    /// What the proposer signed (DSSE).
    #[schema(value_type = Object)]
    pub envelope: Box<RawValue>,
}

/// One thing that a proposal is about.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ItemResource {
    /// Its number in the proposal.
    pub item: u32,
    /// Where it stands: `open`, `provisional`, `approved`, `suspended`, `revoked`, `rolled_back`, `rejected`, `expired`,
    /// `withdrawn` or `superseded`.
    pub phase: String,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When it expires or is rolled back.
    #[schema(value_type = Option<String>)]
    pub deadline: Option<Timestamp>,
    /// The identifier of the object.
    pub id: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Digest of its canonical form (RFC 8785).
    pub digest: Option<String>,
    /// Its marking, as the number of the level of TLP, from 0 for clear.
    pub level: Option<u8>,
    /// The object, while it awaits votes; in a list of proposals it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub object: Option<Box<RawValue>>,
}

/// A vote that counts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VoteResource {
    /// Who voted.
    pub organisation: Uuid,
    /// Name of the key.
    pub key: String,
    /// In which entry.
    pub index: u64,
    /// What it says: `approve`, `reject`, `abstain` or `veto`.
    pub decision: String,
    /// Of which items; of all, where there is no list.
    pub items: Option<Vec<u32>>,
    /// Its number among the votes of the organisation on this proposal.
    pub sequence: u32,
    /// Why.
    pub reason: String,
    /// What was signed (DSSE).
    #[schema(value_type = Object)]
    pub envelope: Box<RawValue>,
}

/// What a statement did.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OrderedResource {
    /// The entry of the log that it is in.
    pub index: u64,
    /// The proposal that it is or is about.
    pub proposal: String,
}

/// The word for a value that is written as one.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        // A variant with something in it.
        Ok(Value::Object(object)) => object.into_iter().next().map_or(String::new(), |(word, _)| word),
        _ => String::new(),
    }
}

pub(super) fn raw(json: String) -> Result<Box<RawValue>, StoreError> {
    RawValue::from_string(json).map_err(|_| StoreError::Corrupt("a statement"))
}

fn instant(micros: u64) -> Timestamp {
    timestamp(i64::try_from(micros).unwrap_or(i64::MAX))
}

impl StateResource {
    pub(super) fn new(
        ledger: &Ledger,
        state: Digest,
        organisation: Uuid,
        node: String,
        open_proposals: u64,
        collections: Vec<NetworkCollection>,
    ) -> Self {
        Self {
            network: ledger.network.to_string(),
            organisation,
            node,
            index: ledger.index,
            time: instant(ledger.time),
            protocol: ledger.protocol,
            policy: ledger.policy,
            tree_size: ledger.tree.size(),
            tree_root: ledger.tree.head().root.to_string(),
            entries: ledger.entries.to_string(),
            effects: ledger.effects.to_string(),
            state: state.to_string(),
            open_proposals,
            collections,
        }
    }
}

impl From<&Organisation> for OrganisationResource {
    fn from(organisation: &Organisation) -> Self {
        let key = |key: &OrganisationKey| KeyResource {
            id: key.public.id().to_string(),
            public: word(&key.public),
            role: word(&key.role),
            since: key.since,
            until: key.until,
        };
        Self {
            id: organisation.id.0,
            name: organisation.name.clone(),
            joined: organisation.joined,
            left: organisation.left,
            open_proposals: organisation.open,
            keys: organisation.keys.iter().map(key).collect(),
        }
    }
}

impl ProposalResource {
    /// A proposal without its objects and votes.
    pub(super) fn new(filed: &Filed) -> Result<Self, StoreError> {
        let Filed { id, proposal, envelope } = filed;
        let payload: Value =
            serde_json::from_slice(&envelope.payload).map_err(|_| StoreError::Corrupt("a statement"))?;
        let items = items(filed)?;
        let states = (0_u32..).zip(&proposal.items);
        let items =
            states.map(|(number, state)| ItemResource::new(number, state, items.get(number as usize)));
        Ok(Self {
            id: id.to_string(),
            kind: match proposal.kind {
                Kind::Submit => "submit",
                Kind::Revoke => "revoke",
                Kind::Govern => "govern",
            }
            .to_owned(),
            organisation: proposal.submitter.0,
            collection: payload["collection"].as_str().and_then(|id| id.parse().ok()),
            index: proposal.index,
            time: instant(proposal.time),
            policy: proposal.policy,
            is_open: proposal.is_open(),
            items: items.collect(),
            action: payload.get("action").cloned(),
            reason: payload["reason"].as_str().map(str::to_owned),
            votes: Vec::new(),
            envelope: raw(envelope.to_json())?,
        })
    }
}

/// The objects that a proposal is about.
fn items(Filed { proposal, envelope, .. }: &Filed) -> Result<Vec<Item>, StoreError> {
    let corrupt = |_| StoreError::Corrupt("a statement");
    match proposal.kind {
        Kind::Submit => {
            let submit: Submit = serde_json::from_slice(&envelope.payload).map_err(corrupt)?;
            Ok(submit.items)
        }
        Kind::Revoke => {
            let revoke: Revoke = serde_json::from_slice(&envelope.payload).map_err(corrupt)?;
            let Revoke { id, version, digest, .. } = revoke;
            let object_type = id.split("--").next().unwrap_or_default().to_owned();
            Ok(vec![Item { id, version, object_type, level: 0, digest }])
        }
        Kind::Govern => Ok(Vec::new()),
    }
}

impl ItemResource {
    fn new(number: u32, state: &ItemState, item: Option<&Item>) -> Self {
        let reason = match state.phase {
            Phase::Rejected(Reason::Vetoed(organisation)) => Some(format!("vetoed by {organisation}")),
            Phase::Rejected(reason) => Some(word(&reason)),
            _ => None,
        };
        Self {
            item: number,
            phase: word(&state.phase),
            reason,
            deadline: state.phase.is_open().then(|| instant(state.deadline)),
            id: item.map(|item| item.id.clone()),
            version: item.map(|item| item.version.clone()).filter(|version| !version.is_empty()),
            digest: item.map(|item| item.digest.to_string()),
            level: item.map(|item| item.level),
            object: None,
        }
    }
}

impl VoteResource {
    pub(super) fn new(cast: &CastVote, envelope: &consensus::Envelope) -> Result<Self, StoreError> {
        let vote: Vote =
            serde_json::from_slice(&envelope.payload).map_err(|_| StoreError::Corrupt("a vote"))?;
        Ok(Self {
            organisation: cast.organisation.0,
            key: cast.key.to_string(),
            index: cast.index,
            decision: word(&cast.decision),
            items: cast.items.clone(),
            sequence: cast.sequence,
            reason: vote.reason,
            envelope: raw(envelope.to_json())?,
        })
    }
}

impl OrderedResource {
    pub(super) fn new(index: u64, proposal: ProposalId) -> Self {
        Self { index, proposal: proposal.to_string() }
    }
}

/// The key of a person as it is written on the command line.
pub(super) fn vote_key(text: &str) -> Result<consensus::NewKey, StoreError> {
    let public = serde_json::from_value(Value::String(text.to_owned()));
    let refused = |_| {
        let message = "vote_key: give the public key that `taxii key new` printed".to_owned();
        StoreError::Refused(OrderRefused { kind: consensus::RefusalKind::Invalid, message })
    };
    Ok(consensus::NewKey { public: public.map_err(refused)?, role: Role::Vote })
}
