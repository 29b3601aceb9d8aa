//! Which objects to ask for.

use crate::{Position, Url};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use stix_model::{SpecVersion, StixId, Timestamp};

/// Which objects are asked for (TAXII 2.1, section 3.4). What is empty does not restrict.
///
/// The values go to the server as they are, because only the server knows which types and versions it has; the methods add
/// values of the types of STIX.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Filter {
    /// Only what the server added after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_after: Option<String>,
    /// `match[id]`: STIX identifiers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// `match[type]`: STIX types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// `match[version]`: `last`, `first`, `all`, or timestamps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// `match[spec_version]`: editions of STIX.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spec_versions: Vec<String>,
    /// Objects on one page, at most. It changes how the objects come, never which, so it is not kept.
    #[serde(skip)]
    pub limit: Option<u32>,
}

/// Bytes that the identifiers take in a URL, at most: servers refuse URLs of more than 8 KiB, some at 4 KiB.
const MOST_OF_IDS: usize = 3000;

/// Which versions of an object are asked for: `match[version]` (TAXII 2.1, section 3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionMatch {
    /// The latest one, which a server gives without this filter, too.
    Last,
    /// The earliest one.
    First,
    /// All of them.
    All,
    /// The one of this instant.
    At(Timestamp),
}

impl Filter {
    /// Asks for what the server added after this time only.
    ///
    /// ```
    /// use stix_model::Timestamp;
    /// use taxii_client::{Filter, VersionMatch};
    /// let since: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// let filter = Filter::default()
    ///     .added_after(&since)
    ///     .object_type("indicator")
    ///     .object_type("malware")
    ///     .version(VersionMatch::All)
    ///     .limit(500);
    /// assert_eq!(filter.types, ["indicator", "malware"]);
    /// # Ok::<(), stix_model::TimestampError>(())
    /// ```
    #[must_use]
    pub fn added_after(self, time: &Timestamp) -> Self {
        Self { added_after: Some(time.as_str().to_owned()), ..self }
    }

    /// Asks for this object, and others that are named.
    #[must_use]
    pub fn id(mut self, id: &StixId) -> Self {
        self.ids.push(id.as_str().to_owned());
        self
    }

    /// Asks for objects of this type, and others that are named.
    #[must_use]
    pub fn object_type(mut self, object_type: impl Into<String>) -> Self {
        self.types.push(object_type.into());
        self
    }

    /// Asks for these versions, and others that are named.
    #[must_use]
    pub fn version(mut self, version: VersionMatch) -> Self {
        self.versions.push(match version {
            VersionMatch::Last => "last".to_owned(),
            VersionMatch::First => "first".to_owned(),
            VersionMatch::All => "all".to_owned(),
            VersionMatch::At(instant) => instant.as_str().to_owned(),
        });
        self
    }

    /// Asks for this edition of STIX, and others that are named. Servers give the latest edition without it.
    #[must_use]
    pub fn spec_version(mut self, version: SpecVersion) -> Self {
        self.spec_versions.push(version.as_str().to_owned());
        self
    }

    /// Asks for pages of this number of objects at most.
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// The same filter in parts, so that no URL is too long when it has many identifiers. Each identifier is in one part
    /// and there once; a filter with few of them is one part.
    ///
    /// ```
    /// let ids = (0..100).map(|n| format!("tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3{n:04}"));
    /// let mut filter = taxii_client::Filter::default();
    /// filter.ids.extend(ids);
    /// assert_eq!(filter.split().len(), 2);
    /// ```
    #[must_use]
    pub fn split(&self) -> Vec<Self> {
        let mut parts = vec![Self { ids: Vec::new(), ..self.clone() }];
        let mut seen = BTreeSet::new();
        let mut bytes = 0;
        for id in self.ids.iter().filter(|id| seen.insert(*id)) {
            let escaped =
                |byte: u8| if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) { 1 } else { 3 };
            let length = id.bytes().map(escaped).sum::<usize>() + "%2C".len();
            if bytes > 0 && bytes + length > MOST_OF_IDS {
                parts.push(Self { ids: Vec::new(), ..self.clone() });
                bytes = 0;
            }
            bytes += length;
            parts.last_mut().expect("there is one from the start").ids.push(id.clone());
        }
        parts
    }

    /// `url` with this filter, seen from a position, as its query.
    pub(crate) fn query(&self, url: &Url, position: &Position) -> Url {
        let mut url = url.clone();
        let limit = self.limit.map(|limit| limit.to_string());
        let single = [
            // TAXII 2.1, section 3.5: the same filters with `next`, so `added_after` stays beside it.
            ("added_after", position.added_after.as_ref().or(self.added_after.as_ref())),
            ("limit", limit.as_ref()),
            ("next", position.next.as_ref()),
        ];
        let lists = [
            ("match[id]", &self.ids),
            ("match[type]", &self.types),
            ("match[version]", &self.versions),
            ("match[spec_version]", &self.spec_versions),
        ];
        for (name, value) in single {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        for (name, values) in lists {
            if !values.is_empty() {
                url.query_pairs_mut().append_pair(name, &values.join(","));
            }
        }
        url
    }
}
