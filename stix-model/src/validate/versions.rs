//! What versions of one object say of each other (STIX 2.1, section 3.6), as findings.

use crate::finding::{Code, Finding, Severity};
use crate::json::{Digest, Value};
use crate::schema::rule::Rule;
use crate::version::{Decision, Facts, History, Refusal, decide};
use crate::{StixId, Timestamp};
use std::collections::BTreeMap;

/// Holds objects against those of the same identifier that came before, one after the other as they stand in JSON lines.
///
/// ```
/// use stix_model::json::{Document, Limits};
/// use stix_model::validate::{Rule, Versions};
/// let marking = |text: &str| format!(
///     r#"{{"type": "marking-definition", "spec_version": "2.1", "definition_type": "statement",
///     "id": "marking-definition--5d0b9a7e-1f2c-4a3d-8b4e-6f7081920120", "created": "2026-03-01T10:00:00.000Z",
///     "definition": {{"statement": "{text}"}}}}"#);
/// let mut versions = Versions::default();
/// let [first, other] = [marking("Members only"), marking("Free to publish")];
/// let mut add = |text: &str| versions.add(Document::read(text.as_bytes(), Limits::default()).unwrap().root());
/// assert_eq!(add(&first), None);
/// assert_eq!(add(&other).unwrap().rule, Some(Rule::S114));
/// assert_eq!(add(&first), None);
/// ```
///
/// # Memory
/// Lines may go on for ever, so only the versions that came last are remembered: 100,000, or as many as
/// [`remembering`](Self::remembering) says, at most twice as many, and of one object the latest 256. That takes some tens
/// of megabytes. What is forgotten is compared with nothing: a fault between lines that are farther apart stays unseen,
/// and no object is blamed for it.
#[derive(Debug)]
pub struct Versions {
    most: usize,
    /// Objects by digests of their identifiers. Those that turn up move here from `earlier`; when here are the most
    /// versions, `earlier` is forgotten.
    recent: BTreeMap<Digest, Seen>,
    earlier: BTreeMap<Digest, Seen>,
    /// Versions in `recent`.
    count: usize,
}

/// How many versions of one object are remembered.
const MOST_OF_OBJECT: usize = 256;

/// What came before of one object. What was refused is history for none of the others.
#[derive(Debug)]
pub(super) struct Seen {
    created: Option<Timestamp>,
    creator: Option<StixId>,
    /// The earliest version that revokes it.
    revoked_at: Option<Timestamp>,
    /// The latest versions, from the earliest of them on; one without a time for an object without versions.
    versions: Vec<Version>,
}

#[derive(Debug)]
struct Version {
    at: Option<Timestamp>,
    content: Digest,
    is_revoked: bool,
}

impl Seen {
    pub(super) fn new(first: Facts) -> Self {
        let Facts { version: at, created, creator, is_revoked, content, .. } = first;
        let revoked_at = at.clone().filter(|_| is_revoked);
        Self { created, creator, revoked_at, versions: vec![Version { at, content, is_revoked }] }
    }

    fn latest(&self) -> Option<&Timestamp> {
        self.versions.last()?.at.as_ref()
    }

    /// Whether a version goes on with the object after this time.
    fn is_alive_after(&self, at: Option<&Timestamp>) -> bool {
        let mut later = self.versions.iter().rev().take_while(|version| version.at.as_ref() > at);
        later.any(|version| !version.is_revoked)
    }

    /// Decides on another version, and remembers it if it is one.
    pub(super) fn add(&mut self, facts: Facts) -> Decision {
        let place = self.versions.partition_point(|version| version.at < facts.version);
        let same = self.versions.get(place).filter(|version| version.at == facts.version);
        let history = History {
            created: self.created.as_ref().map(Timestamp::sort_key),
            creator: self.creator.as_ref(),
            revoked_at: self.revoked_at.as_ref().map(Timestamp::sort_key),
            latest: self.latest().map(Timestamp::sort_key),
            same_version: same.map(|version| version.content),
        };
        let decision = decide(&facts, Some(&history));
        if decision.is_accepted() {
            let Facts { version: at, is_revoked, content, .. } = facts;
            let is_first = |other: &Timestamp| at.as_ref() < Some(other);
            if is_revoked && self.revoked_at.as_ref().is_none_or(is_first) {
                self.revoked_at.clone_from(&at);
            }
            self.versions.insert(place, Version { at, content, is_revoked });
            if self.versions.len() > MOST_OF_OBJECT {
                self.versions.remove(0);
            }
        }
        decision
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self::remembering(100_000)
    }
}

