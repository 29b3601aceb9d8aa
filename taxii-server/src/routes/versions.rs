use super::{ok, with_dates};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{ApiRootPath, CollectionPath, ObjectAt, ObjectPath, PageQuery, Readable};
use crate::openapi::{MatchSpecVersion, PageFailures, Paging};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
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
    query: PageQuery,
) -> Result<Response, ApiError> {
    let request = query.of_object(id.clone()).of_all_versions().resolve(&app, &view)?;
    let mut page = app.store.manifest(&view, &request).await?;
    if page.items.is_empty() && !app.store.has_object(&view, &id).await? {
        return Err(ApiError::NotFound("object"));
    }
    let versions = std::mem::take(&mut page.items).into_iter().map(|record| record.version).collect();
    let versions = Versions { more: page.next.is_some(), next: page.next.clone(), versions };
    Ok(with_dates(ok(versions).into_response(), &page))
}
