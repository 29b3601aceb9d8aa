//! Health, for operators and their tools.

use crate::app::App;
use crate::error::ApiError;
use axum::extract::State;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Time for an answer of the store: proxies wait a second for that of the server.
const READY_TIME: Duration = Duration::from_millis(900);

/// The process runs.
#[utoipa::path(get, path = "/livez/", tag = "Operation", security(()),
    responses((status = 200, description = "It runs", body = String)))]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// The store can be read and written.
#[utoipa::path(get, path = "/readyz/", tag = "Operation", security(()),
    responses((status = 200, description = "It is ready", body = String),
        (status = 503, description = "It is stopping, the disk fails, or the store does not answer"), (status = 507, description = "The disk is full")))]
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    if app.is_stopping.load(Ordering::Relaxed) {
        return Err(ApiError::BUSY);
    }
    match tokio::time::timeout(READY_TIME, app.store.ready()).await {
        Ok(ready) => ready?,
        Err(_) => {
            let cause = "the store did not answer in time".into();
            return Err(ApiError::Unavailable { retry_after: Duration::from_secs(1), cause });
        }
    }
    Ok("ok\n")
}
