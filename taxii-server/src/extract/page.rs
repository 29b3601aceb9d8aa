//! Query parameters: filters, `limit` and `next` (TAXII 2.1, section 3.4).

use crate::app::App;
use crate::error::ApiError;
use crate::store::{Filter, PageRequest, VersionFilter, View};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::collections::BTreeSet;
use std::sync::Arc;
use stix_model::{SpecVersion, StixId, Timestamp};

/// What a request for a page asks for. Parameters that the standard does not know are ignored.
#[derive(Debug, Default)]
pub(crate) struct PageQuery {
    filter: Filter,
    limit: Option<usize>,
    next: Option<String>,
}

impl PageQuery {
    /// Narrows the request to one object, whose identifier stands in the path.
    pub(crate) fn of_object(mut self, id: StixId) -> Self {
        self.filter.ids = Some(BTreeSet::from([id]));
        self.filter.types = None;
        self
    }

    /// Asks for all versions: there is no `match[version]` on the versions endpoint (TAXII 2.1, section 5.8).
    pub(crate) fn of_all_versions(mut self) -> Self {
        self.filter.versions = Some(VersionFilter::All);
        self
    }

    /// Asks for every version of every object in every STIX version, for a backup.
    pub(crate) fn of_everything(mut self) -> Self {
        let filter = &mut self.filter;
        *filter = Filter { added_after: filter.added_after.take(), ..Filter::default() };
        filter.versions = Some(VersionFilter::All);
        filter.spec_versions = Some(BTreeSet::from([SpecVersion::V2_0, SpecVersion::V2_1]));
        self
    }

    /// Resumes from `next`, if there is one, and limits the page.
    pub(crate) fn resolve(self, app: &App, view: &View) -> Result<PageRequest, ApiError> {
        let limit = self.limit.unwrap_or(usize::MAX).min(app.config.max_page);
        let Some(next) = self.next else { return Ok(PageRequest::first(self.filter, limit)) };
        let (filter, after) = app.store.resume(view, &next, self.filter)?;
        Ok(PageRequest { filter, after: Some(after), limit })
    }
}

impl FromRequestParts<Arc<App>> for PageQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl PageQuery {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let mut parsed = Self::default();
        let mut seen = BTreeSet::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            // Some clients append another `next` for each page, so the last one counts.
            if name == "next" {
                parsed.next = Some(value.into_owned()).filter(|next| !next.is_empty());
                continue;
            }
            let Some(name) = NAMES.into_iter().find(|known| *known == name) else { continue };
            if !seen.insert(name) {
                let reason = match name {
                    "limit" | "added_after" => "it occurs twice; give it once",
                    _ => "it occurs twice; separate several values with commas",
                };
                return Err(bad(name, reason.to_owned()));
            }
            let filter = &mut parsed.filter;
            match name {
                "added_after" => filter.added_after = Some(timestamp(name, &value)?),
                "limit" => parsed.limit = Some(limit(&value)?),
                "match[id]" => filter.ids = Some(list(name, &value, id)?),
                "match[type]" => filter.types = Some(types(&value)?),
                "match[version]" => filter.versions = Some(versions(&value)?),
                _ => filter.spec_versions = Some(spec_versions(&value)?),
            }
        }
        Ok(parsed)
    }
}

const NAMES: [&str; 6] =
    ["added_after", "limit", "match[id]", "match[type]", "match[version]", "match[spec_version]"];

/// Which versions of an object a deletion is about.
pub(crate) struct VersionQuery(pub(crate) Filter);

impl FromRequestParts<Arc<App>> for VersionQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let PageQuery { filter, .. } = PageQuery::from_request_parts(parts, app).await?;
        Ok(Self(Filter {
            versions: filter.versions,
            spec_versions: filter.spec_versions,
            ..Filter::default()
        }))
    }
}

fn bad(name: &'static str, reason: String) -> ApiError {
    ApiError::Parameter { name, reason }
}

fn timestamp(name: &'static str, text: &str) -> Result<Timestamp, ApiError> {
    text.parse().map_err(|error| bad(name, format!("{text:?} is no timestamp: {error}")))
}

fn id(text: &str) -> Result<StixId, ApiError> {
    text.parse().map_err(|error| bad("match[id]", format!("{text:?} is no STIX identifier: {error}")))
}

/// The largest integer of STIX and TAXII (TAXII 2.1, section 2, `integer`).
const MAX_LIMIT: u64 = (1 << 53) - 1;

fn limit(text: &str) -> Result<usize, ApiError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || text.bytes().all(|byte| byte == b'0') {
        return Err(bad("limit", format!("{text:?} is no whole number above 0")));
    }
    let limit = text.parse::<u64>().ok().filter(|limit| *limit <= MAX_LIMIT);
    let limit = limit
        .ok_or_else(|| bad("limit", format!("{text:?} is more than {MAX_LIMIT}, the largest integer")))?;
    // What an address space does not hold is more than any page holds.
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

