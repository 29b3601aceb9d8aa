use super::{Taxii, ok};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{ApiRootPath, RootAt, StatusAt, StatusPath};
use crate::openapi::ReadFailures;
use axum::extract::State;
use std::sync::Arc;
use stix_model::taxii::Status;

/// Get status: what became of a request to add objects, for the account that made it (TAXII 2.1, section 4.3).
#[utoipa::path(
    get, path = "/{api_root}/status/{status_id}/", tag = "TAXII 2.1",
    params(ApiRootPath, StatusPath),
    responses((status = 200, description = "What became of the objects", body = Status, content_type = "application/taxii+json;version=2.1"), ReadFailures)
)]
pub(crate) async fn get_status(
    State(app): State<Arc<App>>,
    at: RootAt,
    StatusAt(id): StatusAt,
) -> Result<Taxii<Status>, ApiError> {
    let status = app.store.status(&at.root.name, id, at.principal()).await?;
    status.map(ok).ok_or(ApiError::NotFound("status"))
}
