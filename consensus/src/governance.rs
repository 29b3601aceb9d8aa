//! Changes of the network itself, which are proposals as all others.

use crate::command::CollectionDefinition;
use crate::id::{KeyId, OrganisationId};
use crate::node::NewNode;
use crate::organisation::{NewKey, NewOrganisation};
use crate::policy::Policy;
use serde::{Deserialize, Serialize};

/// A change of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// An organisation becomes a member.
    AddOrganisation {
        /// The organisation.
        new: NewOrganisation,
    },
    /// A member leaves. Its votes count no longer; what was approved stays.
    RemoveOrganisation {
        /// The organisation.
        organisation: OrganisationId,
    },
    /// A member gets another key.
    AddKey {
        /// The organisation.
        organisation: OrganisationId,
        /// The key.
        key: NewKey,
    },
    /// A key takes the place of another one, from now on. The log key of a node is replaced with its node only.
    RotateKey {
        /// The organisation.
        organisation: OrganisationId,
        /// The key that goes.
        old: KeyId,
        /// The key that comes, with the same role.
        new: NewKey,
    },
    /// A key is taken back, because it fell into wrong hands: what it signed counts only before an entry.
    RevokeKey {
        /// The organisation.
        organisation: OrganisationId,
        /// The key.
        key: KeyId,
        /// The first entry in which it does not count.
        since: u64,
    },
    /// A new collection, or another definition of one.
    SetCollection {
        /// The collection.
        new: CollectionDefinition,
    },
    /// Another policy, for proposals from now on.
    SetPolicy {
        /// The policy.
        policy: Policy,
    },
    /// A member gets a node, which takes the place of the one that it has.
    AddNode {
        /// The organisation.
        organisation: OrganisationId,
        /// The node.
        node: NewNode,
    },
    /// A node leaves, and its keys sign no longer. Its organisation stays a member.
    RemoveNode {
        /// The number of the node.
        node: u64,
    },
    /// The next protocol, which all nodes speak. Members with older software stop at the next entry.
    SetProtocol {
        /// The protocol.
        protocol: u16,
    },
}

impl Action {
    /// The organisation against which it is directed, which has no vote on it.
    pub fn target(&self) -> Option<OrganisationId> {
        match self {
            Self::RemoveOrganisation { organisation } | Self::RevokeKey { organisation, .. } => {
                Some(*organisation)
            }
            _ => None,
        }
    }
}
