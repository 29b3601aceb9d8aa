//! The bytes of a backup, as the server reads them.

use super::{Control, ControlError, Endpoint, Reply, remote};
use axum::body::Body;
use axum::http::{Method, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use tower::ServiceExt;

/// The bytes of a backup that is being made. Dropped, it ends the backup.
pub(crate) struct BackupBytes {
    body: Body,
    /// The connection is there as long as this is.
    _sender: Option<SendRequest<Full<Bytes>>>,
}

impl Control {
    /// Starts a backup of the whole store.
    ///
    /// # Errors
    /// When no answer comes, or the server refuses, as while another backup runs.
    pub(crate) async fn backup(&self) -> Result<BackupBytes, ControlError> {
        let request = Request::builder().method(Method::POST);
        let request = self.complete(request, "/backup/", Bytes::new())?;
        let (answer, sender) = match &self.endpoint {
            Endpoint::Local { service, .. } => {
                let Ok(answer) = service.clone().oneshot(request.map(Body::from)).await;
                (answer, None)
            }
            Endpoint::Remote(place) => {
                let (answer, sender) = remote::open(place, &self.secret, request).await?;
                (answer.map(Body::new), Some(sender))
            }
        };
        let (parts, body) = answer.into_parts();
        if !parts.status.is_success() {
            let body = body.collect().await.map_err(|error| ControlError::NoAnswer(error.into()))?;
            Reply { status: parts.status, headers: parts.headers, body: body.to_bytes() }.success()?;
            return Ok(BackupBytes { body: Body::empty(), _sender: None });
        }
        Ok(BackupBytes { body, _sender: sender })
    }

    /// Waits until nothing of a backup that was given up is left in the store, where this process has it open.
    pub(crate) async fn settle(&self) {
        if let Endpoint::Local { app, .. } = &self.endpoint {
            app.store.settle_backups().await;
        }
    }
}

impl BackupBytes {
    /// Returns the next bytes; `None` at the end.
    ///
    /// # Errors
    /// When the server breaks off.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ControlError> {
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| ControlError::NoAnswer(error.into()))?;
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
    }
}
