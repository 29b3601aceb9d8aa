//! Pages that are sent as they were sent before, when nothing has changed since.

use super::envelope::HELD;
use super::taxii_response;
use crate::app::App;
use crate::budget::{Budget, Cancel, Room};
use crate::error::ApiError;
use crate::extract::{HasRoom, IsCoded};
use crate::page_cache::{Coding, LARGEST, PageKey, ReadyPage};
use crate::store::View;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::sync::Arc;
use stix_model::{Timestamp, taxii};

/// Clients and caches of their own may keep a page, and ask before each use whether it is still the same.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Smaller pages are not compressed.
const SMALL: usize = 1 << 10;
/// Bytes of an etag, before they are written in digits.
const ETAG: usize = 12;

/// How a page is asked for, besides what is on it.
pub(crate) struct Asked {
    target: PathAndQuery,
    coding: Coding,
    /// `If-None-Match`.
    known: Vec<HeaderValue>,
    room: Room,
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Ok(room) = Room::from_request_parts(parts, app).await;
        let target = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let coding = if takes_gzip(&parts.headers) { Coding::Gzip } else { Coding::Identity };
        let known = parts.headers.get_all(header::IF_NONE_MATCH).iter().cloned().collect();
        Ok(Self { target, coding, known, room })
    }
}

/// Whether a client takes gzip (RFC 9110, section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut any = false;
    for (coding, weight) in lines.flat_map(|line| line.split(',')).map(coding) {
        let is_taken = !weight.trim_start_matches(['0', '.']).is_empty();
        match coding {
            _ if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") => {
                return is_taken;
            }
            "*" => any = is_taken,
            _ => {}
        }
    }
    any
}

/// The name of a coding and its weight.
fn coding(part: &str) -> (&str, &str) {
    let (name, parameter) = part.split_once(';').unwrap_or((part, "q=1"));
    let weight = parameter.split_once('=').map_or("1", |(_, weight)| weight);
    (name.trim(), weight.trim())
}

/// `date_added` of the first and the last item of a page.
type Dates = Option<(Timestamp, Timestamp)>;

/// A page that a handler made.
pub(super) enum Made {
    /// All of it. Its bytes hold their share of the room of all answers.
    Whole(Dates, Bytes),
    /// One that is sent while it is read.
    Part(Response),
}

impl Made {
    /// A page that is one resource.
    pub(super) async fn resource(
        room: Room,
        dates: Dates,
        resource: &impl Serialize,
    ) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(resource).map_err(|error| ApiError::Internal(error.into()))?;
        let share = room.all.reserve(body.len(), room.wait).await?;
        Ok(Self::Whole(dates, share.kept_with(body.into())))
    }
}

/// Sends the page that was sent before, or lets it be made, and keeps it.
pub(super) async fn page<F>(app: &App, view: &View, asked: Asked, make: F) -> Result<Response, ApiError>
where
    F: AsyncFnOnce(Room) -> Result<Made, ApiError>,
{
    let Asked { target, coding, known, room } = asked;
    // Before the page, so that it is never older than it says.
    let revision = app.store.revision(view).await?;
    let key = PageKey::new(view, target, coding);
    let own = room.own.clone();
    let page = match app.pages.get(&key, revision) {
        Some(page) => page,
        None => {
            let plain = key.with(Coding::Identity);
            let found = app.pages.get(&plain, revision).filter(|_| coding != Coding::Identity);
            let page = match found {
                Some(page) => page,
                None => match make(room).await? {
                    Made::Part(response) => return Ok(response),
                    Made::Whole(dates, body) => keep(app, plain, revision, dates, body),
                },
            };
            match coding {
                Coding::Gzip if page.body.len() >= SMALL => packed(app, key, page).await?,
                _ => page,
            }
        }
    };
    answer(&page, &known, own.as_ref(), app).await
}

