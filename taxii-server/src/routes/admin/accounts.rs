use super::resource::{AccessResource, AccountResource, NewAccount, NewPassword, Secrets};
use super::{AdminBody, internal, json, names};
use crate::app::App;
use crate::credentials::{hash_password, new_password, new_token, sha256_hex};
use crate::error::ApiError;
use crate::extract::{AccountPath, Administrator, GrantPath, TokenPath};
use crate::openapi::AdminFailures;
use crate::store::{Account, Directory, DirectoryChange, GrantScope, StoreError, Token};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::collections::BTreeMap;
use std::sync::Arc;

/// List accounts.
#[utoipa::path(get, path = "/admin/accounts/", tag = "Administration",
    responses((status = 200, description = "All accounts", body = Vec<AccountResource>), AdminFailures))]
pub(crate) async fn get_accounts(State(app): State<Arc<App>>, _: Administrator) -> Response {
    let accounts = &app.store.directory().accounts;
    json(
        StatusCode::OK,
        accounts.values().map(|account| AccountResource::from(&**account)).collect::<Vec<_>>(),
    )
}

/// Add an account, with a password and an API token.
#[utoipa::path(post, path = "/admin/accounts/", tag = "Administration", request_body = NewAccount,
    responses((status = 201, description = "Credentials, shown this once", body = Secrets), AdminFailures))]
pub(crate) async fn add_account(
    State(app): State<Arc<App>>,
    _: Administrator,
    AdminBody(new): AdminBody<NewAccount>,
) -> Result<Response, ApiError> {
    names::check_account(&new.name)?;
    let (password, hash) = password(new.password).await?;
    let (public, token, stored) = token(&app)?;
    let account = Account {
        name: new.name.clone(),
        password: Some(hash),
        tokens: BTreeMap::from([(public, stored)]),
        is_administrator: new.is_administrator,
        grants: new.grants.into_iter().map(|(scope, access)| (scope, access.into())).collect(),
    };
    app.store
        .change_directory(move |directory| {
            if directory.accounts.contains_key(&account.name) {
                return Err(StoreError::Refused(format!("there is an account {} already", account.name)));
            }
            check_grants(directory, &account)?;
            let mut change = DirectoryChange::default();
            change.put_account(&account)?;
            Ok(change)
        })
        .await?;
    Ok(json(
        StatusCode::CREATED,
        Secrets { username: new.name, password: Some(password), token: Some(token) },
    ))
}

/// Remove an account. Its credentials stop working at once.
#[utoipa::path(delete, path = "/admin/accounts/{name}/", tag = "Administration",
    params(AccountPath),
    responses((status = 204, description = "Removed"), AdminFailures))]
pub(crate) async fn delete_account(
    State(app): State<Arc<App>>,
    _: Administrator,
    AccountPath { name }: AccountPath,
) -> Result<StatusCode, ApiError> {
    if !app.store.directory().accounts.contains_key(&name) {
        return Err(ApiError::Missing("account"));
    }
    app.store
        .change_directory(move |_| {
            let mut change = DirectoryChange::default();
            change.remove_account(&name);
            Ok(change)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give an account a new password. The old one stops working at once.
#[utoipa::path(put, path = "/admin/accounts/{name}/password/", tag = "Administration", request_body = NewPassword,
    params(AccountPath),
    responses((status = 200, description = "Credentials, shown this once", body = Secrets), AdminFailures))]
pub(crate) async fn set_password(
    State(app): State<Arc<App>>,
    _: Administrator,
    AccountPath { name }: AccountPath,
    AdminBody(new): AdminBody<NewPassword>,
) -> Result<Response, ApiError> {
    let (password, hash) = password(new.password).await?;
    change_account(&app, name.clone(), move |account| account.password = Some(hash.clone())).await?;
    Ok(json(StatusCode::OK, Secrets { username: name, password: Some(password), token: None }))
}

/// Set the rights of an account on a collection.
#[utoipa::path(put, path = "/admin/accounts/{name}/grants/{scope}/", tag = "Administration", request_body = AccessResource,
    params(GrantPath),
    responses((status = 204, description = "Done"), AdminFailures))]
