//! Bodies of requests to add objects: bounded in size, time and memory, and decompressed.

use super::media_type;
use crate::app::App;
use crate::budget::{Budget, Cancel, Share};
use crate::drain::LateBody;
use crate::error::ApiError;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use std::error::Error;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use stix_model::taxii;

/// Bytes of a body for which room is taken at once.
const STEP: usize = 64 << 10;
/// Bytes of a body that cost no room, so that large bodies do not keep small ones out. A connection has as much of them as
/// HTTP/2 lets it send unread.
const FREE: usize = 16 << 10;

/// The bytes of an envelope. Their number is `max_content_length` at most, compressed and decompressed (TAXII 2.1,
/// section 4.2.1). Their share of the budget ends when the last part of them is dropped: the objects of a request that
/// waits to be written are such parts.
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
        let mut paid = Paid::new(&app.budgets.bodies);
        let bytes = collect(&parts.headers, body, limit, &mut paid, app.config.timeouts.busy).await?;
        let bytes = paid.kept_with(bytes);
        if !is_compressed {
            return Ok(Self(bytes));
        }
        let mut paid = Paid::new(&app.budgets.bodies);
        let inflate = move |cancel: &Cancel| {
            let inflated = inflate(&bytes, limit, &mut paid, cancel)?;
            Ok(Self(paid.kept_with(inflated)))
        };
        app.budgets.work.run(inflate).await?
    }
}

/// Room that a growing body has taken.
struct Paid {
    budget: Budget,
    share: Option<Share>,
    bytes: usize,
}

impl Paid {
    fn new(budget: &Budget) -> Self {
        Self { budget: budget.clone(), share: None, bytes: 0 }
    }

    /// Number of bytes to pay for before the body has this length.
    fn due(&self, length: usize) -> Option<usize> {
        (length > self.bytes.max(FREE)).then(|| length.next_multiple_of(STEP) - self.bytes)
    }

    fn add(&mut self, bytes: usize, share: Share) {
        self.bytes += bytes;
        match &mut self.share {
            Some(all) => all.add(share),
            None => self.share = Some(share),
        }
    }

    /// Keeps the room until the last part of the bytes is dropped.
    fn kept_with(self, bytes: Bytes) -> Bytes {
        match self.share {
            Some(share) => share.kept_with(bytes),
            None => bytes,
        }
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

async fn collect(
    headers: &HeaderMap,
    mut body: Body,
    limit: u64,
    paid: &mut Paid,
    wait: Duration,
) -> Result<Bytes, ApiError> {
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge(limit));
    }
    // Grows with the bytes that arrive, so a large Content-Length alone takes no memory.
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length as u64 > limit {
            return Err(ApiError::TooLarge(limit));
        }
        if let Some(due) = paid.due(length) {
            paid.add(due, paid.budget.reserve(due, wait).await?);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// Why a body ended before its end.
fn broken(error: axum::Error) -> ApiError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if error.is::<LateBody>() {
            return ApiError::BodyTimeout;
        }
        cause = error.source();
    }
    ApiError::BodyBroken
}

fn inflate(bytes: &[u8], limit: u64, paid: &mut Paid, cancel: &Cancel) -> Result<Bytes, ApiError> {
    let mut decoder = flate2::read::MultiGzDecoder::new(bytes).take(limit.saturating_add(1));
    let mut inflated = Vec::new();
    loop {
        if cancel.is_cancelled() {
            return Err(ApiError::BodyBroken);
        }
        let step = if inflated.len() < FREE { FREE - inflated.len() } else { STEP };
        if let Some(due) = paid.due(inflated.len() + step) {
            paid.add(due, paid.budget.try_reserve(due)?);
        }
        let read = decoder.by_ref().take(step as u64).read_to_end(&mut inflated);
        let not_gzip =
            |_| ApiError::Unprocessable("the body is not gzip, as Content-Encoding says".to_owned());
        if read.map_err(not_gzip)? == 0 {
            break;
        }
    }
    if inflated.len() as u64 > limit { Err(ApiError::TooLarge(limit)) } else { Ok(inflated.into()) }
}
