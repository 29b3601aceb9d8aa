//! The header `Idempotency-Key`: a client that repeats a request with the same key gets the outcome of the first.

use crate::app::App;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use stix_model::json::Digest;
use uuid::Uuid;

const NAME: &str = "Idempotency-Key";

/// The identifier of a request: from the client, or a random one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId {
    pub(crate) id: Uuid,
    /// Whether the client chose it, so that the same request again is recognised.
    pub(crate) is_given: bool,
}

impl RequestId {
    /// Digest of a request whose identifier the client chose.
    pub(crate) fn fingerprint(self, collection: Uuid, body: &Bytes) -> Option<Digest> {
        let digest = || Sha256::new().chain_update(collection.as_bytes()).chain_update(body).finalize();
        self.is_given.then(|| Digest(digest().into()))
    }
}

impl FromRequestParts<Arc<App>> for RequestId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(NAME) else {
            return Ok(Self { id: Uuid::new_v4(), is_given: false });
        };
        let id = value.to_str().ok().and_then(|text| text.trim().trim_matches('"').parse::<Uuid>().ok());
        let id = id.filter(|id| id.get_version_num() == 4);
        let reason = "send a random UUID of version 4, the same one when a request is repeated";
        let bad = || ApiError::Parameter { name: NAME, reason: reason.to_owned() };
        Ok(Self { id: id.ok_or_else(bad)?, is_given: true })
    }
}
