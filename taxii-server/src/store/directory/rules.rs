//! The rules of the directory: whether a change may be made, and what it writes.

use super::{
    Account, ApiRoot, Collection, Directory, DirectoryCommand, DirectoryRefusal, NewAccount, NewCollection,
    NewToken, encode, encode_revision, names,
};
use crate::rights::{GrantScope, Grants};
use crate::store::keys::{self, Region};
use crate::store::overlay::Overlay;
use crate::store::record::Head;
use crate::store::{Profile, StoreError};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use stix_model::SpecVersion;
use uuid::Uuid;

const REGION: Region = Region::Local;

/// Applies a change to the directory in the overlay. Every rule is decided on that directory.
pub(in crate::store) async fn apply(
    overlay: &mut Overlay<'_>,
    command: &DirectoryCommand,
) -> Result<Result<(), DirectoryRefusal>, StoreError> {
    let revision_key = keys::directory_revision(REGION);
    overlay.load([revision_key.clone()]).await?;
    let directory = Directory::read(REGION, overlay.scan_all(keys::directory(REGION)).await?)?;
    // A head is put apart from other writes, so the scan does not show what an earlier change made of it.
    let revision = overlay.get(&revision_key).map_or(Ok(0), |bytes| super::decode_revision(bytes))? + 1;
    let mut change = Change { overlay, revision };
    let refusal = match change.make(&directory, command).await {
        Ok(()) => None,
        Err(Stop::Refused(refusal)) => Some(refusal),
        Err(Stop::Failed(error)) => return Err(error),
    };
    match refusal {
        None => {
            overlay.put_head(revision_key, Some(encode_revision(revision)));
            Ok(Ok(()))
        }
        Some(refusal) => Ok(Err(refusal)),
    }
}

/// Why a change was not made.
enum Stop {
    Refused(DirectoryRefusal),
    Failed(StoreError),
}

