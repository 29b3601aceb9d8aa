//! The resources of administration, as they are sent and received. Requests take no unknown properties; answers may get
//! new ones.

use crate::rights::{Access, GrantScope};
use crate::store::{self, Account, ApiRoot, Collection, CollectionMode, Conflicts, Contents, Profile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stix_model::{SpecVersion, Timestamp, Tlp};
use utoipa::ToSchema;
use uuid::Uuid;

/// An API root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiRootResource {
    /// First part of its path.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether discovery names it as the default one.
    #[serde(default)]
    pub is_default: bool,
}

impl ApiRootResource {
    pub(super) fn new(root: &ApiRoot, is_default: bool) -> Self {
        let ApiRoot { name, title, description, .. } = root.clone();
        Self { name, title, description, is_default }
    }
}

/// A new API root.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiRoot {
    /// First part of its path.
    pub name: String,
    /// Name for people; the name when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether discovery names it as the default one, instead of the one before. The first API root always is.
    #[serde(default)]
    pub is_default: bool,
}

impl NewApiRoot {
    /// An API root with a name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

/// A change of an API root. Properties that are left out do not change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiRootChange {
    /// Another first part of its path: clients need the new URL. Its collections go with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Purpose; null removes it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Whether it becomes the default one, instead of the one before. `false` changes nothing.
    #[serde(default)]
    pub is_default: bool,
}

impl From<ApiRootChange> for store::ApiRootChange {
    fn from(change: ApiRootChange) -> Self {
        let ApiRootChange { name, title, description, is_default: becomes_default } = change;
        Self { name, title, description, becomes_default }
    }
}

/// A collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CollectionResource {
    /// Identifier.
    pub id: Uuid,
    /// Name of its API root.
    pub api_root: String,
    /// Name for people; unique in its API root.
    pub title: String,
    /// Contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Name that may replace the id in URLs; unique in its API root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// STIX versions that it takes.
    #[schema(value_type = Vec<String>)]
    pub spec_versions: Vec<SpecVersion>,
    /// Profile that added objects must satisfy.
    pub profile: Profile,
    /// TLP level of objects that carry no TLP marking.
    #[schema(value_type = String)]
    pub unmarked: Tlp,
    /// What becomes of an object whose version is stored with other content.
    #[serde(default)]
    pub conflicts: Conflicts,
    /// How objects get into it.
    #[serde(default)]
    pub mode: CollectionMode,
    /// Objects in it, each with one or more versions.
    pub objects: u64,
    /// Versions of objects in it.
    pub versions: u64,
    /// Bytes of all versions, as they were sent. The store needs more for its indices.
    pub bytes: u64,
    /// `date_added` of the last addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest: Option<Timestamp>,
}

impl CollectionResource {
    pub(super) fn new(collection: &Collection, contents: Contents) -> Self {
        let Contents { objects, versions, bytes, newest } = contents;
        Self {
            objects,
            versions,
            bytes,
            newest,
            id: collection.id,
            api_root: collection.api_root.clone(),
            title: collection.title.clone(),
            description: collection.description.clone(),
            alias: collection.alias.clone(),
            spec_versions: collection.spec_versions.clone(),
            profile: collection.profile,
            unmarked: collection.unmarked,
            conflicts: collection.conflicts,
            mode: collection.mode,
        }
    }
}

/// A new collection.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    /// Name of its API root.
    pub api_root: String,
    /// Name for people.
    pub title: String,
    /// Contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Name that may replace the id in URLs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// STIX versions that it takes; 2.1 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub spec_versions: Option<Vec<SpecVersion>>,
    /// Profile that added objects must satisfy; `stix` when left out.
    #[serde(default)]
    #[schema(required = false)]
    pub profile: Profile,
    /// TLP level of objects that carry no TLP marking; `amber` when left out.
    #[serde(default = "amber")]
    #[schema(value_type = String, required = false)]
    pub unmarked: Tlp,
    /// What becomes of an object whose version is stored with other content; `refuse` when left out.
    #[serde(default)]
    #[schema(required = false)]
    pub conflicts: Conflicts,
    /// A UUID, such as the one of a collection that moves here; a random one of version 4 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl NewCollection {
    /// A collection in an API root, with a title.
    pub fn new(api_root: &str, title: &str) -> Self {
        Self { api_root: api_root.to_owned(), title: title.to_owned(), ..Self::default() }
    }
}

fn amber() -> Tlp {
    Tlp::Amber
}

