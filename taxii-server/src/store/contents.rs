//! Counts of what collections hold.

use super::record::{Head, date_added};
use stix_model::{Timestamp, Tlp};

/// What a collection holds, as far as a viewer sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Objects, each with one or more versions.
    pub objects: u64,
    /// Versions of objects.
    pub versions: u64,
    /// Bytes of all versions, as they were sent.
    pub bytes: u64,
    /// `date_added` of the last addition; `None` when the collection holds nothing.
    pub newest: Option<Timestamp>,
}

impl Contents {
    pub(super) fn of(head: &Head, clearance: Tlp) -> Self {
        let versions = head.versions(clearance).iter().sum();
        Self {
            objects: head.objects(clearance),
            versions,
            bytes: head.bytes(clearance),
            newest: (versions > 0).then(|| date_added(head.last(clearance))),
        }
    }
}
