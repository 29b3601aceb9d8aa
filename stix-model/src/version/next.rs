//! Making the next version of an object.

use super::is_revoked;
use crate::json::{Change, EditError, Value, edit, write_canonical};
use crate::{Object, ObjectError, Timestamp};

/// The properties that stay the same through all versions of an object (STIX 2.1, sections 3.2 and 3.6).
pub const FIXED_PROPERTIES: [&str; 5] = ["type", "spec_version", "id", "created_by_ref", "created"];

/// Makes the next version of an object: the same text with these changes and the new `modified`. Every other
/// member keeps its bytes.
///
/// Only the creator of an object makes versions of it (STIX 2.1, section 3.6); everybody else makes a new
/// object. So does the creator when the change is material, see [`material_changes`].
///
/// ```
/// use stix_model::json::Change;
/// use stix_model::{Object, version::new_version};
/// let object = Object::parse(r#"{"type":"tool", "id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
///     "created":"2020-01-01T00:00:00.000Z", "modified":"2020-01-01T00:00:00.000Z", "name":"n", "x":1.0}"#)?;
/// let next = new_version(&object, &"2020-01-02T00:00:00.000Z".parse()?, &[Change::set_text("name", "m")])?;
/// assert_eq!(next.json(), r#"{"type":"tool", "id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
///     "created":"2020-01-01T00:00:00.000Z", "modified":"2020-01-02T00:00:00.000Z", "name":"m", "x":1.0}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the object has no versions or is revoked, `modified` is not later or not written to the millisecond,
/// a change touches one of [`FIXED_PROPERTIES`], `modified` or `revoked`, or the result is no object that can
/// be kept.
pub fn new_version(
    object: &Object,
    modified: &Timestamp,
    changes: &[Change],
) -> Result<Object, VersionError> {
    for change in changes {
        match change.name() {
            name if FIXED_PROPERTIES.contains(&name) => return Err(VersionError::Fixed(name.into())),
            "modified" => return Err(VersionError::ModifiedTwice),
            "revoked" => return Err(VersionError::UseRevoke),
            _ => {}
        }
    }
    next(object, modified, changes)
}

/// Revokes an object: its last version, with the new `modified` and `revoked` true (STIX 2.1, section 3.6.1).
///
/// # Errors
/// As [`new_version`].
pub fn revoke(object: &Object, modified: &Timestamp) -> Result<Object, VersionError> {
    next(object, modified, &[Change::set("revoked", "true")])
}

fn next(object: &Object, modified: &Timestamp, changes: &[Change]) -> Result<Object, VersionError> {
    let header = object.header();
    let object_type = header.id.object_type();
    // Some producers write `modified` in marking definitions, which have no versions (STIX 2.1, section 7.2.1).
    let (Some(_), Some(before), true) =
        (&header.created, &header.modified, object_type != "marking-definition")
    else {
        return Err(VersionError::NotVersioned(object_type.into()));
    };
    if is_revoked(object) {
        return Err(VersionError::Revoked);
    }
    if modified <= before {
        return Err(VersionError::NotLater { before: before.clone(), modified: modified.clone() });
    }
    if modified.fraction_digits() < 3 {
        return Err(VersionError::Precision(modified.clone()));
    }
    let mut all = vec![Change::set_text("modified", modified.as_str())];
    all.extend_from_slice(changes);
    let text = edit(object.document().root(), &all)?;
    Ok(Object::parse(&text)?)
}

/// The properties that differ between two versions and that say *which thing* the object is about. When there
/// are any, a new object related by `derived-from` or `duplicate-of` usually serves others better than a new
/// version, because relationships that others made to the old one may no longer be true (STIX 2.1, section
/// 3.6). The standard leaves the choice to the creator, and so does this: it is a hint.
///
/// ```
/// use stix_model::json::{Document, Limits};
/// use stix_model::version::material_changes;
/// let read = |text| Document::read(text, Limits::default()).unwrap();
/// let old = read(br#"{"type": "relationship", "target_ref": "malware--1", "description": "x"}"#);
/// let new = read(br#"{"type": "relationship", "target_ref": "malware--2", "description": "y"}"#);
/// assert_eq!(material_changes(old.root(), new.root()), ["target_ref"]);
/// ```
pub fn material_changes(old: Value<'_>, new: Value<'_>) -> Vec<&'static str> {
    let object_type = old.get("type").and_then(Value::as_str).unwrap_or_default();
    let properties: &[&str] = match object_type.as_ref() {
        "indicator" => &["pattern", "pattern_type"],
        "language-content" => &["object_ref", "object_modified"],
        "location" => &["latitude", "longitude", "region", "country", "administrative_area", "city"],
        "malware" => &["is_family"],
        "malware-analysis" => &["product", "sample_ref"],
        "note" | "opinion" => &["object_refs"],
        "observed-data" => &["object_refs", "objects", "first_observed", "last_observed"],
        "relationship" => &["relationship_type", "source_ref", "target_ref"],
        "sighting" => &["sighting_of_ref"],
        _ => &[],
    };
    let canonical = |object: Value<'_>, property: &str| {
        let mut out = String::new();
        write_canonical(object.get(property)?, &mut out);
        Some(out)
    };
    properties.iter().copied().filter(|name| canonical(old, name) != canonical(new, name)).collect()
}

/// Why there is no next version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// Cyber-observable objects and marking definitions are not versioned.
    #[error("this {0} has no versions; make a new object instead")]
    NotVersioned(Box<str>),
    /// STIX 2.1, section 3.6.1.
    #[error("the object is revoked, and no version follows a revocation")]
    Revoked,
    /// STIX 2.1, section 3.6.
    #[error("`modified` must be later than that of the version before, {before}; {modified} is not")]
    NotLater {
        /// Of the version before.
        before: Timestamp,
        /// What was asked for.
        modified: Timestamp,
    },
    /// STIX 2.1, section 3.2.
    #[error("`modified` is written at least to the millisecond, like 2020-01-01T00:00:00.000Z; {0} is not")]
    Precision(Timestamp),
    /// One of [`FIXED_PROPERTIES`].
    #[error("`{0}` is the same in all versions of an object; make a new object instead")]
    Fixed(Box<str>),
    /// `modified` among the changes.
    #[error("`modified` is set by the version; leave it out of the changes")]
    ModifiedTwice,
    /// `revoked` among the changes.
    #[error("`revoked` is set by `revoke`, and nothing unsets it")]
    UseRevoke,
    /// A new value is not strict JSON.
    #[error("{0}")]
    Edit(#[from] EditError),
    /// The result cannot be kept.
    #[error("{0}")]
    Object(#[from] ObjectError),
}
