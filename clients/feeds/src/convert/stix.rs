//! STIX itself: bundles, envelopes, lists and JSON lines. Objects of STIX 2.1 go on byte for byte, those of STIX 2.0 are brought
//! to STIX 2.1, what is written slightly wrong is repaired, and what stays wrong is rejected.

mod edition;
mod repair;

use super::ConvertError;
use super::document;
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use bytes::Bytes;
use edition::Edition;
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use stix_model::convert::{ConvertOptions, object_to_2_1};
use stix_model::json::{Digest, Document, edit};
use stix_model::marking::set_tlp;
use stix_model::reader::{LIMITS, Text};
use stix_model::validate::{Profile, Severity, Validator};
use stix_model::{Object, StixId, Timestamp, Tlp};

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let mut taker = Taker { tlp: maker.feed().tlp, out, seen: BTreeMap::new(), repaired: BTreeSet::new() };
    let mut has_lines = false;
    document::texts(input, &mut |text| {
        let (line, taken) = match text {
            Ok(text) if text.is_line => (text.line, taker.text(&text, &format!("line {}", text.line))),
            Ok(text) => return taker.text(&text, "").map_err(ConvertError::Form),
            Err(unreadable) if has_lines => (unreadable.line, Err(unreadable.to_string())),
            Err(unreadable) => return Err(ConvertError::Form(unreadable.to_string())),
        };
        has_lines = true;
        if let Err(reason) = taken {
            taker.out.record();
            taker.reject(format!("line {line}"), reason);
        }
        Ok(())
    })
}

/// What stands around objects.
#[derive(Deserialize)]
struct Frame<'d> {
    #[serde(rename = "type")]
    object_type: Option<Json>,
    spec_version: Option<Json>,
    /// A list in a bundle or an envelope; observed data of STIX 2.0 has something else by this name.
    #[serde(borrow)]
    objects: Option<&'d RawValue>,
    more: Option<Json>,
}

/// The elements of a list.
fn listed(list: &RawValue) -> Result<Vec<&RawValue>, String> {
    serde_json::from_str(list.get()).map_err(|error| error.to_string())
}

struct Taker<'o> {
    /// The marking that the operator wants on all of the feed.
    tlp: Tlp,
    out: &'o mut dyn Output,
    /// Versions that came, and what they said.
    seen: BTreeMap<(StixId, Option<Timestamp>), Digest>,
    /// Identifiers that were made anew.
    repaired: BTreeSet<String>,
}

