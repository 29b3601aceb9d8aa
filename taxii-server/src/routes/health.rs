//! Health, for operators and their tools.

use crate::app::App;
use crate::error::ApiError;
use axum::extract::State;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The process runs.
#[utoipa::path(get, path = "/livez/", tag = "Operation", security(()),
    responses((status = 200, description = "It runs", body = String)))]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// The store can be read and written.
#[utoipa::path(get, path = "/readyz/", tag = "Operation", security(()),
    responses((status = 200, description = "It is ready", body = String),
        (status = 503, description = "It is stopping, or the disk fails"), (status = 507, description = "The disk is full")))]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    if app.is_stopping.load(Ordering::Relaxed) {
        return Err(ApiError::BUSY);
    }
    app.store.ready().await?;
    Ok("ok\n")
}
