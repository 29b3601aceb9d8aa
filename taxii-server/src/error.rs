//! Errors that clients see, and the table from error to code, status and title.

use crate::store::engine::EngineError;
use crate::store::{CursorError, DirectoryRefusal, Rejection, StoreError};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consensus::RefusalKind;
use std::borrow::Cow;
use std::time::Duration;
use stix_model::taxii;
use uuid::Uuid;

/// Time after which a client tries again what the disk refused.
const DISK_RETRY_SECONDS: u64 = 10;
/// Time after which a client tries again what a store refuses that takes no writes.
const READ_ONLY_RETRY_SECONDS: u64 = 30;

/// Why a request failed. `Display` is the description that the client gets.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request has no credentials, or wrong ones.
    #[error("give valid credentials: HTTP Basic, or an API token as `Authorization: Bearer …`")]
    Unauthorized,
    /// The account lacks the right.
    #[error("this account may not {0}")]
    Forbidden(&'static str),
    /// The resource does not exist, or is hidden from this account.
    #[error("there is no such {0} for this account; mind the spelling, and ask the operator for access")]
    NotFound(&'static str),
    /// The resource does not exist; for accounts from which nothing is hidden.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The path does not have this method.
    #[error("this URL does not take this method; the header `Allow` says which it takes")]
    MethodNotAllowed,
    /// `Accept` has no media type of this server.
    #[error("this server speaks application/taxii+json;version=2.1; send that in `Accept`")]
    NotAcceptable,
    /// The body did not arrive in time.
    #[error("the request body did not arrive in time")]
    BodyTimeout,
    /// The connection failed inside the body.
    #[error("the request body could not be read to its end")]
    BodyBroken,
    /// A query parameter is malformed.
    #[error("{name}: {reason}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// What is wrong with it, and what is right.
        reason: String,
    },
    /// The parameter `next` cannot be used.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The body is larger than the limit, in bytes.
    #[error("the request body is larger than {0} bytes, which is the most that is taken here")]
    TooLarge(u64),
    /// The URL is too long.
    #[error("the URL is longer than 8 KiB; send fewer filter values")]
    UriTooLong,
    /// The head of the request is too large.
    #[error("URL and headers of a request are 16 KiB at most")]
    HeadTooLarge,
    /// The host is missing, doubled or malformed.
    #[error("a request names one host, in the header `Host`")]
    Host,
    /// The transfer coding is not known.
    #[error(
        "send the body plain or with `Transfer-Encoding: chunked`; to compress it, use `Content-Encoding: gzip`"
    )]
    TransferCoding,
    /// The media type of the body is not supported.
    #[error("send the body as {0}")]
    UnsupportedMediaType(&'static str),
    /// The body as a whole cannot be used.
    #[error("{0}")]
    Unprocessable(String),
    /// The change contradicts the directory.
    #[error("{0}")]
    Conflict(String),
    /// The server is busy or stopping; try again after this time.
    #[error("the server is busy or stopping, or does not reach its store; try again in a moment")]
    Unavailable {
        /// The time.
        retry_after: Duration,
        /// What the operator finds in the log.
        cause: Cow<'static, str>,
    },
    /// The nodes of the network cannot agree on anything now.
    #[error("nothing can be proposed or decided in the network now, and reading goes on: {reason}")]
    NoMajority {
        /// When to try again.
        retry_after: Duration,
        /// Why not.
        reason: String,
    },
    /// This server holds something else than most nodes of its network.
    #[error("{0}")]
    Fenced(String),
    /// The store takes no writes from this server: it is being moved, or was, or a newer server changed its format.
    #[error("{0}")]
    ReadOnly(String),
    /// Too many logins come from the same place, or with the same name; try again after this time.
    #[error("too many logins wait for a check of their password; try again in a moment, or use an API token")]
    TooManyLogins(Duration),
    /// The network takes no more of this organisation now.
    #[error("{0}")]
    Quota(String),
    /// The network refuses a signature.
    #[error("{0}")]
    Refused(String),
    /// What a statement is about is not in the network.
    #[error("{0}")]
    Absent(String),
    /// The disk has no room for what is to be written.
    #[error(
        "the disk of the server is full, so nothing was written; reading goes on, and writing when there is room"
    )]
    Full,
    /// The disk failed in another way.
    #[error("the disk of the server failed, so the request was not carried out; try again later")]
    Disk(String),
    /// The disk or the engine failed while the request was written.
    #[error(
        "it is not known yet whether the request was carried out, because the store or the network did not answer in time; look, or \
         repeat it with the same `Idempotency-Key`"
    )]
    Undetermined {
        /// Whether it may be repeated without a key.
        repeat: Repeat,
        /// What the operator finds in the log.
        cause: String,
    },
    /// The server failed.
    #[error("the server failed; its operator finds the cause in the log under this error_id")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Whether a request may be sent again whose outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// What was done already is found, and done no second time.
    IsSafe,
    /// It may do more than was asked for: a second deletion takes the next version.
    IsNot,
}