impl From<DirectoryRefusal> for Stop {
    fn from(refusal: DirectoryRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

fn contradiction(reason: String) -> Stop {
    Stop::Refused(DirectoryRefusal::Contradiction(reason))
}

fn invalid(field: &'static str, reason: impl Into<String>) -> Stop {
    Stop::Refused(DirectoryRefusal::Invalid { field, reason: reason.into() })
}

struct Change<'o, 's> {
    overlay: &'o mut Overlay<'s>,
    /// The revision that the change makes.
    revision: u64,
}

impl Change<'_, '_> {
    async fn make(&mut self, directory: &Directory, command: &DirectoryCommand) -> Result<(), Stop> {
        match command {
            DirectoryCommand::AddApiRoot(root) => self.add_api_root(directory, root),
            DirectoryCommand::RemoveApiRoot { name } => self.remove_api_root(directory, name),
            DirectoryCommand::AddCollection(new) => self.add_collection(directory, new).await,
            DirectoryCommand::SetProfile { collection, profile } => {
                let collection = find_collection(directory, *collection)?;
                check_profile(*profile, &collection.spec_versions)?;
                let profile = *profile;
                self.change_collection(Collection { profile, ..Collection::clone(collection) }).await
            }
            DirectoryCommand::SetUnmarked { collection, level } => {
                let collection = find_collection(directory, *collection)?;
                let unmarked = *level;
                self.overlay.put(keys::relevelled(collection.space()), Bytes::new());
                self.change_collection(Collection { unmarked, ..Collection::clone(collection) }).await
            }
            DirectoryCommand::RemoveCollection { collection } => {
                self.remove_collection(directory, *collection).await
            }
            DirectoryCommand::AddAccount(new) => self.add_account(directory, new),
            DirectoryCommand::RemoveAccount { account } => {
                let account = find_account(directory, account)?;
                self.overlay.remove(keys::account(REGION, account.id));
                Ok(())
            }
            DirectoryCommand::SetPassword { account, hash } => {
                let mut account = find_account(directory, account)?;
                account.password = Some(hash.clone());
                self.put_account(account)
            }
            DirectoryCommand::SetGrant { account, scope, access } => {
                let mut account = find_account(directory, account)?;
                account.grants.insert(*scope, *access);
                check_grants(directory, &account.grants)?;
                self.put_account(account)
            }
            DirectoryCommand::RemoveGrant { account, scope } => {
                let mut account = find_account(directory, account)?;
                account.grants.remove(scope);
                self.put_account(account)
            }
            DirectoryCommand::AddToken { account, token: NewToken { public, token } } => {
                let mut account = find_account(directory, account)?;
                account.tokens.insert(public.clone(), token.clone());
                self.put_account(account)
            }
            DirectoryCommand::RemoveToken { account, public } => {
                let mut account = find_account(directory, account)?;
                account.tokens.remove(public).ok_or(DirectoryRefusal::Missing("token"))?;
                self.put_account(account)
            }
        }
    }

    fn add_api_root(&mut self, directory: &Directory, root: &ApiRoot) -> Result<(), Stop> {
        names::check_root(&root.name)?;
        names::check_title(&root.title)?;
        if directory.api_roots.contains_key(&root.name) {
            return Err(contradiction(format!("there is an API root {} already", root.name)));
        }
        self.overlay.put(keys::api_root(REGION, &root.name), encode(root)?);
        Ok(())
    }

    fn remove_api_root(&mut self, directory: &Directory, name: &str) -> Result<(), Stop> {
        if !directory.api_roots.contains_key(name) {
            return Err(DirectoryRefusal::Missing("API root").into());
        }
        if directory.collections.values().any(|collection| collection.api_root == name) {
            return Err(contradiction("the API root has collections; remove them first".to_owned()));
        }
        self.overlay.remove(keys::api_root(REGION, name));
        Ok(())
    }

    async fn add_collection(&mut self, directory: &Directory, new: &NewCollection) -> Result<(), Stop> {
        names::check_title(&new.title)?;
        new.alias.as_deref().map_or(Ok(()), names::check_alias)?;
        if new.id.get_version_num() != 4 {
            return Err(invalid("id", "must be a UUID of version 4"));
        }
        let mut spec_versions = new.spec_versions.clone();
        spec_versions.sort_unstable();
        spec_versions.dedup();
        if spec_versions.is_empty() {
            return Err(invalid("spec_versions", "give at least one of 2.0 and 2.1"));
        }
        check_profile(new.profile, &spec_versions)?;
        if !directory.api_roots.contains_key(&new.api_root) {
            return Err(contradiction(format!("there is no API root {}; add it first", new.api_root)));
        }
        if directory.collections.contains_key(&new.id) {
            return Err(contradiction(format!("there is a collection {} already", new.id)));
        }
        let of_root = |other: &&Arc<Collection>| other.api_root == new.api_root;
        for other in directory.collections.values().filter(of_root) {
            if other.title == new.title {
                let title = &new.title;
                return Err(contradiction(format!("there is a collection with the title {title:?} already")));
            }
            if other.alias.is_some() && other.alias == new.alias {
                return Err(contradiction(format!("the alias is taken by the collection {}", other.id)));
            }
        }
        let NewCollection { id, api_root, title, description, alias, profile, unmarked, .. } = new.clone();
        // The revision only rises, and each collection is made in one of its own.
        let number =
            u32::try_from(self.revision).map_err(|_| StoreError::Corrupt("the revision of the directory"))?;
        let (region, revision) = (REGION, self.revision);
        self.change_collection(Collection {
            id,
            revision,
            api_root,
            title,
            description,
            alias,
            spec_versions,
            profile,
            unmarked,
            region,
            number,
        })
        .await
    }

    /// Puts a collection, and touches its head: what was decided under an older record of it conflicts.
    async fn change_collection(&mut self, mut collection: Collection) -> Result<(), Stop> {
        collection.revision = self.revision;
        let head_key = keys::head(collection.space());
        self.overlay.load([head_key.clone()]).await?;
        let mut head =
            self.overlay.get(&head_key).map_or(Ok(Head::default()), |bytes| Head::decode(bytes))?;
        head.revision += 1;
        self.overlay.put_head(head_key, Some(head.encode()));
        self.overlay.put(keys::collection(REGION, collection.id), encode(&collection)?);
        Ok(())
    }

    async fn remove_collection(&mut self, directory: &Directory, id: Uuid) -> Result<(), Stop> {
        let collection = find_collection(directory, id)?;
        let (space, head) = (collection.space(), keys::head(collection.space()));
        self.overlay.load([head.clone()]).await?;
        self.overlay.put_head(head, None);
        self.overlay.remove(keys::collection(REGION, id));
        self.overlay.remove(keys::relevelled(space));
        self.overlay.put(keys::removed(space), Bytes::new());
        // A collection that is made later with the same id must not inherit the rights on this one.
        let scope = GrantScope::Collection(id);
        for account in directory.accounts.values().filter(|account| account.grants.contains_key(&scope)) {
            let mut account = Account::clone(account);
            account.grants.remove(&scope);
            self.put_account(account)?;
        }
        Ok(())
    }

    fn add_account(&mut self, directory: &Directory, new: &NewAccount) -> Result<(), Stop> {
        names::check_account(&new.name)?;
        if directory.accounts.contains_key(&new.name) {
            return Err(contradiction(format!("there is an account {} already", new.name)));
        }
        check_grants(directory, &new.grants)?;
        let token = new.token.iter().map(|new| (new.public.clone(), new.token.clone()));
        self.put_account(Account {
            id: new.id,
            revision: self.revision,
            organisation: new.organisation,
            name: new.name.clone(),
            password: new.password.clone(),
            tokens: BTreeMap::from_iter(token),
            is_administrator: new.is_administrator,
            grants: new.grants.clone(),
        })
    }

    fn put_account(&mut self, mut account: Account) -> Result<(), Stop> {
        account.revision = self.revision;
        self.overlay.put(keys::account(REGION, account.id), encode(&account)?);
        Ok(())
    }
}

fn find_collection(directory: &Directory, id: Uuid) -> Result<&Arc<Collection>, DirectoryRefusal> {
    directory.collections.get(&id).ok_or(DirectoryRefusal::Missing("collection"))
}

fn find_account(directory: &Directory, name: &str) -> Result<Account, DirectoryRefusal> {
    let account = directory.accounts.get(name).ok_or(DirectoryRefusal::Missing("account"))?;
    Ok(Account::clone(account))
}

fn check_grants(directory: &Directory, grants: &Grants) -> Result<(), Stop> {
    let unknown = grants.keys().find_map(|scope| match scope {
        GrantScope::Collection(id) if !directory.collections.contains_key(id) => Some(id),
        _ => None,
    });
    unknown.map_or(Ok(()), |id| Err(contradiction(format!("there is no collection {id}"))))
}

/// Nothing could be added to a collection of STIX 2.0 whose profile is for STIX 2.1.
fn check_profile(profile: Profile, spec_versions: &[SpecVersion]) -> Result<(), Stop> {
    if profile.takes_stix_2_0() || spec_versions.contains(&SpecVersion::V2_1) {
        return Ok(());
    }
    let profile_name = profile.as_str();
    Err(invalid("profile", format!("`{profile_name}` takes STIX 2.1 only, and the collection does not")))
}