impl Taker<'_> {
    /// Takes a text with objects; each of them is read by itself, so that one that is wrong spoils no other.
    fn text(&mut self, text: &Text, place: &str) -> Result<(), String> {
        let wrong = |error: serde_json::Error| error.to_string();
        let whole: &RawValue = serde_json::from_slice(&text.bytes).map_err(wrong)?;
        let mut frame_edition = None;
        let (list, prefix) = if whole.get().starts_with('[') {
            (listed(whole)?, "")
        } else {
            let frame: Frame<'_> = serde_json::from_str(whole.get()).map_err(wrong)?;
            let is_empty = || whole.get().trim_matches(['{', '}']).trim().is_empty();
            match (frame.object_type.as_ref().and_then(Json::as_str), frame.objects) {
                (Some("bundle"), objects) => {
                    frame_edition = frame.spec_version;
                    (objects.map_or_else(|| Ok(Vec::new()), listed)?, "/objects")
                }
                (None, Some(objects)) => (listed(objects)?, "/objects"),
                (None, None) if frame.more.is_some() || is_empty() => (Vec::new(), ""),
                (None, None) => {
                    return Err("it is neither a bundle, nor an envelope, nor an object of STIX".to_owned());
                }
                (Some(_), _) => {
                    self.element(whole, &text.bytes, place.to_owned(), None);
                    return Ok(());
                }
            }
        };
        let blank = if place.is_empty() { "" } else { " " };
        for (number, element) in list.into_iter().enumerate() {
            let place = format!("{place}{blank}{prefix}/{number}");
            self.element(element, &text.bytes, place, frame_edition.as_ref().and_then(Json::as_str));
        }
        Ok(())
    }

    fn reject(&mut self, record: String, reason: String) {
        self.out.reject(Rejected { record, reason });
    }

    fn element(&mut self, element: &RawValue, source: &Bytes, place: String, frame_edition: Option<&str>) {
        self.out.record();
        // The text of the element is a part of the text that was read, so it is shared and not copied.
        let text = source.slice_ref(element.get().as_bytes());
        let mut notes = Vec::new();
        match self.objects(&text, frame_edition, &mut notes) {
            Ok(objects) => {
                let (first, inside) = objects;
                match self.is_new(&first) {
                    Ok(true) => self.out.object(first),
                    Ok(false) => {}
                    Err(reason) => return self.reject(place, reason),
                }
                for object in inside {
                    match self.is_new(&object) {
                        Ok(true) => self.out.object(object),
                        Ok(false) => {}
                        Err(reason) => notes.push(reason),
                    }
                }
            }
            Err(reason) => self.reject(place, reason),
        }
        notes.into_iter().for_each(|note| self.out.note(note));
    }

    /// Whether a version came for the first time.
    fn is_new(&mut self, object: &Object) -> Result<bool, String> {
        let key = (object.id().clone(), object.header().version().cloned());
        let digest = object.header().digest;
        match self.seen.entry(key) {
            Entry::Vacant(place) => {
                place.insert(digest);
                Ok(true)
            }
            Entry::Occupied(before) if *before.get() == digest => Ok(false),
            Entry::Occupied(_) => {
                Err(format!("{}: the file has this version before, and it says something else", object.id()))
            }
        }
    }

    /// The object of a text, and those that were inside it.
    fn objects(
        &mut self,
        source: &Bytes,
        frame_edition: Option<&str>,
        notes: &mut Vec<String>,
    ) -> Result<(Object, Vec<Object>), String> {
        let document = Document::read(source, LIMITS).map_err(|error| error.to_string())?;
        let root = document.root();
        let repaired = repair::repaired(root, frame_edition, &mut self.repaired, notes);
        let text = repaired.map_or_else(|| source.clone(), Bytes::from);
        let document = Document::read(&text, LIMITS).map_err(|error| error.to_string())?;
        let root = document.root();
        if Edition::of(root, frame_edition) != Edition::V2_0 {
            return Ok((self.finished(&text)?, Vec::new()));
        }
        let converted = object_to_2_1(root, ConvertOptions::default()).map_err(|error| error.to_string())?;
        let id = root.get("id").and_then(stix_model::json::Value::as_str).unwrap_or_default();
        notes.extend(converted.notes.iter().map(|note| format!("{id}: {note}")));
        let mut texts = converted.objects.into_iter();
        let first = self.finished(&Bytes::from(texts.next().unwrap_or_default()))?;
        let mut inside = Vec::new();
        for text in texts {
            match self.finished(&Bytes::from(text)) {
                Ok(object) => inside.push(object),
                Err(reason) => notes.push(format!("{id}: an object inside it was left out: {reason}")),
            }
        }
        Ok((first, inside))
    }

    /// An object that is valid, with the marking that the operator wants where its own is weaker.
    fn finished(&self, text: &Bytes) -> Result<Object, String> {
        let document = Document::read(text, LIMITS).map_err(|error| error.to_string())?;
        let root = document.root();
        let mut object = Object::from_value(root, text).map_err(|error| error.to_string())?;
        let is_marking = object.id().object_type() == "marking-definition";
        if !is_marking && self.tlp > Tlp::Clear && object.header().tlp.is_none_or(|own| own < self.tlp) {
            let change = set_tlp(root, self.tlp).into_iter().collect::<Vec<_>>();
            let marked = edit(root, &change).map_err(|error| error.to_string())?;
            object = Object::parse(&marked).map_err(|error| error.to_string())?;
        }
        let findings = Validator::new(Profile::Stix).check(&object);
        match findings.iter().find(|finding| finding.severity == Severity::Error) {
            None => Ok(object),
            Some(finding) => Err(format!("{}: {finding}", object.id())),
        }
    }
}
