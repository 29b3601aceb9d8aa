//! Bodies of requests to add objects: bounded in size and time, and decompressed.

use super::media_type;
use crate::app::App;
use crate::error::ApiError;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use stix_model::taxii;

/// Maximum time between two parts of a body.
const IDLE: Duration = Duration::from_secs(10);

/// The bytes of an envelope. Their number is `max_content_length` at most, compressed and decompressed (TAXII 2.1,
/// section 4.2.1).
pub(crate) struct EnvelopeBody(pub(crate) Bytes);

impl FromRequest<Arc<App>> for EnvelopeBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiError> {
        let limit = app.config.max_content_length;
        let (parts, body) = request.into_parts();
        if !media_type::is_envelope(&parts.headers, app.config.header_policy) {
            return Err(ApiError::UnsupportedMediaType(taxii::MEDIA_TYPE));
        }
        let is_compressed = is_gzip(&parts.headers)?;
        let bytes = collect(&parts.headers, body, limit).await?;
        if !is_compressed {
            return Ok(Self(bytes));
        }
        let inflated = tokio::task::spawn_blocking(move || inflate(&bytes, limit)).await;
        inflated.map_err(|error| ApiError::Internal(error.into()))?.map(Self)
    }
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, ApiError> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else { return Ok(false) };
    let is = |name: &str| encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(name.as_bytes());
    match (is("gzip") || is("x-gzip"), is("identity")) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(ApiError::UnsupportedMediaType("it is, or with Content-Encoding: gzip")),
    }
}

async fn collect(headers: &HeaderMap, mut body: Body, limit: u64) -> Result<Bytes, ApiError> {
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge(limit));
    }
    // Grows with the bytes that arrive, so a large Content-Length alone takes no memory.
    let mut bytes = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(IDLE, body.frame()).await.map_err(|_| ApiError::BodyTimeout)?;
        let Some(frame) = frame else { return Ok(bytes.freeze()) };
        let Ok(data) = frame.map_err(|_| ApiError::BodyBroken)?.into_data() else { continue };
        if bytes.len() as u64 + data.len() as u64 > limit {
            return Err(ApiError::TooLarge(limit));
        }
        bytes.extend_from_slice(&data);
    }
}

fn inflate(bytes: &[u8], limit: u64) -> Result<Bytes, ApiError> {
    let mut inflated = Vec::new();
    let read =
        flate2::read::MultiGzDecoder::new(bytes).take(limit.saturating_add(1)).read_to_end(&mut inflated);
    read.map_err(|_| ApiError::Unprocessable("the body is not gzip, as Content-Encoding says".to_owned()))?;
    if inflated.len() as u64 > limit { Err(ApiError::TooLarge(limit)) } else { Ok(inflated.into()) }
}
