//! The directory: API roots, collections and accounts. It is small, changes rarely and is asked on every request,
//! so every process holds a copy in memory, which follows the revision of the directory.

mod command;
mod names;
mod rules;

use super::engine::KeyValue;
use super::keys::{self, DirectoryKey, Region, Space};
use super::network::Membership;
use super::{Conflicts, Profile, StoreError};
use crate::rights::{Grants, Principal, Resource, SharedPrincipal, Subject};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use stix_model::{SpecVersion, Tlp};
use uuid::Uuid;

pub use command::{
    AccountChange, ApiRootChange, CollectionChange, DirectoryCommand, DirectoryRefusal, NewAccount,
    NewCollection, NewToken,
};
pub(super) use rules::apply;

/// Everything that is administered at run time.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Rises with every change.
    pub revision: u64,
    /// API roots by name; the name is the first part of their path.
    pub api_roots: BTreeMap<String, ApiRoot>,
    /// Collections by id, in the order in which they are listed.
    pub collections: BTreeMap<Uuid, Arc<Collection>>,
    /// Accounts by name.
    pub accounts: BTreeMap<String, Arc<Account>>,
    /// The membership in a network, whose collections are among those above.
    pub(crate) membership: Option<Arc<Membership>>,
    /// The owner of each API token, by the public part of the token.
    token_owners: BTreeMap<String, Arc<Account>>,
    /// The principal of each account.
    principals: BTreeMap<Uuid, SharedPrincipal>,
}

/// An API root (TAXII 2.1, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiRoot {
    /// First part of its path.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Purpose.
    pub description: Option<String>,
    /// Whether discovery names it as the default one.
    #[serde(default)]
    pub is_default: bool,
}

/// A collection (TAXII 2.1, section 5.2), as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Identifier; a random UUID, or the one that it had on another server.
    pub id: Uuid,
    /// Revision of the directory in which it last changed.
    pub revision: u64,
    /// Name of its API root.
    pub api_root: String,
    /// Title for people; unique in its API root.
    pub title: String,
    /// Purpose.
    pub description: Option<String>,
    /// Name that may stand for `id` in URLs; unique in its API root.
    pub alias: Option<String>,
    /// The STIX versions that it takes.
    pub spec_versions: Vec<SpecVersion>,
    /// The rules that objects must satisfy to be added.
    pub profile: Profile,
    /// The level of objects that carry no TLP marking.
    pub unmarked: Tlp,
    /// What becomes of an object whose version is stored with other content.
    #[serde(default)]
    pub conflicts: Conflicts,
    /// How objects get into it.
    #[serde(default)]
    pub mode: CollectionMode,
    /// Region of the key space.
    pub(crate) region: Region,
    /// Number in its region, which no other collection ever has.
    pub(crate) number: u32,
}

/// How objects get into a collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CollectionMode {
    /// Accounts that may write add them.
    #[default]
    Open,
    /// The organisations of a network approve them.
    Approval,
    /// It shows those that await approval.
    Review,
}

impl Collection {
    /// The collection as something that rights are about.
    pub fn resource(&self) -> Resource {
        match self.mode {
            CollectionMode::Review => Resource::Review(self.id),
            CollectionMode::Open | CollectionMode::Approval => Resource::Collection(self.id),
        }
    }

    /// Media types of everything that it can hold.
    pub fn media_types(&self) -> Vec<String> {
        self.spec_versions.iter().rev().map(|spec| spec.media_type().to_owned()).collect()
    }

    /// Whether a record is about the same collection, and not about one that was made later with its identifier.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        // A network keeps the numbers of its collections in each generation of its region.
        let is_in_network = |found: &Self| matches!(found.region, Region::Network { .. });
        (self.id, self.number) == (other.id, other.number)
            && (self.region == other.region || is_in_network(self) && is_in_network(other))
    }

    pub(super) fn space(&self) -> Space {
        Space { region: self.region, number: self.number }
    }
}

/// An account with its credentials and grants, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Identifier, which is never given again.
    pub id: Uuid,
    /// Revision of the directory in which it last changed.
    pub revision: u64,
    /// The organisation that it belongs to.
    pub organisation: Uuid,
    /// Name for HTTP Basic.
    pub name: String,
    /// Password, as argon2id in the PHC string format.
    pub(crate) password: Option<String>,
    /// API tokens by their public part.
    pub(crate) tokens: BTreeMap<String, Token>,
    /// Whether it may administer the server, and read and write everything.
    pub is_administrator: bool,
    /// Rights by collection.
    pub grants: Grants,
}

