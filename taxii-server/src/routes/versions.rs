use super::ready::{self, Asked, Made};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{ApiRootPath, CollectionPath, ObjectAt, ObjectPath, PageQuery, Readable};
use crate::openapi::{MatchSpecVersion, PageFailures, Paging};
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;
use stix_model::taxii::Versions;

/// Get object versions (TAXII 2.1, section 5.8).
#[utoipa::path(
    get, path = "/{api_root}/collections/{id}/objects/{object_id}/versions/", tag = "TAXII 2.1",
    params(
        ApiRootPath, CollectionPath,
        ObjectPath, Paging, MatchSpecVersion
    ),
    responses((status = 200, description = "A page of versions", body = Versions, content_type = "application/taxii+json;version=2.1",
        headers(("X-TAXII-Date-Added-First" = String), ("X-TAXII-Date-Added-Last" = String))), PageFailures)
)]
pub(crate) async fn get_versions(
    State(app): State<Arc<App>>,
    Readable(view): Readable,
    ObjectAt(id): ObjectAt,
    asked: Asked,
    query: PageQuery,
) -> Result<Response, ApiError> {
    ready::page(&app, &view, asked, async |room| {
        let request = query.of_object(id.clone()).of_all_versions().resolve(&app, &view)?;
        let page = app.store.manifest(&view, &request).await?;
        if page.items.is_empty() && !app.store.has_object(&view, &id).await? {
            return Err(ApiError::NotFound("object"));
        }
        let versions = page.items.into_iter().map(|record| record.version).collect();
        let versions = Versions { more: page.next.is_some(), next: page.next, versions };
        Made::resource(room, page.date_added, &versions).await
    })
    .await
}
