//! The rules of the directory: whether a change may be made, and what it writes.

mod collections;

use super::{
    Account, ApiRoot, ApiRootChange, Collection, Directory, DirectoryCommand, DirectoryRefusal, NewAccount,
    NewToken, encode, encode_revision, names,
};
use crate::rights::{GrantScope, Grants};
use crate::store::keys::{self, Region};
use crate::store::network::MembershipRecord;
use crate::store::overlay::Overlay;
use crate::store::{CollectionMode, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

const REGION: Region = Region::Local;

/// Applies a change to the directory in the overlay. Every rule is decided on that directory.
pub(in crate::store) async fn apply(
    overlay: &mut Overlay<'_>,
    command: &DirectoryCommand,
) -> Result<Result<(), DirectoryRefusal>, StoreError> {
    let revision_key = keys::directory_revision(REGION);
    overlay.load([revision_key.clone()]).await?;
    let mut directory = Directory::read(REGION, overlay.scan_all(keys::directory(REGION)).await?)?;
    overlay.load([keys::local(keys::MEMBERSHIP)]).await?;
    let membership = MembershipRecord::read(overlay)?;
    if let Some(membership) = &membership {
        let collections = overlay.scan_all(keys::directory(membership.region())).await?;
        membership.add_collections(&mut directory, collections)?;
    }
    // A head is put apart from other writes, so the scan does not show what an earlier change made of it.
    let revision = overlay.get(&revision_key).map_or(Ok(0), |bytes| super::decode_revision(bytes))? + 1;
    let mut change = Change { overlay, revision, membership };
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
    /// The membership of this server in a network, whose collections are in an API root of it.
    membership: Option<MembershipRecord>,
}

impl Change<'_, '_> {
    async fn make(&mut self, directory: &Directory, command: &DirectoryCommand) -> Result<(), Stop> {
        match command {
            DirectoryCommand::AddApiRoot(root) => self.add_api_root(directory, root),
            DirectoryCommand::RemoveApiRoot { name } => self.remove_api_root(directory, name),
            DirectoryCommand::AddCollection(new) => self.add_collection(directory, new).await,
            DirectoryCommand::ChangeApiRoot { name, change } => {
                self.change_api_root(directory, name, change).await
            }
            DirectoryCommand::ChangeCollection { collection, change } => {
                self.change_collection(directory, *collection, change).await
            }
            DirectoryCommand::RemoveCollection { collection } => {
                self.remove_collection(directory, *collection).await
            }
            DirectoryCommand::AddAccount(new) => self.add_account(directory, new),
            DirectoryCommand::ChangeAccount { account, change } => {
                let mut account = find_account(directory, account)?;
                if let Some(name) = change.name.as_ref().filter(|name| **name != account.name) {
                    check_account_name(directory, name)?;
                    account.name.clone_from(name);
                }
                account.is_administrator = change.is_administrator.unwrap_or(account.is_administrator);
                self.put_account(account)
            }
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
        check_root_name(directory, &root.name)?;
        names::check_title(&root.title)?;
        let is_first = directory.api_roots.is_empty();
        self.put_api_root(
            directory,
            &root.name,
            &ApiRoot { is_default: is_first || root.is_default, ..root.clone() },
        )
    }

    async fn change_api_root(
        &mut self,
        directory: &Directory,
        name: &str,
        change: &ApiRootChange,
    ) -> Result<(), Stop> {
        let mut root = find_api_root(directory, name)?.clone();
        let ApiRootChange { name: new_name, title, description, becomes_default } = change.clone();
        root.title = title.unwrap_or(root.title);
        names::check_title(&root.title)?;
        root.description = description.unwrap_or(root.description);
        root.is_default |= becomes_default;
        if let Some(new_name) = new_name.filter(|new_name| new_name != name) {
            check_root_name(directory, &new_name)?;
            root.name = new_name;
            self.overlay.remove(keys::api_root(REGION, name));
            if let Some(membership) = self.membership.as_mut().filter(|found| found.api_root == name) {
                membership.api_root.clone_from(&root.name);
                let record = membership.encode()?;
                self.overlay.put_head(keys::local(keys::MEMBERSHIP), Some(record));
            }
            for collection in of_root(directory, name).filter(|found| found.mode == CollectionMode::Open) {
                let api_root = root.name.clone();
                self.put_collection(Collection { api_root, ..Collection::clone(collection) }).await?;
            }
        }
        self.put_api_root(directory, name, &root)
    }

    /// Puts an API root, which had the name `was`. There is one default: the others stop being it.
    fn put_api_root(&mut self, directory: &Directory, was: &str, root: &ApiRoot) -> Result<(), Stop> {
        if root.is_default {
            for before in directory.api_roots.values().filter(|before| before.is_default) {
                if before.name != root.name && before.name != was {
                    self.write_api_root(&ApiRoot { is_default: false, ..before.clone() })?;
                }
            }
        }
        self.write_api_root(root)
    }

    fn write_api_root(&mut self, root: &ApiRoot) -> Result<(), Stop> {
        self.overlay.put(keys::api_root(REGION, &root.name), encode(root)?);
        Ok(())
    }

    fn remove_api_root(&mut self, directory: &Directory, name: &str) -> Result<(), Stop> {
        let root = find_api_root(directory, name)?;
        let collections: Vec<_> = of_root(directory, name)
            .map(|collection| format!("{} ({})", collection.title, collection.id))
            .collect();
        if !collections.is_empty() {
            let collections = collections.join(", ");
            return Err(contradiction(format!(
                "the API root has collections; remove them first, or rename it: {collections}"
            )));
        }
        if root.is_default && directory.api_roots.len() > 1 {
            return Err(contradiction(
                "it is the default API root; make another one the default first".to_owned(),
            ));
        }
        self.overlay.remove(keys::api_root(REGION, name));
        Ok(())
    }

    fn add_account(&mut self, directory: &Directory, new: &NewAccount) -> Result<(), Stop> {
        check_account_name(directory, &new.name)?;
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

fn find_api_root<'d>(directory: &'d Directory, name: &str) -> Result<&'d ApiRoot, DirectoryRefusal> {
    directory.api_roots.get(name).ok_or(DirectoryRefusal::Missing("API root"))
}

fn of_root<'d>(directory: &'d Directory, name: &str) -> impl Iterator<Item = &'d Arc<Collection>> {
    directory.collections.values().filter(move |collection| collection.api_root == name)
}

fn check_root_name(directory: &Directory, name: &str) -> Result<(), Stop> {
    names::check_root(name)?;
    if directory.api_roots.contains_key(name) {
        return Err(contradiction(format!("there is an API root {name} already")));
    }
    Ok(())
}

fn find_account(directory: &Directory, name: &str) -> Result<Account, DirectoryRefusal> {
    let account = directory.accounts.get(name).ok_or(DirectoryRefusal::Missing("account"))?;
    Ok(Account::clone(account))
}

fn check_account_name(directory: &Directory, name: &str) -> Result<(), Stop> {
    names::check_account(name)?;
    if directory.accounts.contains_key(name) {
        return Err(contradiction(format!("there is an account {name} already")));
    }
    Ok(())
}

fn check_grants(directory: &Directory, grants: &Grants) -> Result<(), Stop> {
    let unknown = grants.keys().find_map(|scope| match scope {
        GrantScope::Collection(id) if !directory.collections.contains_key(id) => Some(id),
        _ => None,
    });
    unknown.map_or(Ok(()), |id| Err(contradiction(format!("there is no collection {id}"))))
}
