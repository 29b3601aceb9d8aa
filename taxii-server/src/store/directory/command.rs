//! Changes of the directory, as data.

use super::{ApiRoot, Token};
use crate::rights::{Access, GrantScope, Grants};
use crate::store::{Conflicts, Profile};
use serde::{Deserialize, Serialize};
use stix_model::{SpecVersion, Tlp};
use uuid::Uuid;

/// A change of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are named as in the records")]
pub enum DirectoryCommand {
    /// Adds an API root.
    AddApiRoot(ApiRoot),
    /// Removes an API root that has no collections.
    RemoveApiRoot { name: String },
    /// Adds a collection.
    AddCollection(NewCollection),
    /// Changes an API root.
    ChangeApiRoot { name: String, change: ApiRootChange },
    /// Changes a collection.
    ChangeCollection { collection: Uuid, change: CollectionChange },
    /// Hides a collection at once; its contents are cleared afterwards.
    RemoveCollection { collection: Uuid },
    /// Adds an account.
    AddAccount(NewAccount),
    /// Changes an account.
    ChangeAccount { account: String, change: AccountChange },
    /// Removes an account.
    RemoveAccount { account: String },
    /// Replaces the password of an account by another argon2id hash.
    SetPassword { account: String, hash: String },
    /// Sets the rights of an account.
    SetGrant { account: String, scope: GrantScope, access: Access },
    /// Hides a collection from an account.
    RemoveGrant { account: String, scope: GrantScope },
    /// Adds an API token.
    AddToken { account: String, token: NewToken },
    /// Revokes the API token with this public part.
    RemoveToken { account: String, public: String },
}

/// A collection to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCollection {
    /// Identifier.
    pub id: Uuid,
    /// Name of its API root.
    pub api_root: String,
    /// Title for people.
    pub title: String,
    /// Purpose.
    pub description: Option<String>,
    /// Name that may stand for `id` in URLs.
    pub alias: Option<String>,
    /// The STIX versions that it takes.
    pub spec_versions: Vec<SpecVersion>,
    /// The rules that objects must satisfy to be added.
    pub profile: Profile,
    /// The level of objects that carry no TLP marking.
    pub unmarked: Tlp,
    /// What becomes of an object whose version is stored with other content.
    pub conflicts: Conflicts,
}

/// A change of an API root. What is left out does not change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiRootChange {
    /// Another first part of its path; its collections go with it.
    pub name: Option<String>,
    /// Title for people.
    pub title: Option<String>,
    /// Purpose; `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// Whether it becomes the default one, instead of the one before.
    pub becomes_default: bool,
}

/// A change of a collection. What is left out does not change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionChange {
    /// Title for people.
    pub title: Option<String>,
    /// Purpose; `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// Name that may stand for the id in URLs; `Some(None)` removes it.
    pub alias: Option<Option<String>>,
    /// The STIX versions that it takes from now on.
    pub spec_versions: Option<Vec<SpecVersion>>,
    /// The rules that objects must satisfy to be added from now on.
    pub profile: Option<Profile>,
    /// The level of objects that carry no TLP marking; those that are stored are moved afterwards.
    pub unmarked: Option<Tlp>,
    /// What becomes of an object whose version is stored with other content, from now on.
    pub conflicts: Option<Conflicts>,
}

/// A change of an account. What is left out does not change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountChange {
    /// Name for HTTP Basic.
    pub name: Option<String>,
    /// Whether it may administer the server, and read and write everything.
    pub is_administrator: Option<bool>,
}

/// An account to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    /// Identifier.
    pub id: Uuid,
    /// The organisation that it belongs to.
    pub organisation: Uuid,
    /// Name for HTTP Basic.
    pub name: String,
    /// Password, as argon2id in the PHC string format.
    pub password: Option<String>,
    /// Its first API token.
    pub token: Option<NewToken>,
    /// Whether it may administer the server, and read and write everything.
    pub is_administrator: bool,
    /// Rights by collection.
    pub grants: Grants,
}

/// An API token to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// The part by which it is found.
    pub public: String,
    /// The record.
    pub token: Token,
}

/// Why a change of the directory is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryRefusal {
    /// A name or another field has a form that is not allowed.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What would be right.
        reason: String,
    },
    /// The record is not there.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The change contradicts other records.
    #[error("{0}")]
    Contradiction(String),
}
