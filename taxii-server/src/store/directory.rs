//! The directory: API roots, collections and accounts. It is small, changes rarely and is asked on every request,
//! so every process holds a copy in memory.

use super::engine::{Key, Scan, Snapshot};
use super::keys::{self, CollectionNumber};
use super::{Profile, StoreError};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use stix_model::SpecVersion;
use uuid::Uuid;

/// Everything that is administered at run time.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub(crate) revision: u64,
    /// API roots by name; the name is the first part of their path.
    pub api_roots: BTreeMap<String, ApiRoot>,
    /// Collections by id, in the order in which they are listed.
    pub collections: BTreeMap<Uuid, Arc<Collection>>,
    /// Accounts by name.
    pub accounts: BTreeMap<String, Arc<Account>>,
    /// The owner of each API token, by the public part of the token.
    token_owners: BTreeMap<String, Arc<Account>>,
}

/// An API root (TAXII 2.1, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiRoot {
    /// First part of its path.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A collection (TAXII 2.1, section 5.2), as the server keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// UUID of version 4.
    pub id: Uuid,
    /// Name of its API root.
    pub api_root: String,
    /// What people call it; unique in its API root.
    pub title: String,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Stands in for `id` in URLs; unique in its API root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The STIX versions that it takes.
    pub spec_versions: Vec<SpecVersion>,
    /// What objects must satisfy to be added.
    #[serde(default)]
    pub profile: Profile,
    /// Its number inside the store.
    pub(crate) number: u32,
}

impl Collection {
    /// Media types of everything that it can hold.
    pub fn media_types(&self) -> Vec<String> {
        self.spec_versions.iter().rev().map(|spec| spec.media_type().to_owned()).collect()
    }
}

/// Somebody who may call, and what is granted to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who it is.
    pub name: String,
    /// Password, as argon2id in the PHC string format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<String>,
    /// API tokens by their public part.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tokens: BTreeMap<String, Token>,
    /// May administer the server; reads and writes everything.
    pub is_administrator: bool,
    /// Rights by collection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<GrantScope, Access>,
}

/// An API token of an account. The secret has 256 random bits, so a plain hash of it is safe to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// SHA-256 of the whole token, in hexadecimal digits.
    pub(crate) sha256: String,
    /// When it was made, as a TAXII timestamp.
    pub(crate) created: String,
}

/// What a grant is about: one collection, or all of them (`*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GrantScope {
    /// Every collection, also those that are made later.
    All,
    /// One collection.
    Collection(Uuid),
}

impl std::str::FromStr for GrantScope {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        if text == "*" { Ok(Self::All) } else { text.parse().map(Self::Collection) }
    }
}

impl TryFrom<String> for GrantScope {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, uuid::Error> {
        text.parse()
    }
}

impl From<GrantScope> for String {
    fn from(scope: GrantScope) -> String {
        match scope {
            GrantScope::All => "*".to_owned(),
            GrantScope::Collection(id) => id.to_string(),
        }
    }
}

/// What may be done with a collection. A collection without a grant does not exist for an account; one with a grant
/// of neither right is listed, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Get objects.
    pub can_read: bool,
    /// Add objects.
    pub can_write: bool,
}

impl Account {
    /// The owner of the data folder, who needs no account.
    pub(crate) fn local_operator() -> Self {
        Self {
            name: "local operator".to_owned(),
            password: None,
            tokens: BTreeMap::new(),
            is_administrator: true,
            grants: BTreeMap::new(),
        }
    }

    /// What this account may do with a collection; `None` when the collection does not exist for it.
    pub fn access(&self, collection: Uuid) -> Option<Access> {
        if self.is_administrator {
            return Some(Access { can_read: true, can_write: true });
        }
        let [all, one] =
            [GrantScope::All, GrantScope::Collection(collection)].map(|scope| self.grants.get(&scope));
        let granted = |right: fn(&Access) -> bool| all.is_some_and(right) || one.is_some_and(right);
        all.or(one)?;
        Some(Access {
            can_read: granted(|access| access.can_read),
            can_write: granted(|access| access.can_write),
        })
    }
}

