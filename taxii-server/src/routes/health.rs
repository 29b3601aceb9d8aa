//! For operators and their tools: health, metrics, the OpenAPI document and its page.

use crate::app::App;
use crate::error::ApiError;
use crate::extract::Administrator;
use crate::metrics;
use crate::openapi::AdminFailures;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use std::sync::Arc;

/// The process runs.
#[utoipa::path(get, path = "/livez/", tag = "Operation", security(()),
    responses((status = 200, description = "It runs", body = String)))]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// The store can be read and written.
#[utoipa::path(get, path = "/readyz/", tag = "Operation", security(()),
    responses((status = 200, description = "It is ready", body = String),
        (status = 503, description = "It is stopping"), (status = 507, description = "The disk refused a write")))]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    app.store.ready().await?;
    Ok("ok\n")
}

/// Metrics for an administrator; the metrics address gives them to everybody who can reach it.
#[utoipa::path(get, path = "/metrics/", tag = "Operation",
    responses((status = 200, description = "Metrics", content_type = "application/openmetrics-text"), AdminFailures))]
pub(crate) async fn metrics(_: Administrator, app: State<Arc<App>>) -> impl IntoResponse {
    open_metrics(app).await
}

pub(crate) async fn open_metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], app.metrics.text())
}

/// A readable page over the OpenAPI document, complete in itself.
pub(crate) async fn docs() -> Html<&'static str> {
    Html(include_str!("docs.html"))
}
