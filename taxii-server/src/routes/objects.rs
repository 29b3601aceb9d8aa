use super::{Taxii, taxii_response, with_dates};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{
    ApiRootPath, CollectionPath, Deletable, EnvelopeBody, ObjectAt, ObjectPath, PageQuery, Posted, Readable,
    VersionQuery, Writable,
};
use crate::openapi::{AddFailures, MatchObjects, MatchSpecVersion, MatchVersion, PageFailures, Paging};
use crate::store::{Add, Delete, Page};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use std::sync::Arc;
use stix_model::taxii::{Status, write_envelope};

/// Get objects (TAXII 2.1, section 5.4).
#[utoipa::path(
    get, path = "/{api_root}/collections/{id}/objects/", tag = "TAXII 2.1",
    params(
        ApiRootPath, CollectionPath,
        Paging, MatchObjects, MatchVersion, MatchSpecVersion
    ),
    responses((status = 200, description = "A page of objects", body = crate::openapi::Envelope, content_type = "application/taxii+json;version=2.1",
        headers(("X-TAXII-Date-Added-First" = String), ("X-TAXII-Date-Added-Last" = String))), PageFailures)
)]
pub(crate) async fn get_objects(
    State(app): State<Arc<App>>,
    Readable(collection): Readable,
    query: PageQuery,
) -> Result<Response, ApiError> {
    Ok(envelope(&app.store.objects(&collection, &query.resolve(&app, &collection)?).await?))
}

/// Add objects (TAXII 2.1, section 5.5). When the answer comes, everything in its `successes` is durable and visible.
/// A STIX bundle is taken for an envelope.
///
/// An object that does not satisfy the profile of the collection is refused, and the others go in. Why stands in the
/// `message` of its failure: `CODE at POINTER: SENTENCE (RULE); N more errors`, with a JSON pointer into the request.
#[utoipa::path(
    post, path = "/{api_root}/collections/{id}/objects/", tag = "TAXII 2.1",
    params(ApiRootPath, CollectionPath),
    request_body(content = crate::openapi::Envelope, content_type = "application/taxii+json;version=2.1"),
    responses((status = 202, description = "What became of the objects", body = Status, content_type = "application/taxii+json;version=2.1"), AddFailures)
)]
pub(crate) async fn add_objects(
    State(app): State<Arc<App>>,
    Writable { caller, collection }: Writable,
    body: EnvelopeBody,
) -> Result<Taxii<Status>, ApiError> {
    let request_timestamp = app.store.clock().now();
    let Posted { objects, stamps } = body.read(&caller, &collection).await?;
    let account = caller.name.clone();
    let status = app.store.add(Add { collection, account, request_timestamp, objects, stamps }).await?;
    app.metrics.count_added(&status);
    Ok(Taxii(StatusCode::ACCEPTED, status))
}

/// Get an object (TAXII 2.1, section 5.6).
#[utoipa::path(
    get, path = "/{api_root}/collections/{id}/objects/{object_id}/", tag = "TAXII 2.1",
    params(
        ApiRootPath, CollectionPath,
        ObjectPath, Paging, MatchVersion, MatchSpecVersion
    ),
    responses((status = 200, description = "A page of objects", body = crate::openapi::Envelope, content_type = "application/taxii+json;version=2.1",
        headers(("X-TAXII-Date-Added-First" = String), ("X-TAXII-Date-Added-Last" = String))), PageFailures)
)]
pub(crate) async fn get_object(
    State(app): State<Arc<App>>,
    Readable(collection): Readable,
    ObjectAt(id): ObjectAt,
    query: PageQuery,
) -> Result<Response, ApiError> {
    let request = query.of_object(id.clone()).resolve(&app, &collection)?;
    let page = app.store.objects(&collection, &request).await?;
    // A known object of which no version passes the filters is an empty envelope, not an error. But a version that is
    // asked for by its instant alone is there or not (section 5.7: 404 after it was deleted).
    let names_versions = request.after.is_none() && request.filter.wants_only_instants();
    let is_missing = names_versions || !app.store.has_object(&collection, &id).await?;
    if page.items.is_empty() && is_missing {
        return Err(ApiError::NotFound("object"));
    }
    Ok(envelope(&page))
}

/// Delete an object: its last version, or those that `match[version]` names (TAXII 2.1, section 5.7).
#[utoipa::path(
    delete, path = "/{api_root}/collections/{id}/objects/{object_id}/", tag = "TAXII 2.1",
    params(
        ApiRootPath, CollectionPath,
        ObjectPath, MatchVersion, MatchSpecVersion
    ),
    responses((status = 200, description = "Deleted"), PageFailures)
)]
pub(crate) async fn delete_object(
    State(app): State<Arc<App>>,
    Deletable(collection): Deletable,
    ObjectAt(id): ObjectAt,
    VersionQuery(filter): VersionQuery,
) -> Result<Response, ApiError> {
    match app.store.delete(Delete { collection, id, filter }).await? {
        0 => Err(ApiError::NotFound("version of this object")),
        _ => Ok(taxii_response(StatusCode::OK, Vec::new())),
    }
}

fn envelope(page: &Page<Bytes>) -> Response {
    let objects = page.items.iter().map(|object| &object[..]);
    with_dates(taxii_response(StatusCode::OK, write_envelope(page.next.as_deref(), objects)), page)
}
