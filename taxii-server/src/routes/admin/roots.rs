use super::resource::{ApiRootChange, ApiRootResource, NewApiRoot};
use super::{AdminBody, json};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Administrator, ApiRootRecordPath};
use crate::openapi::AdminFailures;
use crate::store::{ApiRoot, Directory, DirectoryCommand};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

/// List API roots.
#[utoipa::path(get, path = "/admin/api-roots/", tag = "Administration",
    responses((status = 200, description = "All API roots", body = Vec<ApiRootResource>), AdminFailures))]
pub(crate) async fn get_api_roots(State(app): State<Arc<App>>, _: Administrator) -> Response {
    let directory = app.store.directory();
    json(
        StatusCode::OK,
        directory.api_roots.values().map(|root| resource(&directory, root)).collect::<Vec<_>>(),
    )
}

/// Add an API root.
#[utoipa::path(post, path = "/admin/api-roots/", tag = "Administration", request_body = NewApiRoot,
    responses((status = 201, description = "The API root", body = ApiRootResource), AdminFailures))]
pub(crate) async fn add_api_root(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    AdminBody(new): AdminBody<NewApiRoot>,
) -> Result<Response, ApiError> {
    let root = ApiRoot {
        title: new.title.unwrap_or_else(|| new.name.clone()),
        name: new.name,
        description: new.description,
        is_default: new.is_default,
    };
    let name = root.name.clone();
    administrator.change(&app, DirectoryCommand::AddApiRoot(root)).await?;
    Ok(json(StatusCode::CREATED, find(&app, &name)?))
}

/// Change an API root. With another name its URLs change, and statuses of earlier requests are not found below the new one.
#[utoipa::path(patch, path = "/admin/api-roots/{name}/", tag = "Administration", request_body = ApiRootChange,
    params(ApiRootRecordPath),
    responses((status = 200, description = "The API root", body = ApiRootResource), AdminFailures))]
pub(crate) async fn change_api_root(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    ApiRootRecordPath { name }: ApiRootRecordPath,
    AdminBody(change): AdminBody<ApiRootChange>,
) -> Result<Response, ApiError> {
    let new_name = change.name.clone().unwrap_or_else(|| name.clone());
    let command = DirectoryCommand::ChangeApiRoot { name, change: change.into() };
    administrator.change(&app, command).await?;
    Ok(json(StatusCode::OK, find(&app, &new_name)?))
}

/// Remove an API root that has no collections.
#[utoipa::path(delete, path = "/admin/api-roots/{name}/", tag = "Administration",
    params(ApiRootRecordPath),
    responses((status = 204, description = "Removed"), AdminFailures))]
pub(crate) async fn delete_api_root(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    ApiRootRecordPath { name }: ApiRootRecordPath,
) -> Result<StatusCode, ApiError> {
    administrator.change(&app, DirectoryCommand::RemoveApiRoot { name: name.clone() }).await?;
    tracing::info!(api_root = name, "API root removed");
    Ok(StatusCode::NO_CONTENT)
}

fn find(app: &App, name: &str) -> Result<ApiRootResource, ApiError> {
    let directory = app.store.directory();
    let root = directory.api_roots.get(name).ok_or(ApiError::Missing("API root"))?;
    Ok(resource(&directory, root))
}

fn resource(directory: &Directory, root: &ApiRoot) -> ApiRootResource {
    let is_default = directory.default_api_root().is_some_and(|default| default.name == root.name);
    ApiRootResource::new(root, is_default)
}
