use super::resource::{ApiRootResource, NewApiRoot};
use super::{AdminBody, json};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Administrator, ApiRootRecordPath};
use crate::openapi::AdminFailures;
use crate::store::{ApiRoot, DirectoryCommand};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

/// List API roots.
#[utoipa::path(get, path = "/admin/api-roots/", tag = "Administration",
    responses((status = 200, description = "All API roots", body = Vec<ApiRootResource>), AdminFailures))]
pub(crate) async fn get_api_roots(State(app): State<Arc<App>>, _: Administrator) -> Response {
    json(
        StatusCode::OK,
        app.store.directory().api_roots.values().map(ApiRootResource::from).collect::<Vec<_>>(),
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
    };
    let added = ApiRootResource::from(&root);
    administrator.change(&app, DirectoryCommand::AddApiRoot(root)).await?;
    Ok(json(StatusCode::CREATED, added))
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
    administrator.change(&app, DirectoryCommand::RemoveApiRoot { name }).await?;
    Ok(StatusCode::NO_CONTENT)
}
