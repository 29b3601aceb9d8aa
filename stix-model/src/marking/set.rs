//! Marking the whole of an object.

use super::{Tlp, TlpEdition};
use crate::StixId;
use crate::json::{Change, Rewriter, Value, write_string};

const PROPERTY: &str = "object_marking_refs";

/// The change that adds a marking to the whole object (STIX 2.1, section 7.2.2); `None` when the object names it already.
///
/// A new marking makes a new version of the object (section 3.6), see [`new_version`](crate::version::new_version). What
/// the object says elsewhere keeps its bytes. A property that is no list is replaced.
///
/// ```
/// use stix_model::{Object, StixId, marking::add_marking, version::new_version};
/// let object = Object::parse(r#"{ "type": "tool", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "name": "n",
///     "created": "2020-01-01T00:00:00.000Z", "modified": "2020-01-01T00:00:00.000Z", "spec_version": "2.1" }"#)?;
/// let statement: StixId = "marking-definition--1b6a1a5c-6c5a-4d7b-9d28-4b9a3c6d8b10".parse()?;
/// let change = add_marking(object.document().root(), &statement).unwrap();
/// let marked = new_version(&object, &"2020-01-02T00:00:00.000Z".parse()?, &[change])?;
/// assert_eq!(marked.get("object_marking_refs")?, Some(vec![statement.clone()]));
/// assert_eq!(add_marking(marked.document().root(), &statement), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn add_marking(object: Value<'_>, marking: &StixId) -> Option<Change> {
    change(object, marking, |_| true)
}

/// The change that sets the TLP level of the whole object, as a marking of TLP 2.0; `None` when it has just this one
/// already. TLP markings of other levels and of TLP 1.0 go from `object_marking_refs`; other markings stay, also those of
/// parts, which may be stricter (STIX 2.1, sections 7.2.1.4 and 7.2.3).
///
/// ```
/// use stix_model::json::{Document, Limits, edit};
/// use stix_model::{Tlp, marking::set_tlp};
/// let text = br#"{"x": 1.0, "object_marking_refs": [ "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed" ]}"#;
/// let document = Document::read(text, Limits::default())?;
/// let change = set_tlp(document.root(), Tlp::Green).unwrap();
/// assert_eq!(
///     edit(document.root(), &[change])?,
///     r#"{"x": 1.0, "object_marking_refs": [ "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb" ]}"#
/// );
/// # Ok::<(), stix_model::json::EditError>(())
/// ```
pub fn set_tlp(object: Value<'_>, level: Tlp) -> Option<Change> {
    let id = level.id();
    change(object, &id, |other| TlpEdition::of_marking(other).is_none())
}

/// The change after which the list names `marking`, and of the others those that stay.
fn change(object: Value<'_>, marking: &StixId, stays: impl Fn(&str) -> bool) -> Option<Change> {
    let mut quoted = String::new();
    write_string(marking.as_str(), &mut quoted);
    let Some(list) = object.get(PROPERTY).filter(|list| list.elements().next().is_some()) else {
        return Some(Change::set(PROPERTY, format!("[{quoted}]")));
    };
    let mut out = Rewriter::new(list);
    let (mut is_named, mut is_changed) = (false, false);
    for element in list.elements() {
        let id = element.as_str();
        let is_it = id.as_deref() == Some(marking.as_str());
        if is_it || id.as_deref().is_none_or(&stays) {
            out.keep(element);
        } else {
            out.drop(element);
            is_changed = true;
        }
        is_named |= is_it;
    }
    if !is_named {
        out.append(&quoted);
    }
    (is_changed || !is_named).then(|| Change::set(PROPERTY, out.finish()))
}
