use super::resource::{
    AccessResource, AccountChange, AccountResource, AccountSecrets, NewAccount, NewPassword, Secrets,
};
use super::{AdminBody, internal, json};
use crate::app::App;
use crate::credentials::{hash_password, new_password, new_token, sha256_hex};
use crate::error::ApiError;
use crate::extract::{AccountPath, Administrator, GrantPath, TokenPath};
use crate::openapi::AdminFailures;
use crate::store::{self, DirectoryCommand, NewToken, Token};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use uuid::Uuid;

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
    responses((status = 201, description = "Credentials, shown this once", body = AccountSecrets), AdminFailures))]
pub(crate) async fn add_account(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    AdminBody(new): AdminBody<NewAccount>,
) -> Result<Response, ApiError> {
    let (password, hash) = password(new.password).await?;
    let (secret, token) = token(&app)?;
    let account = store::NewAccount {
        id: Uuid::new_v4(),
        organisation: new.organisation.unwrap_or(app.store.organisation()),
        name: new.name.clone(),
        password: Some(hash),
        token: Some(token),
        is_administrator: new.is_administrator,
        grants: new.grants.into_iter().map(|(scope, access)| (scope, access.into())).collect(),
    };
    administrator.change(&app, DirectoryCommand::AddAccount(account)).await?;
    Ok(json(StatusCode::CREATED, AccountSecrets { username: new.name, password, token: secret }))
}

/// Change an account. Its password, tokens and rights stay.
#[utoipa::path(patch, path = "/admin/accounts/{name}/", tag = "Administration", request_body = AccountChange,
    params(AccountPath),
    responses((status = 204, description = "Done"), AdminFailures))]
pub(crate) async fn change_account(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    AccountPath { name: account }: AccountPath,
    AdminBody(change): AdminBody<AccountChange>,
) -> Result<StatusCode, ApiError> {
    if change == AccountChange::default() {
        return Err(ApiError::Unprocessable("give `name` or `is_administrator`".to_owned()));
    }
    let command = DirectoryCommand::ChangeAccount { account, change: change.into() };
    administrator.change(&app, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove an account. Its credentials stop working at once.
#[utoipa::path(delete, path = "/admin/accounts/{name}/", tag = "Administration",
    params(AccountPath),
    responses((status = 204, description = "Removed"), AdminFailures))]
pub(crate) async fn delete_account(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    AccountPath { name }: AccountPath,
) -> Result<StatusCode, ApiError> {
    administrator.change(&app, DirectoryCommand::RemoveAccount { account: name.clone() }).await?;
    tracing::info!(account = name, "account removed");
    Ok(StatusCode::NO_CONTENT)
}

/// Give an account a new password. The old one stops working at once.
#[utoipa::path(put, path = "/admin/accounts/{name}/password/", tag = "Administration", request_body = NewPassword,
    params(AccountPath),
    responses((status = 200, description = "Credentials, shown this once", body = Secrets), AdminFailures))]
pub(crate) async fn set_password(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    AccountPath { name }: AccountPath,
    AdminBody(new): AdminBody<NewPassword>,
) -> Result<Response, ApiError> {
    let (password, hash) = password(new.password).await?;
    administrator.change(&app, DirectoryCommand::SetPassword { account: name.clone(), hash }).await?;
    Ok(json(StatusCode::OK, Secrets { username: name, password: Some(password), token: None }))
}

/// Set the rights of an account on a collection.
#[utoipa::path(put, path = "/admin/accounts/{name}/grants/{scope}/", tag = "Administration", request_body = AccessResource,
    params(GrantPath),
    responses((status = 204, description = "Done"), AdminFailures))]
pub(crate) async fn set_grant(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    GrantPath { name, scope }: GrantPath,
    AdminBody(access): AdminBody<AccessResource>,
) -> Result<StatusCode, ApiError> {
    let access = access.into();
    administrator.change(&app, DirectoryCommand::SetGrant { account: name, scope, access }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hide a collection from an account.
#[utoipa::path(delete, path = "/admin/accounts/{name}/grants/{scope}/", tag = "Administration",
    params(GrantPath),
    responses((status = 204, description = "Done"), AdminFailures))]
pub(crate) async fn delete_grant(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    GrantPath { name, scope }: GrantPath,
) -> Result<StatusCode, ApiError> {
    administrator.change(&app, DirectoryCommand::RemoveGrant { account: name, scope }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Add an API token to an account.
#[utoipa::path(post, path = "/admin/accounts/{name}/tokens/", tag = "Administration",
    params(AccountPath),
    responses((status = 201, description = "Credentials, shown this once", body = Secrets), AdminFailures))]
pub(crate) async fn add_token(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    AccountPath { name }: AccountPath,
) -> Result<Response, ApiError> {
    let (secret, token) = token(&app)?;
    administrator.change(&app, DirectoryCommand::AddToken { account: name.clone(), token }).await?;
    Ok(json(StatusCode::CREATED, Secrets { username: name, password: None, token: Some(secret) }))
}

/// Revoke an API token, named by its public part. It stops working at once.
#[utoipa::path(delete, path = "/admin/accounts/{name}/tokens/{token_id}/", tag = "Administration",
    params(TokenPath),
    responses((status = 204, description = "Revoked"), AdminFailures))]
pub(crate) async fn delete_token(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    TokenPath { name, token_id }: TokenPath,
) -> Result<StatusCode, ApiError> {
    let command = DirectoryCommand::RemoveToken { account: name, public: token_id };
    administrator.change(&app, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the given password or a random one, and its hash. Hashing is slow by design, so it runs on a thread of its own.
async fn password(given: Option<String>) -> Result<(String, String), ApiError> {
    let password = match given {
        Some(password) => password,
        None => new_password().map_err(internal)?,
    };
    if !(12..=1024).contains(&password.len()) {
        let reason = "password: at least 12 bytes, at most 1024; leave it out to get a random one";
        return Err(ApiError::Unprocessable(reason.to_owned()));
    }
    let hashing = tokio::task::spawn_blocking(move || hash_password(&password).map(|hash| (password, hash)));
    hashing.await.map_err(|error| ApiError::Internal(error.into()))?.map_err(internal)
}

/// Makes an API token, and what is stored of it.
fn token(app: &App) -> Result<(String, NewToken), ApiError> {
    let (public, secret) = new_token().map_err(internal)?;
    let created = app.store.clock().now().as_str().to_owned();
    let token = Token { sha256: sha256_hex(&secret), created };
    Ok((secret, NewToken { public, token }))
}
