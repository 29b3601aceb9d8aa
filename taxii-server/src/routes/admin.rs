//! Administration at run time: API roots, collections, accounts. [`Control`](crate::control::Control) and the command line
//! use these routes too.

mod accounts;
mod collections;
pub(crate) mod resource;
mod roots;

pub(crate) use accounts::*;
pub(crate) use collections::*;
pub(crate) use roots::*;

use crate::app::{App, CredentialError};
use crate::error::ApiError;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Maximum size of a body in bytes.
const MAX_BODY: usize = 64 << 10;

/// A JSON body. Unknown properties are errors.
pub(crate) struct AdminBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for AdminBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, ApiError> {
        // A form on the page of another site can send text, with the credentials that a browser remembers, but not JSON.
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        if !content_type.starts_with("application/json")
            && !content_type.starts_with("application/taxii+json")
        {
            return Err(ApiError::UnsupportedMediaType("application/json"));
        }
        let body = axum::body::to_bytes(request.into_body(), MAX_BODY).await;
        let body = body.map_err(|_| ApiError::TooLarge(MAX_BODY as u64))?;
        let value = serde_json::from_slice(&body);
        value.map(Self).map_err(|error| ApiError::Unprocessable(error.to_string()))
    }
}

pub(crate) fn json<T: Serialize>(status: StatusCode, value: T) -> Response {
    (status, axum::Json(value)).into_response()
}

fn internal(error: CredentialError) -> ApiError {
    ApiError::Internal(error.into())
}
