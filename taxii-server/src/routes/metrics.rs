//! Metrics for operators and their tools.

use crate::app::App;
use crate::extract::Administrator;
use crate::metrics::CONTENT_TYPE;
use crate::openapi::AdminFailures;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::Arc;

/// Metrics for an administrator; the address for metrics gives them without credentials.
#[utoipa::path(get, path = "/metrics/", tag = "Operation",
    responses((status = 200, description = "Metrics", content_type = "application/openmetrics-text"), AdminFailures))]
pub(crate) async fn get_metrics(_: Administrator, app: State<Arc<App>>) -> impl IntoResponse {
    open_metrics(app).await
}

/// The same without credentials.
pub(crate) async fn open_metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], app.metrics.text(&app.store).await)
}