/// Keeps a page that was made.
fn keep(app: &App, key: PageKey, revision: u64, dates: Dates, body: Bytes) -> Arc<ReadyPage> {
    let value = |stamp: &Timestamp| HeaderValue::from_str(stamp.as_str()).ok();
    let dates = dates.and_then(|(first, last)| Some([value(&first)?, value(&last)?]));
    let etag = etag(&body, "");
    let ready = Arc::new(ReadyPage { revision, coding: Coding::Identity, etag, dates, body });
    if ready.body.len() <= LARGEST {
        app.pages.put(key, Arc::clone(&ready));
    }
    ready
}

/// A validator that two bodies share only when they are the same, and two forms of one page never.
fn etag(body: &[u8], form: &str) -> HeaderValue {
    let digest = HEXLOWER.encode(&Sha256::digest(body)[..ETAG]);
    HeaderValue::from_str(&format!("\"{digest}{form}\"")).expect("hexadecimal digits make a header")
}

/// Compresses a page, and keeps it.
async fn packed(app: &App, key: PageKey, page: Arc<ReadyPage>) -> Result<Arc<ReadyPage>, ApiError> {
    let pack = move |_: &Cancel| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder.write_all(&page.body).and_then(|()| encoder.finish());
        (packed, page)
    };
    let (packed, page) = app.budgets.work.run(pack).await?;
    let packed = packed.map_err(|error| ApiError::Internal(error.into()))?;
    let share = app.budgets.answers.reserve(packed.len(), app.config.timeouts.busy).await?;
    let (etag, dates) = (etag(&page.body, "-gzip"), page.dates.clone());
    let body = share.kept_with(packed.into());
    let packed = Arc::new(ReadyPage { revision: page.revision, coding: Coding::Gzip, etag, dates, body });
    if page.body.len() <= LARGEST {
        app.pages.put(key, Arc::clone(&packed));
    }
    Ok(packed)
}

/// Sends a page, or says that the client has it.
async fn answer(
    page: &ReadyPage,
    known: &[HeaderValue],
    own: Option<&Budget>,
    app: &App,
) -> Result<Response, ApiError> {
    let is_known = known.iter().any(|tags| names(tags, &page.etag));
    let mut response = if is_known {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let body = page.body.clone();
        let body = match own {
            Some(own) => own.reserve(body.len().min(HELD), app.config.timeouts.busy).await?.kept_with(body),
            None => body,
        };
        taxii_response(StatusCode::OK, body)
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, page.etag.clone());
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if page.coding == Coding::Gzip && !is_known {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Some([first, last]) = &page.dates {
        headers.insert(taxii::DATE_ADDED_FIRST, first.clone());
        headers.insert(taxii::DATE_ADDED_LAST, last.clone());
    }
    // Its bytes hold their room, and it has the form that the client takes.
    response.extensions_mut().insert(HasRoom);
    response.extensions_mut().insert(IsCoded);
    Ok(response)
}

/// Whether a list of entity tags names this one (RFC 9110, section 13.1.2; weak tags count too).
fn names(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let tags = tags.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tags.map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag)).any(|tag| tag == b"*" || tag == etag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_one_that_the_client_takes() {
        let takes = |value: &'static str| {
            takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        for yes in ["gzip", "gzip, deflate", "br;q=1.0, GZIP;q=0.8", "*", "x-gzip", "deflate, gzip; q=0.001"]
        {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "identity", "br", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "gzipped"] {
            assert!(!takes(no), "{no}");
        }
    }

    #[test]
    fn tags_are_compared_one_by_one() {
        let (etag, packed) = (etag(b"page", ""), etag(b"page", "-gzip"));
        let text = etag.to_str().unwrap();
        let names = |tags: String| names(&tags.parse().unwrap(), &etag);
        assert!(names(text.to_owned()) && names(format!("\"a\", W/{text}")) && names("*".to_owned()));
        assert!(!names(packed.to_str().unwrap().to_owned()) && !names(text.replace('"', "")));
    }
}
