use super::resource::{ApiRootResource, NewApiRoot};
use super::{AdminBody, json, names};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Administrator, ApiRootRecordPath};
use crate::openapi::AdminFailures;
use crate::store::{ApiRoot, DirectoryChange, StoreError};
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
    _: Administrator,
    AdminBody(new): AdminBody<NewApiRoot>,
) -> Result<Response, ApiError> {
    let root = ApiRoot {
        title: new.title.unwrap_or_else(|| new.name.clone()),
        name: new.name,
        description: new.description,
    };
    names::check_root(&root.name)?;
    names::check_title(&root.title)?;
    let added = ApiRootResource::from(&root);
    app.store
        .change_directory(move |directory| {
            if directory.api_roots.contains_key(&root.name) {
                return Err(StoreError::Refused(format!("there is an API root {} already", root.name)));
            }
            let mut change = DirectoryChange::default();
            change.put_api_root(&root)?;
            Ok(change)
        })
        .await?;
    Ok(json(StatusCode::CREATED, added))
}

/// Remove an API root that has no collections.
#[utoipa::path(delete, path = "/admin/api-roots/{name}/", tag = "Administration",
    params(ApiRootRecordPath),
    responses((status = 204, description = "Removed"), AdminFailures))]
pub(crate) async fn delete_api_root(
    State(app): State<Arc<App>>,
    _: Administrator,
    ApiRootRecordPath { name }: ApiRootRecordPath,
) -> Result<StatusCode, ApiError> {
    if !app.store.directory().api_roots.contains_key(&name) {
        return Err(ApiError::Missing("API root"));
    }
    app.store
        .change_directory(move |directory| {
            if directory.collections.values().any(|collection| collection.api_root == name) {
                return Err(StoreError::Refused(
                    "the API root has collections; remove them first".to_owned(),
                ));
            }
            let mut change = DirectoryChange::default();
            change.remove_api_root(&name);
            Ok(change)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
