//! Member organisations, and their keys, which are valid by position in the log.

use crate::id::{KeyId, OrganisationId};
use crate::key::PublicKey;
use crate::node::NewNode;
use serde::{Deserialize, Serialize};

/// Most keys that an organisation may have had.
pub const MAX_KEYS: usize = 64;
/// Longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 200;

/// An organisation that is or was a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its identifier.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// The entry that made it a member.
    pub joined: u64,
    /// The entry that ended that.
    pub left: Option<u64>,
    /// All keys that it ever had.
    pub keys: Vec<Key>,
    /// Its proposals that are open.
    pub open: u32,
}

/// A key of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The key.
    pub public: PublicKey,
    /// What it signs.
    pub role: Role,
    /// The first entry in which its signature counts.
    pub since: u64,
    /// The first entry in which it does not count any more.
    pub until: Option<u64>,
}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Submissions and their withdrawal: the key of a node.
    Submit,
    /// Votes, revocations and governance: the key of a person.
    Vote,
    /// What a node says of its log: attestations and cosignatures of checkpoints.
    Log,
}

/// An organisation that becomes a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrganisation {
    /// Its identifier.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// Its first keys, without those of its node.
    pub keys: Vec<NewKey>,
    /// Its node, where it has one.
    #[serde(default)]
    pub node: Option<NewNode>,
}

/// A key that an organisation gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The key.
    pub public: PublicKey,
    /// What it signs.
    pub role: Role,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// The organisation never had the key, or it was added later.
    #[error("key {0} is none of this organisation")]
    Unknown(KeyId),
    /// The key was taken back.
    #[error("key {key} was taken back by entry {until}")]
    Retired {
        /// The key.
        key: KeyId,
        /// The entry.
        until: u64,
    },
    /// The key signs other things.
    #[error("key {key} signs as `{role:?}`, which this statement is not")]
    Role {
        /// The key.
        key: KeyId,
        /// Its role.
        role: Role,
    },
}

impl NewOrganisation {
    /// Its first keys, and those of its node.
    pub fn all_keys(&self) -> impl Iterator<Item = NewKey> {
        self.keys.iter().copied().chain(self.node.iter().flat_map(NewNode::keys))
    }
}

impl Organisation {
    /// Makes an organisation a member by an entry.
    pub fn join(new: &NewOrganisation, index: u64) -> Self {
        let keys = new.all_keys().map(|key| Key::of(&key, index)).collect();
        Self { id: new.id, name: new.name.clone(), joined: index, left: None, keys, open: 0 }
    }

    /// Whether it is a member.
    pub fn is_member(&self) -> bool {
        self.left.is_none()
    }

    /// The key with a name that may sign in an entry for one of some roles.
    ///
    /// # Errors
    /// When there is none, or its time is over, or it has another role.
    pub fn key_at(&self, id: KeyId, roles: &[Role], index: u64) -> Result<&Key, KeyRefusal> {
        let found = self.keys.iter().find(|key| key.public.id() == id && key.since <= index);
        let key = found.ok_or(KeyRefusal::Unknown(id))?;
        match key.until {
            Some(until) if until <= index => Err(KeyRefusal::Retired { key: id, until }),
            _ if !roles.contains(&key.role) => Err(KeyRefusal::Role { key: id, role: key.role }),
            _ => Ok(key),
        }
    }
}

impl Key {
    /// A key that counts from an entry on.
    pub fn of(new: &NewKey, since: u64) -> Self {
        Self { public: new.public, role: new.role, since, until: None }
    }
}
