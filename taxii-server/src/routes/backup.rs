//! A backup of the whole store, for the operator of this machine only: it holds the hashes of passwords, and secrets.

use crate::app::App;
use crate::archive::{Encoder, Head};
use crate::error::ApiError;
use crate::store::{Backup, BackupError};
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use std::convert::Infallible;
use std::sync::Arc;

/// Starts a backup, and answers with its bytes as they are read. A client that goes away ends it.
pub(crate) async fn make_backup(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let backup = app.store.backup().await?;
    let (encoder, start) = Encoder::start(&Head::new(backup.format(), backup.versions()));
    tracing::info!("a backup begins");
    let state = Some((backup, encoder, Some(start)));
    let bytes = stream::unfold(state, |state| async move {
        let (mut backup, encoder, start) = state?;
        match start {
            Some(start) => Some((start, Some((backup, encoder, None)))),
            None => {
                let (bytes, encoder) = next(&mut backup, encoder).await;
                Some((bytes, encoder.map(|encoder| (backup, encoder, None))))
            }
        }
    });
    let body = Body::from_stream(stream::StreamExt::map(bytes, Ok::<_, Infallible>));
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response())
}

/// The next bytes, and the encoder when more come.
async fn next(backup: &mut Backup, mut encoder: Encoder) -> (Bytes, Option<Encoder>) {
    match backup.next().await {
        Ok(Some(records)) => (encoder.records(&records), Some(encoder)),
        Ok(None) => {
            tracing::info!("a backup is complete");
            (encoder.end(), None)
        }
        Err(error) => {
            tracing::warn!(%error, "a backup failed");
            (Encoder::failure(&error.to_string()), None)
        }
    }
}

impl From<BackupError> for ApiError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            error => Self::Conflict(error.to_string()),
        }
    }
}
