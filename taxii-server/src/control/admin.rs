//! The administrative operations, each as a method.

use super::{
    AccessResource, AccountChange, AccountResource, AccountSecrets, ApiRootChange, ApiRootResource,
    ApplicationResource, CollectionChange, CollectionResource, Control, ControlError, InvitationResource,
    JoinResource, NewAccount, NewApiRoot, NewCollection, NewInvitation, NewJoin, NewNetwork, NewPassword,
    NodeResource, OrganisationResource, ScrubResource, Secrets, StateResource,
};
use crate::rights::GrantScope;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use stix_model::taxii::ApiRoot;
use uuid::Uuid;

const API_ROOTS: &str = "/admin/api-roots/";
const COLLECTIONS: &str = "/admin/collections/";
const NETWORK: &str = "/consensus/v1/";
const ACCOUNTS: &str = "/admin/accounts/";

/// A page of the records of a collection.
pub struct Records {
    /// Lines of JSON, each with an object and its `date_added`.
    pub lines: Bytes,
    /// Position of the next page; `None` on the last one.
    pub next: Option<String>,
}

/// # Errors
/// All methods fail when no answer comes, or the server refuses.
impl Control {
    /// Lists all API roots.
    pub async fn api_roots(&self) -> Result<Vec<ApiRootResource>, ControlError> {
        self.request(Method::GET, API_ROOTS, ()).await
    }

    /// Returns an API root as clients see it.
    pub async fn api_root(&self, name: &str) -> Result<ApiRoot, ControlError> {
        self.request(Method::GET, &format!("/{}/", path_part(name)?), ()).await
    }

    /// Adds an API root.
    pub async fn add_api_root(&self, new: &NewApiRoot) -> Result<ApiRootResource, ControlError> {
        self.request(Method::POST, API_ROOTS, new).await
    }

    /// Changes an API root.
    pub async fn change_api_root(
        &self,
        name: &str,
        change: &ApiRootChange,
    ) -> Result<ApiRootResource, ControlError> {
        self.request(Method::PATCH, &format!("{API_ROOTS}{}/", path_part(name)?), change).await
    }

    /// Deletes an API root that has no collections.
    pub async fn delete_api_root(&self, name: &str) -> Result<(), ControlError> {
        self.request(Method::DELETE, &format!("{API_ROOTS}{}/", path_part(name)?), ()).await
    }

    /// Lists all collections.
    pub async fn collections(&self) -> Result<Vec<CollectionResource>, ControlError> {
        self.request(Method::GET, COLLECTIONS, ()).await
    }

    /// Adds a collection.
    pub async fn add_collection(&self, new: &NewCollection) -> Result<CollectionResource, ControlError> {
        self.request(Method::POST, COLLECTIONS, new).await
    }

    /// Changes a collection.
    pub async fn change_collection(
        &self,
        id: Uuid,
        change: &CollectionChange,
    ) -> Result<CollectionResource, ControlError> {
        self.request(Method::PATCH, &format!("{COLLECTIONS}{id}/"), change).await
    }

    /// Deletes a collection with everything in it.
    pub async fn delete_collection(&self, id: Uuid) -> Result<(), ControlError> {
        self.request(Method::DELETE, &format!("{COLLECTIONS}{id}/"), ()).await
    }

    /// Returns a page of all versions of all objects, oldest addition first. `next` is that of the page before.
    pub async fn records(&self, id: Uuid, next: Option<&str>) -> Result<Records, ControlError> {
        let path = format!("{COLLECTIONS}{id}/records/?next={}", next.unwrap_or_default());
        let reply = self.call(Method::GET, &path, Bytes::new()).await?.success()?;
        let next = reply.headers.get("x-concord-next").and_then(|next| next.to_str().ok());
        Ok(Records { next: next.map(str::to_owned), lines: reply.body })
    }

    /// Invites a server to join the network.
    pub async fn invite(&self, new: &NewInvitation) -> Result<InvitationResource, ControlError> {
        self.request(Method::POST, "/admin/network/invitations/", new).await
    }

    /// Asks to join a network.
    pub async fn join_network(&self, new: &NewJoin) -> Result<JoinResource, ControlError> {
        self.request(Method::POST, "/admin/network/join/", new).await
    }

