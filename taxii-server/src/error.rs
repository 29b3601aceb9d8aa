//! Every error that a client can see, and the one table from error to code, status and title.

use crate::store::engine::EngineError;
use crate::store::{CursorError, StoreError};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use stix_model::taxii;
use uuid::Uuid;

/// Why a request was not answered as asked. `Display` is the description that the client gets.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No credentials, or wrong ones.
    #[error("give valid credentials: HTTP Basic, or an API token as `Authorization: Bearer …`")]
    Unauthorized,
    /// Known, but not allowed.
    #[error("this account may not {0}")]
    Forbidden(&'static str),
    /// Not there, or hidden from this client.
    #[error("there is no such {0} for this account; mind the spelling, and ask the operator for access")]
    NotFound(&'static str),
    /// Not there, said to somebody who may see everything.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The path exists, the method does not.
    #[error("this URL does not take this method; the header `Allow` says which it takes")]
    MethodNotAllowed,
    /// `Accept` leaves nothing that this server speaks.
    #[error("this server speaks application/taxii+json;version=2.1; send that in `Accept`")]
    NotAcceptable,
    /// The body stopped coming.
    #[error("the request body did not arrive in time")]
    BodyTimeout,
    /// The body broke off.
    #[error("the request body could not be read to its end")]
    BodyBroken,
    /// A query parameter is malformed.
    #[error("{name}: {reason}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// `next` cannot be used.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Larger than `max_content_length`, or than what administration takes.
    #[error("the request body is larger than {0} bytes, which is the most that is taken here")]
    TooLarge(u64),
    /// A URL that no client needs.
    #[error("the URL is longer than 8 KiB; send fewer filter values")]
    UriTooLong,
    /// The body is of another type.
    #[error("send the body as {0}")]
    UnsupportedMediaType(&'static str),
    /// The body as a whole cannot be used.
    #[error("{0}")]
    Unprocessable(String),
    /// An administrator asked for something that cannot be.
    #[error("{0}")]
    Conflict(String),
    /// The server is busy or stopping.
    #[error("the server is busy or stopping; try again in a moment")]
    Unavailable,
    /// No space left.
    #[error("the disk of the server refused a write; its operator must make room and restart it")]
    Full,
    /// A fault of the server.
    #[error("the server failed; its operator finds the cause in the log under this error_id")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ApiError {
    /// Code, status and title. Codes are stable; titles are for people.
    fn row(&self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED, "Credentials are needed"),
            Self::Forbidden(_) => ("forbidden", StatusCode::FORBIDDEN, "Not allowed"),
            Self::NotFound(_) | Self::Missing(_) => ("not_found", StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => {
                ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed here")
            }
            Self::NotAcceptable => ("not_acceptable", StatusCode::NOT_ACCEPTABLE, "Media type not available"),
            Self::BodyTimeout => ("body_timeout", StatusCode::REQUEST_TIMEOUT, "The request took too long"),
            Self::BodyBroken => ("body_broken", StatusCode::BAD_REQUEST, "The request broke off"),
            Self::Parameter { .. } => {
                ("bad_parameter", StatusCode::BAD_REQUEST, "A query parameter cannot be understood")
            }
            Self::Cursor(_) => ("bad_next", StatusCode::BAD_REQUEST, "This `next` cannot be used"),
            Self::TooLarge(_) => ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
            Self::UriTooLong => ("uri_too_long", StatusCode::URI_TOO_LONG, "The URL is too long"),
            Self::UnsupportedMediaType(_) => {
                ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Body type not supported")
            }
            Self::Unprocessable(_) => {
                ("unprocessable", StatusCode::UNPROCESSABLE_ENTITY, "The request body cannot be used")
            }
            Self::Conflict(_) => ("conflict", StatusCode::CONFLICT, "This change cannot be made"),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "Not available now"),
            Self::Full => ("storage_full", StatusCode::INSUFFICIENT_STORAGE, "No space left"),
            Self::Internal(_) => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "The server failed"),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoCollection => Self::NotFound("collection"),
            StoreError::NoObject => Self::NotFound("object"),
            StoreError::Closed | StoreError::Engine(EngineError::Conflict) => Self::Unavailable,
            StoreError::Engine(EngineError::Full) => Self::Full,
            StoreError::DateAdded { .. } => Self::Unprocessable(error.to_string()),
            StoreError::Refused(reason) => Self::Conflict(reason),
            StoreError::Engine(EngineError::Failed(_)) | StoreError::Corrupt(_) | StoreError::Format => {
                Self::Internal(error.into())
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (code, status, title) = self.row();
        let error_id = Uuid::new_v4().to_string();
        match &self {
            Self::Internal(cause) => tracing::error!(%error_id, code, %cause, "request failed"),
            Self::Full | Self::Unavailable => tracing::warn!(%error_id, code, "request failed"),
            other => tracing::debug!(%error_id, code, reason = %other, "request refused"),
        }
        let resource = taxii::Error {
            title: title.to_owned(),
            description: Some(self.to_string()),
            error_id: Some(error_id),
            error_code: Some(code.to_owned()),
            http_status: Some(status.as_u16().to_string()),
            ..taxii::Error::default()
        };
        let body = serde_json::to_vec(&resource).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, taxii::MEDIA_TYPE)], body).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized => {
                let basic = r#"Basic realm="TAXII", charset="UTF-8""#;
                headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(basic));
                headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="TAXII""#));
            }
            Self::Unavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