pub(crate) async fn set_grant(
    State(app): State<Arc<App>>,
    _: Administrator,
    GrantPath { name, scope }: GrantPath,
    AdminBody(access): AdminBody<AccessResource>,
) -> Result<StatusCode, ApiError> {
    change_account(&app, name, move |account| {
        account.grants.insert(scope, access.into());
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hide a collection from an account.
#[utoipa::path(delete, path = "/admin/accounts/{name}/grants/{scope}/", tag = "Administration",
    params(GrantPath),
    responses((status = 204, description = "Done"), AdminFailures))]
pub(crate) async fn delete_grant(
    State(app): State<Arc<App>>,
    _: Administrator,
    GrantPath { name, scope }: GrantPath,
) -> Result<StatusCode, ApiError> {
    change_account(&app, name, move |account| {
        account.grants.remove(&scope);
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Add an API token to an account.
#[utoipa::path(post, path = "/admin/accounts/{name}/tokens/", tag = "Administration",
    params(AccountPath),
    responses((status = 201, description = "Credentials, shown this once", body = Secrets), AdminFailures))]
pub(crate) async fn add_token(
    State(app): State<Arc<App>>,
    _: Administrator,
    AccountPath { name }: AccountPath,
) -> Result<Response, ApiError> {
    let (public, token, stored) = token(&app)?;
    change_account(&app, name.clone(), move |account| {
        account.tokens.insert(public.clone(), stored.clone());
    })
    .await?;
    Ok(json(StatusCode::CREATED, Secrets { username: name, password: None, token: Some(token) }))
}

/// Revoke an API token, named by its public part. It stops working at once.
#[utoipa::path(delete, path = "/admin/accounts/{name}/tokens/{token_id}/", tag = "Administration",
    params(TokenPath),
    responses((status = 204, description = "Revoked"), AdminFailures))]
pub(crate) async fn delete_token(
    State(app): State<Arc<App>>,
    _: Administrator,
    TokenPath { name, token_id }: TokenPath,
) -> Result<StatusCode, ApiError> {
    let has_token = |account: &Arc<Account>| account.tokens.contains_key(&token_id);
    if !app.store.directory().accounts.get(&name).is_some_and(has_token) {
        return Err(ApiError::Missing("token"));
    }
    change_account(&app, name, move |account| {
        account.tokens.remove(&token_id);
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change_account(
    app: &App,
    name: String,
    edit: impl Fn(&mut Account) + Send + Sync + 'static,
) -> Result<(), ApiError> {
    if !app.store.directory().accounts.contains_key(&name) {
        return Err(ApiError::Missing("account"));
    }
    let change = move |directory: &Directory| {
        let account = directory.accounts.get(&name);
        let mut account =
            Account::clone(account.ok_or_else(|| StoreError::Refused("the account is gone".to_owned()))?);
        edit(&mut account);
        check_grants(directory, &account)?;
        let mut change = DirectoryChange::default();
        change.put_account(&account)?;
        Ok(change)
    };
    Ok(app.store.change_directory(change).await?)
}

fn check_grants(directory: &Directory, account: &Account) -> Result<(), StoreError> {
    let unknown = account.grants.keys().find_map(|scope| match scope {
        GrantScope::Collection(id) if !directory.collections.contains_key(id) => Some(id),
        _ => None,
    });
    unknown.map_or(Ok(()), |id| Err(StoreError::Refused(format!("there is no collection {id}"))))
}

/// Returns the given password or a random one, and its hash. Hashing is slow by design, so it runs on a thread of its own.
async fn password(given: Option<String>) -> Result<(String, String), ApiError> {
    let password = match given {
        Some(password) => password,
        None => new_password().map_err(internal)?,
    };
    names::check_password(&password)?;
    let hashing = tokio::task::spawn_blocking(move || hash_password(&password).map(|hash| (password, hash)));
    hashing.await.map_err(|error| ApiError::Internal(error.into()))?.map_err(internal)
}

/// Makes an API token and returns its public part, the token, and its record.
fn token(app: &App) -> Result<(String, String, Token), ApiError> {
    let (public, token) = new_token().map_err(internal)?;
    let created = app.store.clock().now().as_str().to_owned();
    let stored = Token { sha256: sha256_hex(&token), created };
    Ok((public, token, stored))
}
