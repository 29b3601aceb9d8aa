use super::resource::{CollectionChange, CollectionResource, NewCollection};
use super::{AdminBody, json, names};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Administrator, CollectionRecordPath, PageQuery};
use crate::openapi::AdminFailures;
use crate::store::{Account, Collection, DirectoryChange, GrantScope, Profile, StoreError};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use stix_model::SpecVersion;
use uuid::Uuid;

/// List all collections.
#[utoipa::path(get, path = "/admin/collections/", tag = "Administration",
    responses((status = 200, description = "All collections", body = Vec<CollectionResource>), AdminFailures))]
pub(crate) async fn get_admin_collections(State(app): State<Arc<App>>, _: Administrator) -> Response {
    let directory = app.store.directory();
    json(
        StatusCode::OK,
        directory
            .collections
            .values()
            .map(|collection| CollectionResource::from(&**collection))
            .collect::<Vec<_>>(),
    )
}

/// Add a collection.
#[utoipa::path(post, path = "/admin/collections/", tag = "Administration", request_body = NewCollection,
    responses((status = 201, description = "The collection", body = CollectionResource), AdminFailures))]
pub(crate) async fn add_collection(
    State(app): State<Arc<App>>,
    _: Administrator,
    AdminBody(new): AdminBody<NewCollection>,
) -> Result<Response, ApiError> {
    names::check_title(&new.title)?;
    new.alias.as_deref().map_or(Ok(()), names::check_alias)?;
    let id = new.id.map_or_else(|| Some(Uuid::new_v4()), |id| id.parse().ok());
    let Some(id) = id.filter(|id| id.get_version_num() == 4) else {
        return Err(ApiError::Unprocessable("id: must be a UUID of version 4".to_owned()));
    };
    let mut spec_versions = new.spec_versions.unwrap_or_else(|| vec![SpecVersion::V2_1]);
    spec_versions.sort_unstable();
    spec_versions.dedup();
    if spec_versions.is_empty() {
        return Err(ApiError::Unprocessable("spec_versions: give at least one of 2.0 and 2.1".to_owned()));
    }
    check_profile(new.profile, &spec_versions)?;
    let collection = Collection {
        id,
        api_root: new.api_root,
        title: new.title,
        description: new.description,
        alias: new.alias,
        spec_versions,
        profile: new.profile,
        number: 0,
    };
    app.store
        .change_directory(move |directory| {
            let refuse = |reason: String| Err(StoreError::Refused(reason));
            if !directory.api_roots.contains_key(&collection.api_root) {
                return refuse(format!("there is no API root {}; add it first", collection.api_root));
            }
            if directory.collections.contains_key(&collection.id) {
                return refuse(format!("there is a collection {} already", collection.id));
            }
            let of_root = |other: &&Arc<Collection>| other.api_root == collection.api_root;
            for other in directory.collections.values().filter(of_root) {
                if other.title == collection.title {
                    return refuse(format!(
                        "there is a collection with the title {:?} already",
                        collection.title
                    ));
                }
                if other.alias.is_some() && other.alias == collection.alias {
                    return refuse(format!("the alias is taken by the collection {}", other.id));
                }
            }
            let mut change = DirectoryChange::default();
            change.put_collection(&Collection { number: directory.free_number()?, ..collection.clone() })?;
            Ok(change)
        })
        .await?;
    Ok(json(StatusCode::CREATED, CollectionResource::from(&*find(&app, id)?)))
}

/// Change a collection.
#[utoipa::path(patch, path = "/admin/collections/{id}/", tag = "Administration", request_body = CollectionChange,
    params(CollectionRecordPath),
    responses((status = 200, description = "The collection", body = CollectionResource), AdminFailures))]
pub(crate) async fn change_collection(
    State(app): State<Arc<App>>,
    _: Administrator,
    CollectionRecordPath { id }: CollectionRecordPath,
    AdminBody(CollectionChange { profile }): AdminBody<CollectionChange>,
) -> Result<Response, ApiError> {
    check_profile(profile, &find(&app, id)?.spec_versions)?;
    app.store
        .change_directory(move |directory| {
            let collection = directory.collections.get(&id).ok_or(StoreError::NoCollection)?;
            let mut change = DirectoryChange::default();
            change.put_collection(&Collection { profile, ..Collection::clone(collection) })?;
            Ok(change)
        })
        .await?;
    Ok(json(StatusCode::OK, CollectionResource::from(&*find(&app, id)?)))
}

/// Delete a collection with everything in it.
#[utoipa::path(delete, path = "/admin/collections/{id}/", tag = "Administration",
    params(CollectionRecordPath),
    responses((status = 204, description = "Removed"), AdminFailures))]
pub(crate) async fn delete_collection(
    State(app): State<Arc<App>>,
    _: Administrator,
    CollectionRecordPath { id }: CollectionRecordPath,
) -> Result<StatusCode, ApiError> {
    find(&app, id)?;
    app.store
        .change_directory(move |directory| {
            let collection = directory.collections.get(&id).ok_or(StoreError::NoCollection)?;
            let mut change = DirectoryChange::default();
            change.remove_collection(collection.id, collection.number);
            // A later collection with the same id must not inherit the rights on this one.
            let scope = GrantScope::Collection(collection.id);
            for account in directory.accounts.values().filter(|account| account.grants.contains_key(&scope)) {
                let mut account = Account::clone(account);
                account.grants.remove(&scope);
                change.put_account(&account)?;
            }
            Ok(change)
        })
        .await?;
    app.maintenance.notify_one();
    Ok(StatusCode::NO_CONTENT)
}

/// Get all versions of all objects with their `date_added`, for a backup: a page of JSON lines. The header
/// `X-Concord-Next` has the parameter `next` of the next page.
#[utoipa::path(get, path = "/admin/collections/{id}/records/", tag = "Administration",
    params(CollectionRecordPath, ("next" = Option<String>, Query, description = "`X-Concord-Next` of the page before")),
    responses((status = 200, description = "Records", content_type = "application/x-ndjson"), AdminFailures))]
pub(crate) async fn get_records(
    State(app): State<Arc<App>>,
    _: Administrator,
    CollectionRecordPath { id }: CollectionRecordPath,
    query: PageQuery,
) -> Result<Response, ApiError> {
    let collection = find(&app, id)?;
    let request = query.of_everything().resolve(&app, &collection)?;
    let page = app.store.records(&collection, &request).await?;
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

/// Refuses a profile for STIX 2.1 in a collection that takes only STIX 2.0.
fn check_profile(profile: Profile, spec_versions: &[SpecVersion]) -> Result<(), ApiError> {
    if profile.takes_stix_2_0() || spec_versions.contains(&SpecVersion::V2_1) {
        return Ok(());
    }
    let reason = format!("profile: `{}` takes STIX 2.1 only, and the collection does not", profile.as_str());
    Err(ApiError::Unprocessable(reason))
}

fn find(app: &App, id: Uuid) -> Result<Arc<Collection>, ApiError> {
    app.store.directory().collections.get(&id).cloned().ok_or(ApiError::Missing("collection"))
}
