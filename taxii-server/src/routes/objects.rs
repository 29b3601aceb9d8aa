use super::envelope::envelope;
use super::ready::{self, Asked};
use super::{Taxii, taxii_response};
use crate::admission::{self, Posted};
use crate::app::App;
use crate::clock::timestamp;
use crate::error::ApiError;
use crate::extract::{
    ApiRootPath, CollectionPath, Deletable, EnvelopeBody, ObjectAt, ObjectPath, PageQuery, RECHECKS,
    Readable, RequestId, VersionQuery, Writable,
};
use crate::openapi::{AddFailures, MatchObjects, MatchSpecVersion, MatchVersion, PageFailures, Paging};
use crate::rights::{Action, Decision, Principal, Resource, decide};
use crate::routes::admin::json;
use crate::store::{
    CollectionMode, Deletion, Filter, PageRequest, Rejection, Revocation, Stamps, StoreError, Submission,
    View,
};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;
use stix_model::taxii::Status;

/// Most versions of an object that one request proposes to take back.
const MOST_REVOKED: usize = 1000;

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
    Readable(view): Readable,
    asked: Asked,
    query: PageQuery,
) -> Result<Response, ApiError> {
    ready::page(&app, &view, asked, async |room| {
        let places = app.store.places(&view, &query.resolve(&app, &view)?).await?;
        envelope(&app, room, places).await
    })
    .await
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
    at: Writable,
    request: RequestId,
    body: EnvelopeBody,
) -> Result<Taxii<Status>, ApiError> {
    let received = app.store.clock().now_micros();
    let (id, fingerprint) = (request.id, request.fingerprint(at.collection(), &body.0));
    for _ in 0..RECHECKS {
        let (view, principal) = at.decide(&app)?;
        let Posted { objects, stamps } = admit(&app, &body, &view, &principal).await?;
        let submission = Submission { id, fingerprint, received, objects, stamps };
        let added = match view.collection.mode {
            CollectionMode::Approval => app.store.propose(&view, &principal, submission).await,
            CollectionMode::Open | CollectionMode::Review => {
                app.store.add(&view, &principal, submission).await
            }
        };
        match added {
            Err(StoreError::Rejected(Rejection::Stale)) => {}
            outcome => {
                let status = outcome?;
                // A repeated request gets the status of the first, with the time of that.
                if status.request_timestamp == Some(timestamp(received)) {
                    app.metrics.count_added(&status);
                }
                return Ok(Taxii(StatusCode::ACCEPTED, status));
            }
        }
    }
    Err(ApiError::BUSY)
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
    Readable(view): Readable,
    ObjectAt(id): ObjectAt,
    asked: Asked,
    query: PageQuery,
) -> Result<Response, ApiError> {
    ready::page(&app, &view, asked, async |room| {
        let request = query.of_object(id.clone()).resolve(&app, &view)?;
        let places = app.store.places(&view, &request).await?;
        // A known object of which no version passes the filters is an empty envelope, not an error. But a version that is
        // asked for by its instant alone is there or not (section 5.7: 404 after it was deleted).
        let names_versions = request.after.is_none() && request.filter.wants_only_instants();
        if places.page.items.is_empty() && (names_versions || !app.store.has_object(&view, &id).await?) {
            return Err(ApiError::NotFound("object"));
        }
        envelope(&app, room, places).await
    })
    .await
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
    at: Deletable,
    ObjectAt(id): ObjectAt,
    VersionQuery(filter): VersionQuery,
    request: RequestId,
) -> Result<Response, ApiError> {
    let deletion = Deletion { request: request.id, id, filter };
    for _ in 0..RECHECKS {
        let (view, principal) = at.decide(&app)?;
        if view.collection.mode == CollectionMode::Approval {
            return revoke(&app, &view, deletion).await;
        }
        match app.store.delete(&view, &principal, deletion.clone()).await {
            Err(StoreError::Rejected(Rejection::Stale)) => {}
            Err(error) if !request.is_given => return Err(ApiError::from(error).of_deletion()),
            outcome => match outcome? {
                0 => return Err(ApiError::NotFound("version of this object")),
                _ => return Ok(taxii_response(StatusCode::OK, Vec::new())),
            },
        }
    }
    Err(ApiError::BUSY)
}

/// Proposes to take back what a deletion names. The answer is 200 where it is gone, and 202 with the proposals where votes
/// are awaited.
async fn revoke(app: &App, view: &View, deletion: Deletion) -> Result<Response, ApiError> {
    let Deletion { request, id, filter } = deletion;
    let page = PageRequest::first(Filter { ids: Some([id].into()), ..filter }, MOST_REVOKED);
    let revocation =
        Revocation { reason: "asked for by a client of this server (DELETE)".to_owned(), page: page.clone() };
    let proposals = app.store.propose_revocation(view, request, revocation).await?;
    if app.store.objects(view, &page).await?.items.is_empty() {
        return Ok(taxii_response(StatusCode::OK, Vec::new()));
    }
    let proposals: Vec<_> = proposals.iter().map(ToString::to_string).collect();
    Ok(json(StatusCode::ACCEPTED, serde_json::json!({ "proposals": proposals })))
}

/// Holds the objects of an envelope against what the collection takes, away from the request threads and before the one
/// writer of the store.
async fn admit(
    app: &App,
    body: &EnvelopeBody,
    view: &View,
    principal: &Principal,
) -> Result<Posted, ApiError> {
    let (body, collection) = (body.0.clone(), Arc::clone(&view.collection));
    let posted = app.budgets.work.run(move |cancel| admission::read(&body, &collection, cancel)).await?;
    let posted = posted.map_err(|error| ApiError::Unprocessable(error.to_string()))?;
    let resource = Resource::Collection(view.collection.id);
    let may_restore = matches!(decide(principal, Action::Restore, resource), Decision::Allow(_));
    if posted.stamps != Stamps::Clock && view.collection.mode != CollectionMode::Open {
        return Err(ApiError::Unprocessable(
            "this collection gives objects their date_added itself".to_owned(),
        ));
    }
    if posted.stamps == Stamps::Clock || may_restore {
        Ok(posted)
    } else {
        Err(ApiError::Forbidden("give objects their date_added"))
    }
}
