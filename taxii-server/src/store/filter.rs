//! Filters of requests.

use super::keys::{ChainKey, Position};
use super::record::{Edition, ObjectRecord};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use stix_model::{SpecVersion, StixId, Timestamp, Tlp};

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

    /// The STIX versions of an object that a viewer sees and that pass `match[spec_version]`.
    pub(super) fn editions<'r>(
        &self,
        record: &'r ObjectRecord,
        clearance: Tlp,
    ) -> impl Iterator<Item = (SpecVersion, &'r Edition)> + Clone {
        let newest = record.newest(clearance);
        let editions = record.0.iter().map(|(spec, edition)| (*spec, edition));
        editions.filter(move |(spec, _)| self.admits(*spec, newest))
    }

    /// The instants of the first and the last version that a viewer sees. They are taken over the whole history:
    /// `added_after` and paging never turn an old version into the latest. They are the first and last of all STIX versions
    /// that pass: an object in two of them has one latest version, or two where both are of the same instant.
    pub(super) fn ends<'r>(&self, record: &'r ObjectRecord, clearance: Tlp) -> [Option<&'r str>; 2] {
        let editions = self.editions(record, clearance);
        let firsts = editions.clone().filter_map(|(_, edition)| edition.first(clearance));
        let lasts = editions.filter_map(|(_, edition)| edition.last(clearance));
        [firsts.map(|(_, first)| &*first.instant).min(), lasts.map(|(_, last)| &*last.instant).max()]
    }

    /// The versions that `match[version]` names one by one; those of exact instants need not exist.
    pub(super) fn wanted<'r>(
        &'r self,
        record: &'r ObjectRecord,
        clearance: Tlp,
    ) -> BTreeSet<(ChainKey, &'r str)> {
        let [first, last] = self.ends(record, clearance);
        let instants: BTreeSet<_> = match &self.versions {
            None => last.into_iter().collect(),
            Some(VersionFilter::All) => BTreeSet::new(),
            Some(VersionFilter::Some { first: wants_first, last: wants_last, exact }) => {
                let ends = [first.filter(|_| *wants_first), last.filter(|_| *wants_last)];
                ends.into_iter().flatten().chain(exact.iter().map(Timestamp::sort_key)).collect()
            }
        };
        let mut wanted = BTreeSet::new();
        for (spec, edition) in self.editions(record, clearance) {
            for (&level, chain) in edition.chains.range(..=clearance) {
                let held = instants.range(&*chain.first.instant..=&*chain.last.instant);
                wanted.extend(held.map(|instant| (ChainKey { spec, level }, *instant)));
            }
        }
        wanted
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
