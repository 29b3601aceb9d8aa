//! Filters of requests.

use super::keys::Position;
use super::record::VersionRow;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use stix_model::{SpecVersion, StixId, Timestamp};

/// The filters of TAXII 2.1, section 3.4: different fields are ANDed, values of one field are ORed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Only what was added strictly later.
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    pub added_after: Option<Timestamp>,
    /// `match[id]`
    #[serde(rename = "i", skip_serializing_if = "Option::is_none")]
    pub ids: Option<BTreeSet<StixId>>,
    /// `match[type]`
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    pub types: Option<BTreeSet<String>>,
    /// `match[version]`; `None` means the last one.
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    pub versions: Option<VersionFilter>,
    /// `match[spec_version]`; `None` means the newest one of each object. Versions that no object can have are left
    /// out, so the set may be empty, and then nothing matches.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub spec_versions: Option<BTreeSet<SpecVersion>>,
}

/// `match[version]` (TAXII 2.1, section 3.4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionFilter {
    /// Every version.
    All,
    /// Any of these.
    Some {
        /// The first version of each object.
        first: bool,
        /// The last version of each object.
        last: bool,
        /// Versions of exactly these instants.
        exact: BTreeSet<Timestamp>,
    },
}

/// One version in the history of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HistoryRow {
    pub(super) spec: SpecVersion,
    /// Sort key of the version.
    pub(super) instant: Box<str>,
    pub(super) row: VersionRow,
}

impl Filter {
    /// The position after which matches begin.
    pub(super) fn start(&self) -> Option<Position> {
        let micros = self.added_after.as_ref()?.micros();
        // Nothing was added before 1970.
        Some(Position::end_of(u64::try_from(micros).ok()?))
    }

    /// Whether this is the default: the last version of each object in its newest STIX version.
    pub(super) fn is_latest(&self) -> bool {
        self.spec_versions.is_none() && self.wants_only_last()
    }

    /// Whether only the last version matters, so the history need not be read.
    pub(super) fn wants_only_last(&self) -> bool {
        match &self.versions {
            None => true,
            Some(VersionFilter::Some { first: false, last: true, exact }) => exact.is_empty(),
            Some(_) => false,
        }
    }

    /// Whether only versions of certain instants are asked for.
    pub(crate) fn wants_only_instants(&self) -> bool {
        self.added_after.is_none()
            && self.spec_versions.is_none()
            && matches!(&self.versions, Some(VersionFilter::Some { first: false, last: false, .. }))
    }

    /// Whether a version of this STIX version passes `match[spec_version]`; `newest` is the newest one of its object.
    pub(super) fn admits(&self, spec: SpecVersion, newest: Option<SpecVersion>) -> bool {
        match &self.spec_versions {
            Some(wanted) => wanted.contains(&spec),
            None => newest == Some(spec),
        }
    }

    /// Picks from the versions of one object that a viewer sees, oldest first within each STIX version. First and last
    /// are taken over the whole history: `added_after` and paging never turn an old version into the latest. They are
    /// the first and last of all STIX versions that pass: an object in two of them has one latest version, or two where
    /// both are of the same instant.
    pub(super) fn choose<'r>(&self, rows: &'r [HistoryRow]) -> Vec<&'r HistoryRow> {
        let newest = rows.last().map(|row| row.spec);
        let admitted = || rows.iter().filter(|row| self.admits(row.spec, newest));
        let instants = || admitted().map(|row| &row.instant);
        let (first, last) = (instants().min(), instants().max());
        let is_chosen = |row: &&HistoryRow| {
            let (is_first, is_last) = (Some(&row.instant) == first, Some(&row.instant) == last);
            self.admits_version(is_first, is_last, &row.instant)
        };
        admitted().filter(is_chosen).collect()
    }

    /// Whether a version passes `match[version]`.
    pub(super) fn admits_version(&self, is_first: bool, is_last: bool, instant: &str) -> bool {
        match &self.versions {
            None => is_last,
            Some(VersionFilter::All) => true,
            Some(VersionFilter::Some { first, last, exact }) => {
                let is_exact = || exact.iter().any(|wanted| wanted.sort_key() == instant);
                (*first && is_first) || (*last && is_last) || is_exact()
            }
        }
    }
}
