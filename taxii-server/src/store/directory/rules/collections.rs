//! Rules of collections.

use super::{Change, REGION, Stop, contradiction, find_api_root, invalid, of_root};
use crate::rights::GrantScope;
use crate::store::directory::{
    Account, Collection, CollectionChange, CollectionMode, Directory, DirectoryRefusal, NewCollection,
    encode, names,
};
use crate::store::keys;
use crate::store::maintenance::encode_freed;
use crate::store::record::Head;
use crate::store::{Profile, StoreError};
use bytes::Bytes;
use std::sync::Arc;
use stix_model::{SpecVersion, Tlp};
use uuid::Uuid;

impl Change<'_, '_> {
    pub(super) async fn add_collection(
        &mut self,
        directory: &Directory,
        new: &NewCollection,
    ) -> Result<(), Stop> {
        if find_api_root(directory, &new.api_root).is_err() {
            return Err(contradiction(format!("there is no API root {}; add it first", new.api_root)));
        }
        if directory.collections.contains_key(&new.id) {
            return Err(contradiction(format!("there is a collection {} already", new.id)));
        }
        let new = new.clone();
        let NewCollection { id, api_root, title, description, alias, .. } = new;
        let NewCollection { spec_versions, profile, unmarked, conflicts, .. } = new;
        // The revision only rises, and each collection is made in one of its own.
        let number =
            u32::try_from(self.revision).map_err(|_| StoreError::Corrupt("the revision of the directory"))?;
        let collection = Collection {
            id,
            revision: self.revision,
            api_root,
            title,
            description,
            alias,
            spec_versions: sorted(spec_versions),
            profile,
            unmarked,
            conflicts,
            mode: CollectionMode::Open,
            region: REGION,
            number,
        };
        check(directory, &collection)?;
        self.put_collection(collection).await
    }

    pub(super) async fn change_collection(
        &mut self,
        directory: &Directory,
        id: Uuid,
        change: &CollectionChange,
    ) -> Result<(), Stop> {
        let mut collection = Collection::clone(find(directory, id)?);
        let change = change.clone();
        let CollectionChange { title, description, alias, .. } = change;
        let CollectionChange { spec_versions, profile, unmarked, conflicts, .. } = change;
        collection.title = title.unwrap_or(collection.title);
        collection.description = description.unwrap_or(collection.description);
        collection.alias = alias.unwrap_or(collection.alias);
        collection.spec_versions = spec_versions.map_or(collection.spec_versions, sorted);
        collection.profile = profile.unwrap_or(collection.profile);
        collection.unmarked = unmarked.unwrap_or(collection.unmarked);
        collection.conflicts = conflicts.unwrap_or(collection.conflicts);
        // Everything is checked before anything is written: a refusal leaves nothing behind.
        check(directory, &collection)?;
        let held = self.head(&collection).await?.versions(Tlp::Red);
        for spec in [SpecVersion::V2_0, SpecVersion::V2_1] {
            let count = held[spec as usize];
            if count > 0 && !collection.spec_versions.contains(&spec) {
                let spec = spec.as_str();
                let reason = format!("the collection holds objects of STIX {spec} ({count} versions)");
                return Err(invalid("spec_versions", reason));
            }
        }
        if unmarked.is_some() {
            self.overlay.put(keys::relevelled(collection.space()), Bytes::new());
        }
        self.put_collection(collection).await
    }

    async fn head(&mut self, collection: &Collection) -> Result<Head, StoreError> {
        let key = keys::head(collection.space());
        self.overlay.load([key.clone()]).await?;
        self.overlay.get(&key).map_or(Ok(Head::default()), |bytes| Head::decode(bytes))
    }

    /// Puts a collection, and touches its head: what was decided under an older record of it conflicts.
    pub(super) async fn put_collection(&mut self, mut collection: Collection) -> Result<(), Stop> {
        collection.revision = self.revision;
        let mut head = self.head(&collection).await?;
        head.revision += 1;
        self.overlay.put_head(keys::head(collection.space()), Some(head.encode()));
        self.overlay.put(keys::collection(REGION, collection.id), encode(&collection)?);
        Ok(())
    }

    pub(super) async fn remove_collection(&mut self, directory: &Directory, id: Uuid) -> Result<(), Stop> {
        let collection = find(directory, id)?;
        let (space, bytes) = (collection.space(), self.head(collection).await?.bytes(Tlp::Red));
        self.overlay.put_head(keys::head(space), None);
        self.overlay.remove(keys::collection(REGION, id));
        self.overlay.remove(keys::relevelled(space));
        self.overlay.put(keys::removed(space), encode_freed(bytes));
        // A collection that is made later with the same id must not inherit the rights on this one.
        let scope = GrantScope::Collection(id);
        for account in directory.accounts.values().filter(|account| account.grants.contains_key(&scope)) {
            let mut account = Account::clone(account);
            account.grants.remove(&scope);
            self.put_account(account)?;
        }
        Ok(())
    }
}

fn find(directory: &Directory, id: Uuid) -> Result<&Arc<Collection>, DirectoryRefusal> {
    let found = directory.collections.get(&id).ok_or(DirectoryRefusal::Missing("collection"))?;
    match found.mode {
        CollectionMode::Open => Ok(found),
        CollectionMode::Approval | CollectionMode::Review => Err(DirectoryRefusal::Contradiction(
            "it is a collection of the network, which its organisations change by a vote".to_owned(),
        )),
    }
}

fn sorted(mut spec_versions: Vec<SpecVersion>) -> Vec<SpecVersion> {
    spec_versions.sort_unstable();
    spec_versions.dedup();
    spec_versions
}

/// Checks a new or changed collection, by itself and beside the others of its API root.
fn check(directory: &Directory, collection: &Collection) -> Result<(), Stop> {
    names::check_title(&collection.title)?;
    collection.alias.as_deref().map_or(Ok(()), names::check_alias)?;
    if collection.spec_versions.is_empty() {
        return Err(invalid("spec_versions", "give at least one of 2.0 and 2.1"));
    }
    check_profile(collection.profile, &collection.spec_versions)?;
    let is_alias = |alias: &Option<String>, name: &str| {
        alias.as_deref().is_some_and(|alias| names::is_same(alias, name))
    };
    let id = collection.id.to_string();
    for other in of_root(directory, &collection.api_root).filter(|other| other.id != collection.id) {
        if other.title == collection.title {
            let title = &collection.title;
            return Err(contradiction(format!("there is a collection with the title {title:?} already")));
        }
        let other_id = other.id.to_string();
        let takes_alias = collection.alias.as_deref().is_some_and(|alias| is_alias(&other.alias, alias));
        if takes_alias || is_alias(&collection.alias, &other_id) {
            return Err(contradiction(format!("the alias is taken by the collection {other_id}")));
        }
        if is_alias(&other.alias, &id) {
            return Err(contradiction(format!("the id is the alias of the collection {other_id}")));
        }
    }
    Ok(())
}

/// Nothing could be added to a collection of STIX 2.0 whose profile is for STIX 2.1.
fn check_profile(profile: Profile, spec_versions: &[SpecVersion]) -> Result<(), Stop> {
    if profile.takes_stix_2_0() || spec_versions.contains(&SpecVersion::V2_1) {
        return Ok(());
    }
    let profile_name = profile.as_str();
    Err(invalid("profile", format!("`{profile_name}` takes STIX 2.1 only, and the collection does not")))
}
