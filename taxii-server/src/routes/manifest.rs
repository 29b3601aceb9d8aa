use super::{ok, with_dates};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{ApiRootPath, CollectionPath, PageQuery, Readable};
use crate::openapi::{MatchObjects, MatchSpecVersion, MatchVersion, PageFailures, Paging};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use stix_model::taxii::Manifest;

/// Get object manifests (TAXII 2.1, section 5.3).
#[utoipa::path(
    get, path = "/{api_root}/collections/{id}/manifest/", tag = "TAXII 2.1",
    params(
        ApiRootPath, CollectionPath,
        Paging, MatchObjects, MatchVersion, MatchSpecVersion
    ),
    responses((status = 200, description = "A page of manifest records", body = Manifest, content_type = "application/taxii+json;version=2.1",
        headers(("X-TAXII-Date-Added-First" = String), ("X-TAXII-Date-Added-Last" = String))), PageFailures)
)]
pub(crate) async fn get_manifest(
    State(app): State<Arc<App>>,
    Readable(view): Readable,
    query: PageQuery,
) -> Result<Response, ApiError> {
    let mut page = app.store.manifest(&view, &query.resolve(&app, &view)?).await?;
    let objects = std::mem::take(&mut page.items);
    let manifest = Manifest { more: page.next.is_some(), next: page.next.clone(), objects };
    Ok(with_dates(ok(manifest).into_response(), &page))
}
