//! What a conversion gives: objects, and records that became none.

use crate::shared::{Part, SharedKey};
use crate::value::Value;
use crate::warninglist::Warninglist;
use std::collections::{BTreeMap, BTreeSet};
use stix_model::{Object, StixId, Timestamp};

/// A record that became no object.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rejected {
    /// Which one: its number, its line, or what the source calls it.
    pub record: String,
    /// Why.
    pub reason: String,
}

/// Takes what is made of records, one after the other.
pub trait Output {
    /// A record was read.
    fn record(&mut self);
    /// An object, complete and validated. The same one may come again.
    fn object(&mut self, object: Object);
    /// What this source says of something that other sources describe, too.
    fn part(&mut self, key: SharedKey, part: Part);
    /// A record became no object.
    fn reject(&mut self, rejected: Rejected);
    /// A document as a whole became none, such as a member of an archive: what was in it may well be there.
    fn reject_document(&mut self, rejected: Rejected) {
        self.record();
        self.reject(rejected);
    }
    /// Something that was repaired, or is worth a line in the report.
    fn note(&mut self, note: String);
    /// The warning list that a value is on: it is usual, and an indicator of it is likely wrong.
    fn warninglist(&self, value: &Value) -> Option<&str> {
        let _ = value;
        None
    }
    /// What earlier runs made under an identifier.
    fn standing(&self, id: &StixId) -> Standing {
        let _ = id;
        Standing::New
    }
}

/// What earlier runs made under an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    New,
    /// An object that still counts.
    Made {
        /// When it was made; what has no time of the source keeps it.
        created: Timestamp,
        /// Until when it is worth looking for.
        valid_until: Option<Timestamp>,
    },
    /// An object that was withdrawn, which is final.
    Revoked,
}

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct Collected {
    /// Number of records.
    pub records: u64,
    /// The objects, each version once, in the order in which they first came.
    pub objects: Vec<Object>,
    /// What is said of things that sources share.
    pub parts: BTreeMap<SharedKey, Vec<Part>>,
    /// Records that became no object.
    pub rejected: Vec<Rejected>,
    /// What was repaired.
    pub notes: Vec<String>,
    /// Values that are usual.
    pub warninglists: Vec<Warninglist>,
    seen: BTreeSet<(StixId, Option<Timestamp>)>,
}

impl Output for Collected {
    fn warninglist(&self, value: &Value) -> Option<&str> {
        first_with(&self.warninglists, value)
    }

    fn record(&mut self) {
        self.records += 1;
    }

    fn object(&mut self, object: Object) {
        if self.seen.insert((object.id().clone(), object.header().version().cloned())) {
            self.objects.push(object);
        }
    }

    fn part(&mut self, key: SharedKey, part: Part) {
        let parts = self.parts.entry(key).or_default();
        match parts.iter_mut().find(|known| known.feed == part.feed) {
            Some(known) => known.join(part),
            None => parts.push(part),
        }
    }

    fn reject(&mut self, rejected: Rejected) {
        self.rejected.push(rejected);
    }

    fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

/// The name of the first list that has a value.
pub(crate) fn first_with<'l>(lists: &'l [Warninglist], value: &Value) -> Option<&'l str> {
    lists.iter().find(|list| list.contains(value)).map(|list| &*list.name)
}
