use super::resource::{CollectionChange, CollectionResource, NewCollection};
use super::{AdminBody, json};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Administrator, CollectionRecordPath, PageQuery};
use crate::openapi::AdminFailures;
use crate::store::{self, Collection, DirectoryCommand};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use stix_model::SpecVersion;
use uuid::Uuid;

/// List all collections.
#[utoipa::path(get, path = "/admin/collections/", tag = "Administration",
    responses((status = 200, description = "All collections", body = Vec<CollectionResource>), AdminFailures))]
pub(crate) async fn get_admin_collections(
    State(app): State<Arc<App>>,
    administrator: Administrator,
) -> Result<Response, ApiError> {
    let collections: Vec<_> = app.store.directory().collections.values().cloned().collect();
    Ok(json(StatusCode::OK, resources(&app, &administrator, collections).await?))
}

/// Add a collection.
#[utoipa::path(post, path = "/admin/collections/", tag = "Administration", request_body = NewCollection,
    responses((status = 201, description = "The collection", body = CollectionResource), AdminFailures))]
pub(crate) async fn add_collection(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    AdminBody(new): AdminBody<NewCollection>,
) -> Result<Response, ApiError> {
    let not_a_uuid = || {
        let reason = "id: must be a UUID; a name of another form can be the alias";
        ApiError::Unprocessable(reason.to_owned())
    };
    let id = match new.id {
        Some(id) => id.parse().map_err(|_| not_a_uuid())?,
        None => Uuid::new_v4(),
    };
    let collection = store::NewCollection {
        id,
        api_root: new.api_root,
        title: new.title,
        description: new.description,
        alias: new.alias,
        spec_versions: new.spec_versions.unwrap_or_else(|| vec![SpecVersion::V2_1]),
        profile: new.profile,
        unmarked: new.unmarked,
        conflicts: new.conflicts,
    };
    administrator.change(&app, DirectoryCommand::AddCollection(collection)).await?;
    Ok(json(StatusCode::CREATED, resource(&app, &administrator, id).await?))
}

/// Change a collection. A new level of objects without a marking moves those that are stored: they get new positions, so
/// that every client that may see them gets them.
#[utoipa::path(patch, path = "/admin/collections/{id}/", tag = "Administration", request_body = CollectionChange,
    params(CollectionRecordPath),
    responses((status = 200, description = "The collection", body = CollectionResource), AdminFailures))]
pub(crate) async fn change_collection(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    CollectionRecordPath { id }: CollectionRecordPath,
    AdminBody(change): AdminBody<CollectionChange>,
) -> Result<Response, ApiError> {
    if change == CollectionChange::default() {
        let reason =
            "give `title`, `description`, `alias`, `spec_versions`, `profile`, `unmarked` or `conflicts`";
        return Err(ApiError::Unprocessable(reason.to_owned()));
    }
    let is_moving = change.unmarked.is_some();
    let command = DirectoryCommand::ChangeCollection { collection: id, change: change.into() };
    administrator.change(&app, command).await?;
    if is_moving {
        app.store.relevel(id).await?;
    }
    Ok(json(StatusCode::OK, resource(&app, &administrator, id).await?))
}

/// Delete a collection with everything in it.
#[utoipa::path(delete, path = "/admin/collections/{id}/", tag = "Administration",
    params(CollectionRecordPath),
    responses((status = 204, description = "Removed"), AdminFailures))]
pub(crate) async fn delete_collection(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    CollectionRecordPath { id }: CollectionRecordPath,
) -> Result<StatusCode, ApiError> {
    let CollectionResource { title, versions, bytes, .. } = resource(&app, &administrator, id).await?;
    administrator.change(&app, DirectoryCommand::RemoveCollection { collection: id }).await?;
    tracing::info!(collection = %id, title, versions, bytes, "collection removed");
    Ok(StatusCode::NO_CONTENT)
}

/// Get all versions of all objects with their `date_added`, for a backup: a page of JSON lines. The header
/// `X-Concord-Next` has the parameter `next` of the next page.
#[utoipa::path(get, path = "/admin/collections/{id}/records/", tag = "Administration",
    params(CollectionRecordPath, ("next" = Option<String>, Query, description = "`X-Concord-Next` of the page before")),
    responses((status = 200, description = "Records", content_type = "application/x-ndjson"), AdminFailures))]
pub(crate) async fn get_records(
    State(app): State<Arc<App>>,
    administrator: Administrator,
    CollectionRecordPath { id }: CollectionRecordPath,
    query: PageQuery,
) -> Result<Response, ApiError> {
    let view = administrator.view(find(&app, id)?);
    let request = query.of_everything().resolve(&app, &view)?;
    let page = app.store.records(&view, &request).await?;
    let mut lines = Vec::new();
    for (date_added, object) in &page.items {
        lines.extend_from_slice(format!(r#"{{"date_added":"{date_added}","#).as_bytes());
        // An object that spans lines goes into a string, so that a line is a record and no byte is lost.
        if object.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
            lines.extend_from_slice(br#""object_text":"#);
            let text = String::from_utf8_lossy(object);
            lines.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
        } else {
            lines.extend_from_slice(br#""object":"#);
            lines.extend_from_slice(object);
        }
        lines.extend_from_slice(b"}\n");
    }
    let mut response = ([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response();
    if let Some(next) = page.next.and_then(|next| next.parse().ok()) {
        response.headers_mut().insert("x-concord-next", next);
    }
    Ok(response)
}

async fn resource(
    app: &App,
    administrator: &Administrator,
    id: Uuid,
) -> Result<CollectionResource, ApiError> {
    let resources = resources(app, administrator, vec![find(app, id)?]).await?;
    resources.into_iter().next().ok_or(ApiError::Missing("collection"))
}

async fn resources(
    app: &App,
    administrator: &Administrator,
    collections: Vec<Arc<Collection>>,
) -> Result<Vec<CollectionResource>, ApiError> {
    let views: Vec<_> = collections.into_iter().map(|collection| administrator.view(collection)).collect();
    let contents = app.store.contents(&views).await?;
    let with_contents = views.iter().zip(contents);
    Ok(with_contents.map(|(view, contents)| CollectionResource::new(&view.collection, contents)).collect())
}

fn find(app: &App, id: Uuid) -> Result<Arc<Collection>, ApiError> {
    app.store.directory().collections.get(&id).cloned().ok_or(ApiError::Missing("collection"))
}