    /// Returns what this server asked for that waits to join; `None` when it waits for nothing.
    pub async fn joining(&self) -> Result<Option<JoinResource>, ControlError> {
        match self.request(Method::GET, "/admin/network/join/", ()).await {
            Err(ControlError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Compares everything that this server shows of the network with what its organisations approved.
    pub async fn verify_network(&self) -> Result<ScrubResource, ControlError> {
        self.request(Method::POST, "/admin/network/verify/", ()).await
    }

    /// Lets the node of this server go on alone, when most nodes are gone for good.
    pub async fn recover_network(&self) -> Result<(), ControlError> {
        self.request(Method::POST, "/admin/network/recover/", ()).await
    }

    /// Lists the servers that ask to join.
    pub async fn applications(&self) -> Result<Vec<ApplicationResource>, ControlError> {
        self.request(Method::GET, &format!("{NETWORK}applications/"), ()).await
    }

    /// Lists the nodes of the network.
    pub async fn nodes(&self) -> Result<Vec<NodeResource>, ControlError> {
        self.request(Method::GET, &format!("{NETWORK}nodes/"), ()).await
    }

    /// Founds a network. Others can join it where the setting `network.listen` is set.
    pub async fn found_network(&self, new: &NewNetwork) -> Result<StateResource, ControlError> {
        self.request(Method::POST, "/admin/network/", new).await
    }

    /// Returns what the log of the network came to.
    pub async fn network_state(&self) -> Result<StateResource, ControlError> {
        self.request(Method::GET, &format!("{NETWORK}state/"), ()).await
    }

    /// Lists the organisations of the network.
    pub async fn organisations(&self) -> Result<Vec<OrganisationResource>, ControlError> {
        self.request(Method::GET, &format!("{NETWORK}organisations/"), ()).await
    }

    /// Returns a version of the policy of the network, or the current one.
    pub async fn policy(&self, version: Option<u32>) -> Result<consensus::Policy, ControlError> {
        let version = version.map_or("current".to_owned(), |version| version.to_string());
        self.request(Method::GET, &format!("{NETWORK}policies/{version}/"), ()).await
    }

    /// Lists all accounts.
    pub async fn accounts(&self) -> Result<Vec<AccountResource>, ControlError> {
        self.request(Method::GET, ACCOUNTS, ()).await
    }

    /// Adds an account with a password and an API token.
    pub async fn add_account(&self, new: &NewAccount) -> Result<AccountSecrets, ControlError> {
        self.request(Method::POST, ACCOUNTS, new).await
    }

    /// Changes an account.
    pub async fn change_account(&self, name: &str, change: &AccountChange) -> Result<(), ControlError> {
        self.request(Method::PATCH, &account_path(name, "")?, change).await
    }

    /// Deletes an account.
    pub async fn delete_account(&self, name: &str) -> Result<(), ControlError> {
        self.request(Method::DELETE, &account_path(name, "")?, ()).await
    }

    /// Gives an account a new password.
    pub async fn set_password(&self, name: &str, new: &NewPassword) -> Result<Secrets, ControlError> {
        self.request(Method::PUT, &account_path(name, "password/")?, new).await
    }

    /// Adds an API token to an account.
    pub async fn add_token(&self, name: &str) -> Result<Secrets, ControlError> {
        self.request(Method::POST, &account_path(name, "tokens/")?, ()).await
    }

    /// Revokes an API token, named by its public part.
    pub async fn delete_token(&self, name: &str, token_id: &str) -> Result<(), ControlError> {
        let path = account_path(name, &format!("tokens/{}/", path_part(token_id)?))?;
        self.request(Method::DELETE, &path, ()).await
    }

    /// Sets the rights of an account on a collection.
    pub async fn set_grant(
        &self,
        name: &str,
        scope: GrantScope,
        access: AccessResource,
    ) -> Result<(), ControlError> {
        self.request(Method::PUT, &grant_path(name, scope)?, access).await
    }

    /// Hides a collection from an account.
    pub async fn delete_grant(&self, name: &str, scope: GrantScope) -> Result<(), ControlError> {
        self.request(Method::DELETE, &grant_path(name, scope)?, ()).await
    }
}

fn account_path(name: &str, rest: &str) -> Result<String, ControlError> {
    Ok(format!("{ACCOUNTS}{}/{rest}", path_part(name)?))
}

fn grant_path(name: &str, scope: GrantScope) -> Result<String, ControlError> {
    account_path(name, &format!("grants/{}/", String::from(scope)))
}

/// Writes a name as a part of a path. Names consist of safe characters, so a name with others does not exist.
fn path_part(name: &str) -> Result<String, ControlError> {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@+*~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_safe) {
        return Err(ControlError::Name(name.to_owned()));
    }
    Ok(name.replace('+', "%2B"))
}