/// An API token of an account. The secret has 256 random bits, so a plain hash of it is safe to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// SHA-256 of the whole token, in hexadecimal digits.
    pub sha256: String,
    /// When it was made, as a TAXII timestamp.
    pub created: String,
}

impl Account {
    fn principal(&self) -> Principal {
        Principal {
            subject: Subject::Account { id: self.id, revision: self.revision },
            organisation: self.organisation,
            is_administrator: self.is_administrator,
            grants: self.grants.clone(),
        }
    }
}

impl Directory {
    /// The collection of an API root with this id or alias.
    pub fn collection(&self, api_root: &str, name: &str) -> Option<&Arc<Collection>> {
        let by_id = || self.collections.get(&name.parse::<Uuid>().ok()?);
        let by_alias = || {
            self.collections.values().find(|collection| {
                let is_named = |alias: &str| names::is_same(alias, name);
                collection.api_root == api_root && collection.alias.as_deref().is_some_and(is_named)
            })
        };
        by_id().filter(|collection| collection.api_root == api_root).or_else(by_alias)
    }

    /// The API root that discovery names as the default one: the chosen one, else the first by name.
    pub fn default_api_root(&self) -> Option<&ApiRoot> {
        self.api_roots.values().find(|root| root.is_default).or_else(|| self.api_roots.values().next())
    }

    /// The account that owns the token with this public part.
    pub(crate) fn account_of_token(&self, public: &str) -> Option<(&Arc<Account>, &Token)> {
        let account = self.token_owners.get(public)?;
        Some((account, account.tokens.get(public)?))
    }

    /// The account with this identifier; `None` when it was removed.
    pub(crate) fn account(&self, id: Uuid) -> Option<&Arc<Account>> {
        self.accounts.values().find(|account| account.id == id)
    }

    /// An account as a principal, without its secrets; `None` when it was removed.
    pub(crate) fn principal(&self, account: Uuid) -> Option<&SharedPrincipal> {
        self.principals.get(&account)
    }

    /// Reads the records of a region.
    pub(super) fn read(region: Region, entries: Vec<KeyValue>) -> Result<Self, StoreError> {
        let mut directory = Self::default();
        for (key, value) in entries {
            match keys::parse_directory(&key, region).ok_or(StoreError::Corrupt("a key of the directory"))? {
                DirectoryKey::Revision => directory.revision = decode_revision(&value)?,
                DirectoryKey::Account => directory.insert_account(decode(&value)?),
                DirectoryKey::Collection => {
                    let collection: Collection = decode(&value)?;
                    directory.collections.insert(collection.id, Arc::new(collection));
                }
                DirectoryKey::ApiRoot => {
                    let root: ApiRoot = decode(&value)?;
                    directory.api_roots.insert(root.name.clone(), root);
                }
            }
        }
        Ok(directory)
    }

    fn insert_account(&mut self, account: Account) {
        let account = Arc::new(account);
        for public in account.tokens.keys() {
            self.token_owners.insert(public.clone(), Arc::clone(&account));
        }
        self.principals.insert(account.id, Arc::new(account.principal()));
        self.accounts.insert(account.name.clone(), account);
    }
}

pub(super) fn encode_revision(revision: u64) -> Bytes {
    Bytes::copy_from_slice(&revision.to_be_bytes())
}

pub(super) fn decode_revision(bytes: &[u8]) -> Result<u64, StoreError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| StoreError::Corrupt("the revision of the directory"))
}

/// Reads a record of the directory.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|_| StoreError::Corrupt("a record of the directory"))
}

pub(super) fn encode<T: Serialize>(record: &T) -> Result<Bytes, StoreError> {
    let json = serde_json::to_vec(record).map_err(|_| StoreError::Corrupt("a record of the directory"))?;
    Ok(json.into())
}

/// Reads the record of a collection in a region. Members of a network hold the same record, in whatever generation of the
/// region it is.
pub(super) fn decode_collection(record: &[u8], region: Region) -> Result<Collection, StoreError> {
    Ok(Collection { region, ..decode(record)? })
}