impl Directory {
    /// The collection of an API root with this id or alias.
    pub fn collection(&self, api_root: &str, name: &str) -> Option<&Arc<Collection>> {
        let by_id = || self.collections.get(&name.parse::<Uuid>().ok()?);
        let by_alias = || {
            self.collections.values().find(|collection| {
                collection.api_root == api_root && collection.alias.as_deref() == Some(name)
            })
        };
        by_id().filter(|collection| collection.api_root == api_root).or_else(by_alias)
    }

    /// The account that owns the token with this public part.
    pub(crate) fn account_of_token(&self, public: &str) -> Option<(&Arc<Account>, &Token)> {
        let account = self.token_owners.get(public)?;
        Some((account, account.tokens.get(public)?))
    }

    pub(super) async fn load(snapshot: &dyn Snapshot) -> Result<Self, StoreError> {
        let mut directory = Self::default();
        for (key, value) in snapshot.scan(Scan::forward(keys::directory(), usize::MAX)).await? {
            match key.get(1) {
                None => directory.revision = revision(&value)?,
                Some(b'a') => {
                    let account: Arc<Account> = Arc::new(json(&value)?);
                    for public in account.tokens.keys() {
                        directory.token_owners.insert(public.clone(), Arc::clone(&account));
                    }
                    directory.accounts.insert(account.name.clone(), account);
                }
                Some(b'c') => {
                    let collection: Collection = json(&value)?;
                    directory.collections.insert(collection.id, Arc::new(collection));
                }
                Some(b'r') => {
                    let root: ApiRoot = json(&value)?;
                    directory.api_roots.insert(root.name.clone(), root);
                }
                Some(_) => return Err(StoreError::Corrupt("a key of the directory")),
            }
        }
        Ok(directory)
    }

    pub(super) fn revision_value(&self) -> Option<Bytes> {
        (self.revision > 0).then(|| Bytes::copy_from_slice(&self.revision.to_be_bytes()))
    }

    /// A number that no collection has had: the revision only grows, and each collection is made in one of its own.
    pub(crate) fn free_number(&self) -> Result<CollectionNumber, StoreError> {
        u32::try_from(self.revision + 1).map_err(|_| StoreError::Corrupt("the directory revision"))
    }
}

fn revision(bytes: &[u8]) -> Result<u64, StoreError> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| StoreError::Corrupt("the directory revision"))
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|_| StoreError::Corrupt("a record of the directory"))
}

/// A change of the directory: what to put or remove, decided on one revision of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct DirectoryChange {
    pub(super) writes: BTreeMap<Key, Option<Bytes>>,
}

impl DirectoryChange {
    pub(crate) fn put_account(&mut self, account: &Account) -> Result<(), StoreError> {
        self.put(keys::account(&account.name), account)
    }

    pub(crate) fn remove_account(&mut self, name: &str) {
        self.writes.insert(keys::account(name), None);
    }

    pub(crate) fn put_collection(&mut self, collection: &Collection) -> Result<(), StoreError> {
        self.put(keys::collection(collection.id), collection)
    }

    /// Hides the collection at once; what it holds is cleared away later.
    pub(crate) fn remove_collection(&mut self, id: Uuid, number: CollectionNumber) {
        self.writes.insert(keys::collection(id), None);
        self.writes.insert(keys::removed(number), Some(Bytes::new()));
    }

    pub(crate) fn put_api_root(&mut self, root: &ApiRoot) -> Result<(), StoreError> {
        self.put(keys::api_root(&root.name), root)
    }

    pub(crate) fn remove_api_root(&mut self, name: &str) {
        self.writes.insert(keys::api_root(name), None);
    }

    fn put<T: Serialize>(&mut self, key: Key, record: &T) -> Result<(), StoreError> {
        let json =
            serde_json::to_vec(record).map_err(|_| StoreError::Corrupt("a record of the directory"))?;
        self.writes.insert(key, Some(json.into()));
        Ok(())
    }
}