impl Versions {
    /// Remembers this many versions, at least one.
    pub fn remembering(most: usize) -> Self {
        Self { most: most.max(1), recent: BTreeMap::new(), earlier: BTreeMap::new(), count: 0 }
    }

    /// Adds an object; what keeps it from being a version beside those before. One that cannot be is no version for those
    /// that follow.
    pub fn add(&mut self, object: Value<'_>) -> Option<Finding> {
        let value = object.get("id")?;
        let id = value.as_str()?;
        StixId::check(&id).ok()?;
        let facts = Facts::of_value(object);
        let key = Digest::of(value);
        if self.count >= self.most {
            self.earlier = std::mem::take(&mut self.recent);
            self.count = 0;
        }
        if let Some(seen) = self.earlier.remove(&key) {
            self.count += seen.versions.len();
            self.recent.insert(key, seen);
        }
        let Some(seen) = self.recent.get_mut(&key) else {
            self.recent.insert(key, Seen::new(facts));
            self.count += 1;
            return None;
        };
        let is_versioned = facts.version.is_some() && seen.latest().is_some();
        let is_too_late = facts.is_revoked && seen.is_alive_after(facts.version.as_ref());
        let before = seen.versions.len();
        let decision = seen.add(facts);
        self.count += seen.versions.len() - before;
        let other = "an object before this one";
        let fault = match decision {
            Decision::Revocation if is_too_late => Fault::of_late_revocation(&id, other),
            decision => Fault::of(decision, &id, is_versioned, other)?,
        };
        Some(Finding {
            code: Code::VersionConflict,
            severity: fault.severity,
            index: None,
            pointer: fault.property_of(object).map_or_else(String::new, |name| format!("/{name}")),
            rule: Some(fault.rule),
            message: fault.message,
            fix: None,
        })
    }
}

/// Why an object is no version beside others.
pub(super) struct Fault {
    pub(super) severity: Severity,
    pub(super) rule: Rule,
    pub(super) message: String,
    property: Option<&'static str>,
}

impl Fault {
    /// What a decision means in a text that holds both: this object, and `other` of the same identifier. Nothing when the
    /// decision refuses nothing.
    pub(super) fn of(decision: Decision, id: &str, is_versioned: bool, other: &str) -> Option<Self> {
        let mut rule = decision.rule()?;
        let is_marking = id.starts_with("marking-definition--");
        let mut severity = Severity::Error;
        let message = match decision {
            Decision::Conflict if !is_versioned && !is_marking => {
                // A server may give each content a version of its own (TAXII 2.1, section 3.4.1).
                severity = Severity::Warning;
                format!("{other} is {id} too, with other content; readers may keep either")
            }
            Decision::Refused(Refusal::OtherCreated | Refusal::Marking) => {
                format!("{other} is {id} too, with another `created`, which never changes")
            }
            Decision::Refused(Refusal::OtherCreator) => {
                let message = "with another creator, and only its creator makes new versions of an object";
                format!("{other} is {id} too, {message}")
            }
            Decision::Refused(Refusal::Revoked) => {
                format!("{other} revokes {id}, and no version follows a revocation")
            }
            _ => format!("{other} is {id} of the same time, with other content"),
        };
        // Section 7.2.1.
        if is_marking {
            rule = Rule::S114;
        }
        Some(Self { severity, rule, message, property: decision.property() })
    }

    /// What it means that an object is revoked by a version which comes when a later one is there.
    fn of_late_revocation(id: &str, other: &str) -> Self {
        Self {
            severity: Severity::Error,
            rule: Rule::S043,
            message: format!("{other} is a later version of {id}, and no version follows a revocation"),
            property: Some("revoked"),
        }
    }

    /// The property of the object that is at fault; none when it is the object as a whole.
    pub(super) fn property_of(&self, object: Value<'_>) -> Option<&'static str> {
        self.property.filter(|name| object.get(name).is_some())
    }
}