fn list<T: Ord>(
    name: &'static str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, ApiError>,
) -> Result<BTreeSet<T>, ApiError> {
    let parse = |part: &str| match part {
        "" => Err(bad(name, "it has an empty value; separate values with single commas".to_owned())),
        part => parse(part),
    };
    text.split(',').map(parse).collect()
}

/// What cannot be the name of a type matches nothing; what cannot be a name of anything is a mistake.
fn types(text: &str) -> Result<BTreeSet<String>, ApiError> {
    const NAME: &str = "match[type]";
    let mut types = list(NAME, text, |text| match text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err(bad(NAME, format!("{text:?} is no type; separate types with commas, without blanks"))),
    })?;
    types.retain(|name| {
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    });
    Ok(types)
}

fn versions(text: &str) -> Result<VersionFilter, ApiError> {
    const NAME: &str = "match[version]";
    if text == "all" {
        return Ok(VersionFilter::All);
    }
    let (mut first, mut last, mut exact) = (false, false, BTreeSet::new());
    for part in text.split(',') {
        let is_new = match part {
            "first" => !std::mem::replace(&mut first, true),
            "last" => !std::mem::replace(&mut last, true),
            "all" => return Err(bad(NAME, "`all` stands alone".to_owned())),
            "" => {
                return Err(bad(
                    NAME,
                    "it has an empty value; give first, last, all or timestamps".to_owned(),
                ));
            }
            instant => exact.insert(timestamp(NAME, instant)?),
        };
        if !is_new {
            return Err(bad(NAME, format!("{part:?} occurs twice")));
        }
    }
    Ok(VersionFilter::Some { first, last, exact })
}

fn spec_versions(text: &str) -> Result<BTreeSet<SpecVersion>, ApiError> {
    const NAME: &str = "match[spec_version]";
    let is_version = |part: &str| {
        part.split_once('.').is_some_and(|(major, minor)| {
            [major, minor]
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        })
    };
    let parts: BTreeSet<_> = list(NAME, text, |part| {
        if is_version(part) {
            Ok(part.to_owned())
        } else {
            Err(bad(NAME, format!("{part:?} is no version like 2.1")))
        }
    })?;
    Ok([SpecVersion::V2_0, SpecVersion::V2_1]
        .into_iter()
        .filter(|spec| parts.contains(spec.as_str()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_parameters_are_named() {
        let cases = [
            "limit=0",
            "limit=-1",
            "limit=+1",
            "limit=1.0",
            "limit=",
            "limit=x",
            "limit=1&limit=1",
            "limit=000",
            "limit=9007199254740992",
            "limit=99999999999999999999999",
            "added_after=",
            "added_after=2020",
            "added_after=2020-01-01T00:00:00+00:00",
            "added_after=2020-01-01T00:00:00%2B00:00",
            "added_after=2020-01-01T00:00:00Z&added_after=2020-01-01T00:00:00Z",
            "match[id]=",
            "match[id]=x",
            "match%5Bid%5D=x",
            "match[type]=",
            "match[type]=a,,b",
            "match[type]=a,%20b",
            "match[type]=a%00",
            "match[type]=%ff",
            "match[type]=a&match%5Btype%5D=a",
            "match[version]=",
            "match[version]=all,last",
            "match[version]=last,last",
            "match[version]=newest",
            "match[version]=2020-01-01T00:00:00Z,2020-01-01T00:00:00.0Z",
            "match[spec_version]=",
            "match[spec_version]=two",
            "match[spec_version]=2",
            "match[spec_version]=2.1,",
        ];
        for query in cases {
            let name = query.split('=').next().unwrap().replace("%5B", "[").replace("%5D", "]");
            match PageQuery::parse(query) {
                Err(ApiError::Parameter { name: found, .. }) => assert_eq!(found, name, "{query}"),
                other => panic!("{query}: {other:?}"),
            }
        }
    }

    #[test]
    fn well_formed_parameters_are_read() {
        let query =
            PageQuery::parse("match%5Btype%5D=a%2Cb&limit=9007199254740991&next=&x_other=1&next=q").unwrap();
        assert_eq!(query.filter.types, Some(BTreeSet::from(["a".to_owned(), "b".to_owned()])));
        assert_eq!((query.limit, query.next.as_deref()), (Some(9_007_199_254_740_991), Some("q")));
        assert_eq!(types("tool,tool%00,Tool").unwrap(), BTreeSet::from(["tool".to_owned()]));
        assert_eq!(PageQuery::parse("next=a&next=").unwrap().next, None);
        assert_eq!(spec_versions("2.0,2.2").unwrap(), BTreeSet::from([SpecVersion::V2_0]));
        assert!(PageQuery::parse("added_after=2020-01-01T00:00:00.123456789Z&added=x").is_ok());
    }
}