impl ApiError {
    /// As the error of a deletion without an `Idempotency-Key`.
    pub(crate) fn of_deletion(self) -> Self {
        match self {
            Self::Undetermined { cause, .. } => Self::Undetermined { repeat: Repeat::IsNot, cause },
            error => error,
        }
    }

    /// The server is busy, and likely free again in a second.
    pub(crate) const BUSY: Self =
        Self::Unavailable { retry_after: Duration::from_secs(1), cause: Cow::Borrowed("busy or stopping") };

    /// Returns code, status and title. Codes are stable; titles are for people.
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
                ("bad_parameter", StatusCode::BAD_REQUEST, "A parameter cannot be understood")
            }
            Self::Cursor(_) => ("bad_next", StatusCode::BAD_REQUEST, "This `next` cannot be used"),
            Self::TooLarge(_) => ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
            Self::UriTooLong => ("uri_too_long", StatusCode::URI_TOO_LONG, "The URL is too long"),
            Self::HeadTooLarge => {
                ("head_too_large", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large")
            }
            Self::Host => ("bad_host", StatusCode::BAD_REQUEST, "The host cannot be understood"),
            Self::TransferCoding => {
                ("transfer_coding", StatusCode::NOT_IMPLEMENTED, "Transfer coding not supported")
            }
            Self::UnsupportedMediaType(_) => {
                ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Body type not supported")
            }
            Self::Unprocessable(_) => {
                ("unprocessable", StatusCode::UNPROCESSABLE_ENTITY, "The request body cannot be used")
            }
            Self::Conflict(_) => ("conflict", StatusCode::CONFLICT, "This change cannot be made"),
            Self::Unavailable { .. } => ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "Not available now"),
            Self::NoMajority { .. } => {
                ("no_majority", StatusCode::SERVICE_UNAVAILABLE, "The network cannot decide now")
            }
            Self::Fenced(_) => ("fenced", StatusCode::SERVICE_UNAVAILABLE, "The network is not served here"),
            Self::ReadOnly(_) => ("read_only", StatusCode::SERVICE_UNAVAILABLE, "No writes now"),
            Self::TooManyLogins(_) => ("too_many_logins", StatusCode::TOO_MANY_REQUESTS, "Too many logins"),
            Self::Quota(_) => ("quota", StatusCode::TOO_MANY_REQUESTS, "Too much is open"),
            Self::Refused(_) => ("refused", StatusCode::FORBIDDEN, "The signature does not count"),
            Self::Absent(_) => ("not_found", StatusCode::NOT_FOUND, "Not found"),
            Self::Full => ("storage_full", StatusCode::INSUFFICIENT_STORAGE, "No space left"),
            Self::Disk(_) => ("storage_failed", StatusCode::SERVICE_UNAVAILABLE, "The disk failed"),
            Self::Undetermined { .. } => {
                ("outcome_unknown", StatusCode::SERVICE_UNAVAILABLE, "The outcome is not known")
            }
            Self::Internal(_) => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "The server failed"),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match of_engine(&error) {
            Some(known) => known,
            None => match error {
                StoreError::Rejected(rejection) => rejection.into(),
                StoreError::Refused(refused) => {
                    let kind = refused.kind;
                    let message = refused.to_string();
                    match kind {
                        RefusalKind::Invalid => Self::Unprocessable(message),
                        RefusalKind::Forbidden => Self::Refused(message),
                        RefusalKind::Missing => Self::Absent(message),
                        RefusalKind::Conflict => Self::Conflict(message),
                        RefusalKind::Quota => Self::Quota(message),
                    }
                }
                error => Self::Internal(error.into()),
            },
        }
    }
}