impl Default for NewCollection {
    fn default() -> Self {
        Self {
            api_root: String::new(),
            title: String::new(),
            description: None,
            alias: None,
            spec_versions: None,
            profile: Profile::default(),
            unmarked: amber(),
            conflicts: Conflicts::default(),
            id: None,
        }
    }
}

/// A change of a collection. Properties that are left out do not change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionChange {
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Contents; null removes it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// Name that may replace the id in URLs; null removes it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub alias: Option<Option<String>>,
    /// STIX versions that it takes from now on: at least those of the objects in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub spec_versions: Option<Vec<SpecVersion>>,
    /// Profile that objects must satisfy from now on. Objects in the collection stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// TLP level of objects that carry no TLP marking, also of those in the collection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub unmarked: Option<Tlp>,
    /// What becomes of an object whose version is stored with other content, from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Conflicts>,
}

/// Reads a property that is there; a null is a value, other than a property that is left out.
fn given<'de, D: serde::Deserializer<'de>>(json: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(json).map(Some)
}

impl From<CollectionChange> for store::CollectionChange {
    fn from(change: CollectionChange) -> Self {
        let CollectionChange { title, description, alias, spec_versions, profile, unmarked, conflicts } =
            change;
        Self { title, description, alias, spec_versions, profile, unmarked, conflicts }
    }
}

/// Rights on a collection. With neither right the collection is listed, and its objects are not available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessResource {
    /// Get objects.
    pub can_read: bool,
    /// Add objects.
    pub can_write: bool,
}

impl AccessResource {
    /// Get objects.
    pub const READ: Self = Self { can_read: true, can_write: false };
    /// Get and add objects.
    pub const READ_AND_WRITE: Self = Self { can_read: true, can_write: true };
}

impl From<Access> for AccessResource {
    fn from(Access { can_read, can_write }: Access) -> Self {
        Self { can_read, can_write }
    }
}

impl From<AccessResource> for Access {
    fn from(AccessResource { can_read, can_write }: AccessResource) -> Self {
        Self { can_read, can_write }
    }
}

/// An account, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountResource {
    /// Name for HTTP Basic.
    pub name: String,
    /// Organisation that it belongs to.
    pub organisation: Uuid,
    /// May administer the server.
    pub is_administrator: bool,
    /// Instants at which its API tokens were made, by their public parts.
    pub tokens: BTreeMap<String, String>,
    /// Rights by collection id, or `*` for all.
    #[schema(value_type = BTreeMap<String, AccessResource>)]
    pub grants: BTreeMap<GrantScope, AccessResource>,
}

impl From<&Account> for AccountResource {
    fn from(account: &Account) -> Self {
        let tokens = account.tokens.iter().map(|(public, token)| (public.clone(), token.created.clone()));
        Self {
            name: account.name.clone(),
            organisation: account.organisation,
            is_administrator: account.is_administrator,
            tokens: tokens.collect(),
            grants: account.grants.iter().map(|(scope, access)| (*scope, (*access).into())).collect(),
        }
    }
}

/// A new account.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Name for HTTP Basic.
    pub name: String,
    /// A password of at least 12 bytes; a random one when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Organisation that it belongs to; that of the server when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<Uuid>,
    /// May administer the server, and read and write everything.
    #[serde(default)]
    pub is_administrator: bool,
    /// Rights by collection id, or `*` for all.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, AccessResource>)]
    pub grants: BTreeMap<GrantScope, AccessResource>,
}

impl NewAccount {
    /// An account with a name, which has no rights yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The same with rights on a collection, or on all.
    #[must_use]
    pub fn grant(mut self, scope: impl Into<GrantScope>, access: AccessResource) -> Self {
        self.grants.insert(scope.into(), access);
        self
    }
}

/// A change of an account. Properties that are left out do not change; password, tokens and rights stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// Another name for HTTP Basic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// May administer the server, and read and write everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_administrator: Option<bool>,
}

impl From<AccountChange> for store::AccountChange {
    fn from(AccountChange { name, is_administrator }: AccountChange) -> Self {
        Self { name, is_administrator }
    }
}

/// A new password.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// A password of at least 12 bytes; a random one when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Secrets of a new account. They are shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountSecrets {
    /// Name for HTTP Basic.
    pub username: String,
    /// Password for HTTP Basic.
    pub password: String,
    /// API token.
    pub token: String,
}

/// Secrets that were just made for an account. They are shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Secrets {
    /// Name for HTTP Basic.
    pub username: String,
    /// Password for HTTP Basic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// API token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl From<AccountSecrets> for Secrets {
    fn from(AccountSecrets { username, password, token }: AccountSecrets) -> Self {
        Self { username, password: Some(password), token: Some(token) }
    }
}
