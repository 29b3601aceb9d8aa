//! Nodes and those that want to be, as JSON.

use crate::node::{Application, Invitation};
use crate::store::{Scrub, StoreError};
use consensus::order::Status;
use consensus::{Node, Organisation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stix_model::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;

/// An invitation to be made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// For whom it is, in words of the operator.
    #[serde(default)]
    pub label: String,
    /// Hours until it ends, up to 30 days.
    #[serde(default = "two_days")]
    pub hours: u32,
}

fn two_days() -> u32 {
    48
}

/// An invitation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationResource {
    /// The line that the other operator gives to `taxii-server network join`. One server can use it.
    pub invitation: String,
    /// When it ends.
    #[schema(value_type = String)]
    pub expires: Timestamp,
}

/// The wish of a server to join.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJoin {
    /// The invitation.
    pub invitation: String,
    /// Name of the organisation of this server.
    pub organisation: String,
    /// Public key with which a person of it votes, in hexadecimal digits.
    pub vote_key: String,
    /// The API root for the collections of the network, which is made where it is missing.
    pub api_root: String,
}

/// What a server asked for that waits to join.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinResource {
    /// The network.
    pub network: String,
    /// Its name.
    pub name: String,
    /// Where it stands: `waiting`.
    pub state: String,
}

impl JoinResource {
    pub(in crate::routes::network) fn new(invitation: &Invitation) -> Self {
        let (network, name) = (invitation.network.to_string(), invitation.name.clone());
        Self { network, name, state: "waiting".to_owned() }
    }
}

/// A server that asks to join.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ApplicationResource {
    /// A name for it.
    pub id: String,
    /// The words of the invitation.
    pub label: String,
    /// The change of the network that admits it, for a vote.
    #[schema(value_type = Object)]
    pub action: Value,
}

impl ApplicationResource {
    pub(in crate::routes::network) fn new(application: Application) -> Result<Self, StoreError> {
        let Application { id, label, action } = application;
        let action = serde_json::to_value(&action).map_err(|_| StoreError::Corrupt("an application"))?;
        Ok(Self { id, label, action })
    }
}

/// A node of the network.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct NodeResource {
    /// Its number, which no other node ever has.
    pub id: u64,
    /// Its organisation.
    pub organisation: Uuid,
    /// Name of the organisation.
    pub name: String,
    /// Where other nodes reach it.
    pub address: String,
    /// SHA-256 of its certificate.
    pub certificate: String,
    /// The latest protocol that it speaks.
    pub protocol: u16,
    /// The entry by which it left.
    pub left: Option<u64>,
    /// What it does for the log: `voter`, `learner`, or `none` before it was added and after it was removed.
    pub role: String,
    /// Whether it leads, as far as this server knows.
    pub is_leader: bool,
    /// Whether it is the node of this server.
    pub is_own: bool,
    /// The last entry that it is known to have.
    pub last: Option<u64>,
}

impl NodeResource {
    pub(in crate::routes::network) fn new(
        node: &Node,
        organisation: Option<&Organisation>,
        own: Option<u64>,
        status: Option<&Status>,
    ) -> Self {
        let is_own = own == Some(node.id);
        let role = match status {
            Some(status) if status.voters.contains(&node.id) => "voter",
            Some(status) if status.nodes.contains_key(&node.id) => "learner",
            _ => "none",
        };
        let last = |status: &Status| match is_own {
            true => Some(status.last),
            false => status.matched.get(&node.id).copied(),
        };
        Self {
            id: node.id,
            organisation: node.organisation.0,
            name: organisation.map_or_else(String::new, |found| found.name.clone()),
            address: node.address.clone(),
            certificate: node.certificate.to_string(),
            protocol: node.protocol,
            left: node.left,
            role: role.to_owned(),
            is_leader: status.is_some_and(|status| status.leader == Some(node.id)),
            is_own,
            last: status.and_then(last),
        }
    }
}

/// What a look at everything that the network shows found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ScrubResource {
    /// Versions of objects that are visible.
    pub objects: u64,
    /// Decisions in the transparency log.
    pub decisions: u64,
    /// How many things are wrong.
    pub wrong: u64,
    /// The first of them, in words.
    pub problems: Vec<String>,
}

impl From<Scrub> for ScrubResource {
    fn from(scrub: Scrub) -> Self {
        let Scrub { objects, decisions, problems, count } = scrub;
        Self { objects, decisions, wrong: count, problems }
    }
}