/// What a client is told of an engine that does not answer as it should.
fn of_engine(error: &StoreError) -> Option<ApiError> {
    match error {
        StoreError::Commit(error) => of_engine(error),
        StoreError::Closed => Some(ApiError::BUSY),
        StoreError::Fenced(_) => Some(ApiError::Fenced(error.to_string())),
        StoreError::NoMajority { retry_after, reason } => {
            Some(ApiError::NoMajority { retry_after: *retry_after, reason: reason.clone() })
        }
        // A newer server that shares the store takes them.
        StoreError::Format { .. } => Some(ApiError::ReadOnly(error.to_string())),
        StoreError::Engine(EngineError::Conflict) => Some(ApiError::BUSY),
        StoreError::Engine(EngineError::Undetermined(cause)) => {
            Some(ApiError::Undetermined { repeat: Repeat::IsSafe, cause: cause.to_string() })
        }
        StoreError::Engine(EngineError::Unavailable { retry_after, cause }) => {
            Some(ApiError::Unavailable { retry_after: *retry_after, cause: cause.to_string().into() })
        }
        StoreError::Engine(EngineError::Full) => Some(ApiError::Full),
        StoreError::Engine(EngineError::Disk(cause)) => Some(ApiError::Disk(cause.to_string())),
        _ => None,
    }
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Stale => Self::BUSY,
            Rejection::Frozen => Self::ReadOnly(rejection.to_string()),
            Rejection::NoCollection => Self::NotFound("collection"),
            Rejection::NoObject => Self::NotFound("object"),
            Rejection::NeedsApproval | Rejection::Membership(_) => Self::Conflict(rejection.to_string()),
            Rejection::RequestReused | Rejection::DateAdded { .. } => {
                Self::Unprocessable(rejection.to_string())
            }
            Rejection::Directory(DirectoryRefusal::Missing(what)) => Self::Missing(what),
            Rejection::Directory(DirectoryRefusal::Contradiction(reason)) => Self::Conflict(reason),
            Rejection::Directory(refusal @ DirectoryRefusal::Invalid { .. }) => {
                Self::Unprocessable(refusal.to_string())
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (code, status, title) = self.row();
        let error_id = Uuid::new_v4().to_string();
        match &self {
            Self::Disk(cause) => tracing::error!(%error_id, code, %cause, "request failed"),
            Self::Internal(cause) => tracing::error!(%error_id, code, %cause, "request failed"),
            Self::Unavailable { cause, .. } => tracing::warn!(%error_id, code, %cause, "request failed"),
            Self::Undetermined { cause, .. } => tracing::warn!(%error_id, code, %cause, "request failed"),
            Self::NoMajority { reason, .. } => tracing::warn!(%error_id, code, %reason, "request failed"),
            Self::Full | Self::ReadOnly(_) | Self::Fenced(_) => {
                tracing::warn!(%error_id, code, "request failed")
            }
            other => tracing::debug!(%error_id, code, reason = %other, "request refused"),
        }
        let mut description = self.to_string();
        crate::store::cut(&mut description);
        let resource = taxii::Error {
            title: title.to_owned(),
            description: Some(description),
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
            Self::Unavailable { retry_after, .. }
            | Self::NoMajority { retry_after, .. }
            | Self::TooManyLogins(retry_after) => {
                let seconds = retry_after.as_secs_f64().ceil().max(1.0) as u64;
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            // The same request may be sent again: objects that are there already are successes.
            Self::Undetermined { repeat: Repeat::IsSafe, .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::ReadOnly(_) => {
                headers.insert(header::RETRY_AFTER, READ_ONLY_RETRY_SECONDS.into());
            }
            Self::Quota(_) | Self::Full | Self::Disk(_) => {
                headers.insert(header::RETRY_AFTER, DISK_RETRY_SECONDS.into());
            }
            _ => {}
        }
        response
    }
}
