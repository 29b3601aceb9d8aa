use super::ready::{self, Asked, Made};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{ApiRootPath, CollectionPath, PageQuery, Readable};
use crate::openapi::{MatchObjects, MatchSpecVersion, MatchVersion, PageFailures, Paging};
use axum::extract::State;
use axum::response::Response;
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
    asked: Asked,
    query: PageQuery,
) -> Result<Response, ApiError> {
    ready::page(&app, &view, asked, async |room| {
        let page = app.store.manifest(&view, &query.resolve(&app, &view)?).await?;
        let manifest = Manifest { more: page.next.is_some(), next: page.next, objects: page.items };
        Made::resource(room, page.date_added, &manifest).await
    })
    .await
}
