//! Repairs of what many sources write slightly wrong, so that the rest of the object is not lost:
//!
//! - An identifier whose end is no UUID of RFC 4122 gets one that follows from the text, in all references to it, too: the same in
//!   each file and each feed.
//! - A timestamp with another offset than `Z`, or without one, is written in UTC.
//! - An object of STIX 2.1 without `spec_version` gets it.
//!
//! All other bytes stay.

use super::edition::Edition;
use crate::frame::sdo_uuid;
use std::collections::BTreeSet;
use std::ops::Range;
use stix_model::json::{Kind, Value, write_string};
use stix_model::{StixId, Timestamp, schema};

/// Properties of the standard that are timestamps, at whatever place.
const TIMES: [&str; 16] = [
    "analysis_ended",
    "analysis_started",
    "created",
    "first_observed",
    "first_seen",
    "last_observed",
    "last_seen",
    "modified",
    "published",
    "start_time",
    "stop_time",
    "submitted",
    "valid_from",
    "valid_until",
    "ctime",
    "mtime",
];

/// How names begin that the standard does not define.
const OTHERS: [&str; 3] = ["x_", "x-", "extension-definition--"];

/// The text of an object as it should be; `None` when nothing is to be repaired. `known` are identifiers that a note was made of.
pub(super) fn repaired(
    object: Value<'_>,
    frame: Option<&str>,
    known: &mut BTreeSet<String>,
    notes: &mut Vec<String>,
) -> Option<String> {
    if object.kind() != Kind::Object {
        return None;
    }
    let mut repair = Repair { splices: Vec::new(), known, notes };
    if Edition::of(object, frame) == Edition::Unsaid {
        let start = object.range().start + 1;
        repair.splices.push((start..start, r#""spec_version":"2.1","#.to_owned()));
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
        repair.notes.push(format!("{id}: `spec_version` is missing; what it has is of STIX 2.1"));
    }
    for (name, value) in object.members() {
        if name == "id" {
            repair.id(value);
        }
        repair.member(&name, value, true);
    }
    let splices = repair.splices;
    (!splices.is_empty()).then(|| spliced(object, splices))
}

struct Repair<'r> {
    /// What is written anew, in the order of the text.
    splices: Vec<(Range<usize>, String)>,
    known: &'r mut BTreeSet<String>,
    notes: &'r mut Vec<String>,
}

impl Repair<'_> {
    fn member(&mut self, name: &str, value: Value<'_>, is_own: bool) {
        // What the standard does not define may have times of another form.
        let is_own = is_own && !OTHERS.iter().any(|prefix| name.starts_with(prefix));
        match value.kind() {
            Kind::String if name.ends_with("_ref") => self.id(value),
            Kind::String if is_own && TIMES.contains(&name) => self.time(name, value),
            Kind::Array if name.ends_with("_refs") => value.elements().for_each(|element| self.id(element)),
            Kind::Array => value.elements().for_each(|element| self.member("", element, is_own)),
            Kind::Object => value.members().for_each(|(name, value)| self.member(&name, value, is_own)),
            _ => {}
        }
    }

    fn id(&mut self, value: Value<'_>) {
        let Some(text) = value.as_str() else { return };
        let Some(new) = new_id(&text) else { return };
        if self.known.insert(text.to_string()) {
            self.notes.push(format!("`{text}` is no identifier of STIX; it became {new}"));
        }
        self.splice(value, new.as_str());
    }

    fn time(&mut self, name: &str, value: Value<'_>) {
        let Some(text) = value.as_str() else { return };
        if text.parse::<Timestamp>().is_ok() {
            return;
        }
        let Some(new) = Timestamp::from_any_form(&text).and_then(|time| to_milliseconds(&time)) else {
            return;
        };
        self.notes.push(format!("`{name}` `{text}` was written as {new}"));
        self.splice(value, new.as_str());
    }

    fn splice(&mut self, value: Value<'_>, text: &str) {
        let mut json = String::with_capacity(text.len() + 2);
        write_string(text, &mut json);
        self.splices.push((value.range(), json));
    }
}

/// With three digits of fraction at least, as `created` and `modified` have (STIX 2.1, section 3.2).
fn to_milliseconds(time: &Timestamp) -> Option<Timestamp> {
    let missing = 3_usize.saturating_sub(time.fraction_digits());
    let dot = if time.fraction_digits() == 0 { "." } else { "" };
    match missing {
        0 => Some(time.clone()),
        _ => format!("{}{dot}{}Z", time.as_str().trim_end_matches('Z'), "0".repeat(missing)).parse().ok(),
    }
}

/// The identifier in the place of one that names a type, but ends in no UUID.
fn new_id(text: &str) -> Option<StixId> {
    if text.parse::<StixId>().is_ok() {
        return None;
    }
    let (object_type, _) = text.split_once("--").filter(|(_, end)| !end.is_empty())?;
    if schema::of(object_type).is_none() && !object_type.starts_with("x-") {
        return None;
    }
    format!("{object_type}--{}", sdo_uuid(&["stix", text])).parse().ok()
}

fn spliced(object: Value<'_>, splices: Vec<(Range<usize>, String)>) -> String {
    let (raw, base) = (object.raw(), object.range().start);
    let mut text = String::with_capacity(raw.len() + 64);
    let mut at = 0;
    for (range, new) in splices {
        text.push_str(&raw[at..range.start - base]);
        text.push_str(&new);
        at = range.end - base;
    }
    text.push_str(&raw[at..]);
    text
}
