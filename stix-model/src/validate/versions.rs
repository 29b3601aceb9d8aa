//! What versions of one object say of each other (STIX 2.1, section 3.6), as findings.

use super::finding::{Code, Finding, Severity};
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
#[derive(Debug, Default)]
pub struct Versions(BTreeMap<Box<str>, Seen>);

/// What came before of one object. What was refused is history for none of the others.
#[derive(Debug)]
pub(super) struct Seen {
    first: Facts,
    /// The earliest version that revokes it.
    revoked_at: Option<Timestamp>,
    latest: Option<Timestamp>,
    contents: BTreeMap<Option<Timestamp>, Digest>,
}

impl Seen {
    pub(super) fn new(first: Facts) -> Self {
        let contents = BTreeMap::from([(first.version.clone(), first.content)]);
        let (revoked_at, latest) =
            (first.version.clone().filter(|_| first.is_revoked), first.version.clone());
        Self { first, revoked_at, latest, contents }
    }

    /// Decides on another version, and remembers it if it is one.
    pub(super) fn add(&mut self, facts: Facts) -> Decision {
        let history = History {
            created: self.first.created.as_ref().map(Timestamp::sort_key),
            creator: self.first.creator.as_ref(),
            revoked_at: self.revoked_at.as_ref().map(Timestamp::sort_key),
            latest: self.latest.as_ref().map(Timestamp::sort_key),
            same_version: self.contents.get(&facts.version).copied(),
        };
        let decision = decide(&facts, Some(&history));
        if decision.is_accepted() {
            let is_first = |at: &Timestamp| facts.version.as_ref() < Some(at);
            if facts.is_revoked && self.revoked_at.as_ref().is_none_or(is_first) {
                self.revoked_at.clone_from(&facts.version);
            }
            self.latest = self.latest.take().max(facts.version.clone());
            self.contents.insert(facts.version, facts.content);
        }
        decision
    }
}

impl Versions {
    /// Adds an object; what keeps it from being a version beside those before. One that cannot be is no version for those
    /// that follow.
    pub fn add(&mut self, object: Value<'_>) -> Option<Finding> {
        let id = object.get("id")?.as_str()?;
        StixId::check(&id).ok()?;
        let facts = Facts::of_value(object);
        let Some(seen) = self.0.get_mut(&*id) else {
            self.0.insert(id.into(), Seen::new(facts));
            return None;
        };
        let is_versioned = facts.version.is_some() && seen.latest.is_some();
        let decision = seen.add(facts);
        let fault = Fault::of(decision, &id, is_versioned, "an object before this one")?;
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

    /// The property of the object that is at fault; none when it is the object as a whole.
    pub(super) fn property_of(&self, object: Value<'_>) -> Option<&'static str> {
        self.property.filter(|name| object.get(name).is_some())
    }
}
