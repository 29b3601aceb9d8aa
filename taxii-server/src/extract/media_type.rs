//! Media types in `Accept` and `Content-Type` (RFC 9110, section 8.3.1 and 12.5.1; TAXII 2.1, section 3.1).
//!
//! By hand: `mediatype` and `mime` refuse the empty parameters that RFC 9110, section 5.6.6, allows, and read no `q`.

use crate::config::HeaderPolicy;
use axum::http::{HeaderMap, header};

/// A media type or range. Names are compared without case; white space around separators is ignored.
#[derive(Debug, PartialEq, Eq)]
struct MediaType {
    name: String,
    version: Option<String>,
    is_refused: bool,
}

impl MediaType {
    fn parse(text: &str) -> Self {
        let mut parts = split_outside_quotes(text, ';');
        let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut media_type = Self { name, version: None, is_refused: false };
        for parameter in parts {
            let Some((key, value)) = parameter.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            if key.trim().eq_ignore_ascii_case("version") {
                media_type.version = Some(value.to_owned());
            } else if key.trim().eq_ignore_ascii_case("q") {
                media_type.is_refused = value.parse::<f32>().is_ok_and(|quality| quality <= 0.0);
            }
        }
        media_type
    }

    /// Whether the range includes TAXII 2.1. The manifest section of the standard names the STIX type too.
    fn is_acceptable(&self, policy: HeaderPolicy) -> bool {
        let by_standard = ["application/taxii+json", "application/stix+json", "application/*", "*/*"];
        let in_the_field = ["application/vnd.oasis.stix+json", "application/json"];
        !self.is_refused && self.is_one_of(&by_standard, &in_the_field, policy)
    }

    /// Whether a body of this type can be an envelope.
    fn is_envelope(&self, policy: HeaderPolicy) -> bool {
        let in_the_field = ["application/stix+json", "application/vnd.oasis.stix+json", "application/json"];
        self.is_one_of(&["application/taxii+json"], &in_the_field, policy)
    }

    fn is_one_of(&self, by_standard: &[&str], in_the_field: &[&str], policy: HeaderPolicy) -> bool {
        let is = |name: &&str| {
            self.name == *name && self.version.as_deref().is_none_or(|version| version == "2.1")
        };
        by_standard.iter().any(is) || (policy == HeaderPolicy::Lenient && in_the_field.iter().any(is))
    }
}

fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |character| {
        is_quoted ^= character == '"';
        character == separator && !is_quoted
    })
}

/// Whether the client accepts TAXII 2.1. Some clients ask for older versions first and need a refusal to go on.
pub(super) fn accepts_taxii(headers: &HeaderMap, policy: HeaderPolicy) -> bool {
    let values: Vec<_> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let is_silent =
        headers.get_all(header::ACCEPT).iter().all(|value| value.as_bytes().trim_ascii().is_empty());
    let mut ranges = values.iter().flat_map(|value| split_outside_quotes(value, ','));
    is_silent || ranges.any(|range| MediaType::parse(range).is_acceptable(policy))
}

/// Whether the body of a POST is declared as something that can be an envelope.
pub(super) fn is_envelope(headers: &HeaderMap, policy: HeaderPolicy) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|text| MediaType::parse(text).is_envelope(policy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use HeaderPolicy::{Lenient, Strict};

    #[test]
    fn accept() {
        let cases = [
            ("application/taxii+json;version=2.1", true, true),
            ("application/taxii+json; version=2.1", true, true),
            ("Application/TAXII+JSON ; Version=\"2.1\"", true, true),
            ("application/taxii+json", true, true),
            ("*/*", true, true),
            ("application/*;q=0.5", true, true),
            ("", true, true),
            ("application/stix+json;version=2.1, application/taxii+json;version=2.1", true, true),
            ("application/stix+json;version=2.1", true, true),
            ("application/taxii+json;version=2.0, application/taxii+json;version=2.1", true, true),
            ("application/json, text/plain, */*", true, true),
            ("application/json", true, false),
            ("application/taxii+json;version=2.0", false, false),
            ("application/vnd.oasis.taxii+json; version=2.0", false, false),
            ("application/taxii+json;version=2.1;q=0", false, false),
            ("text/html", false, false),
            ("text/plain;x=\"*/*,application/taxii+json\"", false, false),
        ];
        for (accept, lenient, strict) in cases {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(accepts_taxii(&headers, Lenient), lenient, "{accept}");
            assert_eq!(accepts_taxii(&headers, Strict), strict, "{accept}");
        }
        assert!(accepts_taxii(&HeaderMap::new(), Strict));
    }

    #[test]
    fn content_type() {
        let cases = [
            ("application/taxii+json;version=2.1", true, true),
            ("application/taxii+json; version=\"2.1\"; charset=utf-8", true, true),
            ("application/taxii+json", true, true),
            ("application/stix+json; version=2.1", true, false),
            ("application/vnd.oasis.stix+json", true, false),
            ("application/json", true, false),
            ("application/taxii+json;version=2.0", false, false),
            ("text/plain", false, false),
            ("", false, false),
        ];
        for (content_type, lenient, strict) in cases {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
            assert_eq!(is_envelope(&headers, Lenient), lenient, "{content_type}");
            assert_eq!(is_envelope(&headers, Strict), strict, "{content_type}");
        }
        assert!(!is_envelope(&HeaderMap::new(), Lenient));
    }
}
