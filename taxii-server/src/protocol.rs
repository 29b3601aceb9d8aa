//! What every request must be, and what every answer says, whatever the route.

use crate::error::ApiError;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Version, header};
use axum::response::Response;

/// Maximum length of a URL in bytes; longer ones are refused.
const MAX_URI: usize = 8 << 10;
/// Maximum size of the head of a request in bytes.
const MAX_HEAD: usize = 16 << 10;
/// One year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds headers for safety to an answer.
pub(crate) fn complete(response: &mut Response, is_tls: bool) {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.entry(name).or_insert(value);
    };
    // Answers depend on credentials; those that do not say otherwise.
    set(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    set(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if is_tls {
        set(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

/// Refuses requests that break the rules of HTTP or are too long.
pub(crate) fn check(request: &Request) -> Result<(), ApiError> {
    let (uri, headers) = (request.uri(), request.headers());
    let length = uri.path_and_query().map_or(0, |part| part.as_str().len());
    if length > MAX_URI {
        return Err(ApiError::UriTooLong);
    }
    // A line has a colon, a space and an end of two bytes.
    let lines: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if length + lines > MAX_HEAD {
        return Err(ApiError::HeadTooLarge);
    }
    check_host(request)?;
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).into_iter();
    if codings.any(|coding| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")) {
        return Err(ApiError::TransferCoding);
    }
    Ok(())
}

/// One host, which names something (RFC 9112, section 3.2); over HTTP/2 it may stand in the URI instead, and must not
/// contradict that (RFC 9113, section 8.3.1).
fn check_host(request: &Request) -> Result<(), ApiError> {
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    let is_good = match (hosts.next(), hosts.next(), request.uri().authority(), request.version()) {
        (Some(_), Some(_), ..) => false,
        (Some(host), None, named, version) => match authority(host) {
            Some(host) => version < Version::HTTP_2 || named.is_none_or(|named| *named == host),
            None => false,
        },
        (None, _, named, Version::HTTP_2 | Version::HTTP_3) => named.is_some(),
        (None, _, _, version) => version < Version::HTTP_11,
    };
    if is_good { Ok(()) } else { Err(ApiError::Host) }
}

fn authority(host: &HeaderValue) -> Option<Authority> {
    let authority: Authority = host.to_str().ok()?.parse().ok()?;
    (!authority.host().is_empty() && !authority.as_str().contains('@')).then_some(authority)
}
