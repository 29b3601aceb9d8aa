//! STIX 2.0 in STIX 2.1: what the newer edition renamed, moved or demands, and what is lost on the way.
//!
//! ```
//! use stix_model::convert::object_to_2_1;
//! use stix_model::json::{Document, Limits};
//! let document = Document::read(br#"{"type": "tool", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
//!     "created": "2017-01-01T00:00:00.000Z", "modified": "2017-01-01T00:00:00.000Z",
//!     "name": "VNC", "labels": ["remote-access", "mine"]}"#, Limits::default())?;
//! let converted = object_to_2_1(document.root(), Default::default())?;
//! assert_eq!(converted.objects, [r#"{"type": "tool", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
//!     "created": "2017-01-01T00:00:00.000Z", "modified": "2017-01-01T00:00:00.000Z",
//!     "name": "VNC", "labels": ["mine"], "spec_version": "2.1", "tool_types": ["remote-access"]}"#]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What becomes of an object:
//!
//! - `spec_version` `2.1` is added; `created` and `modified` are written to the millisecond at least.
//! - `labels` of indicators, malware, reports, threat actors and tools were the place for their type. Terms
//!   of the vocabulary move to `indicator_types`, `malware_types` and so on; all others stay, as `labels` are
//!   still there for terms of one's own. `labels` of an identity were its roles and move to `roles`. Granular
//!   markings that select labels keep them where they are.
//! - An indicator gets `pattern_type` `stix`. In its pattern, timestamps after `START` and `STOP` become
//!   timestamp literals, and paths to properties get their new names.
//! - Malware gets `is_family`, which nobody said before: [`ConvertOptions::malware`].
//! - The elements of `objects` of observed data become objects of their own with deterministic identifiers,
//!   to which `object_refs` leads; each bears the object markings of the observed data. Properties get their
//!   new names. The container stays as it is when that cannot be done without loss of references or markings,
//!   with a note.
//! - A bundle loses its `spec_version`.
//!
//! Everything else, custom properties included, keeps its bytes. Objects of STIX 2.1 are not touched. What
//! has no place in STIX 2.1 is reported with its text: `is_encrypted`, `encryption_algorithm` and
//! `decryption_key` of files, `name` and `arguments` of processes, `version` of archives,
//! `image_compression_algorithm` of images, `protocol_family` of sockets. The result is a translation by
//! somebody else than the creator under the identifier of the original, as everybody does it; it is not
//! checked against STIX 2.1.

mod observed;
mod pattern;
mod properties;

use crate::json::{Change, Kind, Value, apply, write_string};
use crate::model::vocab::{IndicatorType, MalwareType, ReportType, ThreatActorType, ToolType};
use crate::schema::vocabulary::Vocabulary;
use crate::{SpecVersion, StixId, Timestamp};
use hashbrown::HashMap;
use std::fmt;

/// What STIX 2.0 leaves open.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConvertOptions {
    /// What malware is taken for.
    pub malware: MalwareKind,
    /// What becomes of the container of observed data.
    pub observed_data: ObservedData,
}

setters!(ConvertOptions { malware: MalwareKind, observed_data: ObservedData });

impl Default for ConvertOptions {
    fn default() -> Self {
        Self { malware: MalwareKind::Family, observed_data: ObservedData::Expand }
    }
}

/// What malware of STIX 2.0, which has a name and a description but no sample, is taken for in STIX 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MalwareKind {
    /// A family, as nearly all published objects of STIX 2.0 are.
    Family,
    /// One instance.
    Instance,
}

/// What becomes of `objects` of observed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObservedData {
    /// Objects of their own, where that is possible.
    Expand,
    /// It stays; STIX 2.1 still allows it, but nobody should create it (section 4.14).
    Keep,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Converted {
    /// The object, and after it the objects that were inside it.
    pub objects: Vec<String>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

/// What became of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvertedBundle {
    /// The bundle.
    pub json: String,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

/// Something about a conversion that is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// JSON pointer into the text that was converted.
    pub pointer: String,
    /// What it is.
    pub kind: NoteKind,
}

/// What a [`Note`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteKind {
    /// STIX 2.1 has no place for this property; this is its value.
    Lost {
        /// The JSON text.
        json: String,
    },
    /// A pattern compares a property that no object has any more.
    NeverMatches {
        /// The path in the pattern.
        path: String,
    },
    /// STIX 2.1 demands this property, and STIX 2.0 did not say it.
    Assumed {
        /// The JSON text that was put in.
        json: &'static str,
    },
    /// It stays in the manner of STIX 2.0.
    Kept {
        /// Why.
        why: &'static str,
    },
    /// Two observed-data objects describe one cyber-observable object, in different words; both descriptions
    /// are there.
    SameId(StixId),
    /// An element of a bundle that is no object of STIX 2.0; it stays as it is.
    NotConverted(ConvertError),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.pointer)?;
        match &self.kind {
            NoteKind::Lost { json } => write!(f, "lost, STIX 2.1 has no place for it; it was {json}"),
            NoteKind::NeverMatches { path } => write!(f, "STIX 2.1 has no `{path}`, so it matches nothing"),
            NoteKind::Assumed { json } => write!(f, "assumed to be {json}, because STIX 2.1 demands it"),
            NoteKind::Kept { why } => write!(f, "stays as it is: {why}"),
            NoteKind::SameId(id) => write!(f, "another description of {id}; both are there"),
            NoteKind::NotConverted(error) => write!(f, "stays as it is: {error}"),
        }
    }
}

/// Converts one object.
///
/// # Errors
/// When the value is no object with `type` and `id`, or a bundle.
pub fn object_to_2_1(object: Value<'_>, options: ConvertOptions) -> Result<Converted, ConvertError> {
    let (text, inside, notes) = convert(object, options)?;
    let inside = inside.into_iter().map(|(_, text)| text);
    Ok(Converted { objects: std::iter::once(text).chain(inside).collect(), notes })
}

/// Converts a bundle and every object in it. An element that cannot be converted stays as it is, with a note,
/// and so does all else that is in the bundle. A cyber-observable object that comes out of several
/// observed-data objects in the same words is there once.
///
/// # Errors
/// When the value is no bundle.
pub fn bundle_to_2_1(bundle: Value<'_>, options: ConvertOptions) -> Result<ConvertedBundle, ConvertError> {
    if bundle.kind() != Kind::Object {
        return Err(ConvertError::NotAnObject(bundle.kind()));
    }
    if bundle.get("type").and_then(Value::as_str).as_deref() != Some("bundle") {
        return Err(ConvertError::NotABundle);
    }
    let mut changes = vec![Change::remove("spec_version")];
    let mut notes = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    // For each identifier that came out of observed data, where its first description is.
    let mut observed: HashMap<StixId, usize> = HashMap::new();
    let list = bundle.get("objects").filter(|list| list.kind() == Kind::Array);
    for (index, element) in list.into_iter().flat_map(Value::elements).enumerate() {
        let pointer = format!("/objects/{index}");
        let (text, inside, about) = match convert(element, options) {
            Ok(parts) => parts,
            Err(error) => {
                texts.push(element.raw().into());
                notes.push(Note { pointer, kind: NoteKind::NotConverted(error) });
                continue;
            }
        };
        texts.push(text);
        notes.extend(
            about.into_iter().map(|note| Note { pointer: format!("{pointer}{}", note.pointer), ..note }),
        );
        for (id, text) in inside {
            match observed.get(&id).map(|first| &texts[*first]) {
                Some(first) if *first == text => continue,
                Some(_) => {
                    notes.push(Note { pointer: format!("{pointer}/objects"), kind: NoteKind::SameId(id) });
                }
                None => drop(observed.insert(id, texts.len())),
            }
            texts.push(text);
        }
    }
    if list.is_some() {
        changes.push(Change::set("objects", format!("[{}]", texts.join(","))));
    }
    Ok(ConvertedBundle { json: apply(bundle, &changes), notes })
}

/// The object, what was inside it, and the notes.
type Parts = (String, Vec<(StixId, String)>, Vec<Note>);

fn convert(object: Value<'_>, options: ConvertOptions) -> Result<Parts, ConvertError> {
    if object.kind() != Kind::Object {
        return Err(ConvertError::NotAnObject(object.kind()));
    }
    let text =
        |name: &'static str| object.get(name).and_then(Value::as_str).ok_or(ConvertError::Missing(name));
    let object_type = text("type")?;
    if object_type == "bundle" {
        return Err(ConvertError::Bundle);
    }
    let id: StixId = text("id")?.parse().map_err(ConvertError::Id)?;
    if edition(object) == SpecVersion::V2_1 {
        return Ok((object.raw().into(), Vec::new(), Vec::new()));
    }
    let mut conversion =
        Conversion { object, changes: vec![Change::set("spec_version", r#""2.1""#)], notes: Vec::new() };
    for name in ["created", "modified"] {
        conversion.pad_to_milliseconds(name);
    }
    if let Some((property, vocabulary)) = types_of(&object_type) {
        conversion.move_labels(property, vocabulary);
    }
    let mut inside = Vec::new();
    match object_type.as_ref() {
        "indicator" => conversion.indicator(),
        "malware" if object.get("is_family").is_none() => {
            let json = match options.malware {
                MalwareKind::Family => "true",
                MalwareKind::Instance => "false",
            };
            conversion.changes.push(Change::set("is_family", json));
            conversion.note("/is_family", NoteKind::Assumed { json });
        }
        "observed-data" if object.get("objects").is_some() => {
            inside = conversion.observed_data(&id, options.observed_data);
        }
        _ => {}
    }
    Ok((apply(object, &conversion.changes), inside, conversion.notes))
}

/// As the header of an object reads it: only cyber-observable objects of STIX 2.1 have neither `spec_version`
/// nor `created`.
fn edition(object: Value<'_>) -> SpecVersion {
    match object.get("spec_version").and_then(Value::as_str).as_deref() {
        Some("2.0") => SpecVersion::V2_0,
        None if object.get("created").is_some() => SpecVersion::V2_0,
        _ => SpecVersion::V2_1,
    }
}

/// Where the labels of a type go, and which of them: the words of a vocabulary, or all.
fn types_of(object_type: &str) -> Option<(&'static str, Option<&'static Vocabulary>)> {
    Some(match object_type {
        "identity" => ("roles", None),
        "indicator" => ("indicator_types", Some(IndicatorType::VOCABULARY)),
        "malware" => ("malware_types", Some(MalwareType::VOCABULARY)),
        "report" => ("report_types", Some(ReportType::VOCABULARY)),
        "threat-actor" => ("threat_actor_types", Some(ThreatActorType::VOCABULARY)),
        "tool" => ("tool_types", Some(ToolType::VOCABULARY)),
        _ => return None,
    })
}

struct Conversion<'d> {
    object: Value<'d>,
    changes: Vec<Change>,
    notes: Vec<Note>,
}

impl Conversion<'_> {
    fn note(&mut self, pointer: &str, kind: NoteKind) {
        self.notes.push(Note { pointer: pointer.into(), kind });
    }

    fn pad_to_milliseconds(&mut self, name: &'static str) {
        let Some(text) = self.object.get(name).and_then(Value::as_str) else { return };
        let Ok(instant) = text.parse::<Timestamp>() else { return };
        let missing = 3_usize.saturating_sub(instant.fraction_digits());
        if missing > 0 {
            let dot = if instant.fraction_digits() == 0 { "." } else { "" };
            let longer = format!("{}{dot}{}Z", text.trim_end_matches('Z'), "0".repeat(missing));
            self.changes.push(Change::set_text(name, &longer));
        }
    }

    fn move_labels(&mut self, property: &'static str, vocabulary: Option<&Vocabulary>) {
        let Some(labels) = self.object.get("labels").filter(|labels| labels.kind() == Kind::Array) else {
            return;
        };
        let granular = self.object.get("granular_markings").into_iter().flat_map(Value::elements);
        let mut selectors = granular.filter_map(|marking| marking.get("selectors")).flat_map(Value::elements);
        let is_selected = |text: &str| text == "labels" || text.starts_with("labels.");
        if selectors.any(|selector| selector.as_str().is_some_and(|text| is_selected(&text))) {
            self.note("/labels", NoteKind::Kept { why: "a granular marking selects it" });
            return;
        }
        if self.object.get(property).is_some() {
            self.note("/labels", NoteKind::Kept { why: "the new property is there already" });
            return;
        }
        let is_type = |label: &Value<'_>| {
            let fits = |label: &str| vocabulary.is_none_or(|vocabulary| vocabulary.contains(label));
            label.as_str().is_some_and(|label| fits(&label))
        };
        let (types, rest): (Vec<_>, Vec<_>) = labels.elements().partition(is_type);
        if types.is_empty() {
            return;
        }
        let text = |values: Vec<Value<'_>>| {
            format!("[{}]", values.into_iter().map(Value::raw).collect::<Vec<_>>().join(", "))
        };
        self.changes.push(Change::set(property, text(types)));
        self.changes.push(if rest.is_empty() {
            Change::remove("labels")
        } else {
            Change::set("labels", text(rest))
        });
    }

    fn indicator(&mut self) {
        if self.object.get("pattern_type").is_none() {
            self.changes.push(Change::set("pattern_type", r#""stix""#));
        }
        let Some(pattern) = self.object.get("pattern").and_then(Value::as_str) else { return };
        let converted = pattern::to_2_1(&pattern);
        if converted.text != pattern {
            self.changes.push(Change::set_text("pattern", &converted.text));
        }
        for path in converted.lost {
            self.note("/pattern", NoteKind::NeverMatches { path });
        }
    }

    fn observed_data(&mut self, id: &StixId, rule: ObservedData) -> Vec<(StixId, String)> {
        if rule == ObservedData::Keep {
            return Vec::new();
        }
        if self.object.get("object_refs").is_some() {
            self.note("/objects", NoteKind::Kept { why: "`object_refs` is there already" });
            return Vec::new();
        }
        let mut notes = Vec::new();
        let inside = match observed::expand(self.object, id, &mut notes) {
            Ok(inside) => inside,
            Err(why) => {
                self.note("/objects", NoteKind::Kept { why });
                return Vec::new();
            }
        };
        let mut refs = String::new();
        for (id, _) in &inside {
            refs.push_str(if refs.is_empty() { "[" } else { ", " });
            write_string(id.as_str(), &mut refs);
        }
        refs.push(']');
        self.changes.push(Change::remove("objects"));
        self.changes.push(Change::set("object_refs", refs));
        self.notes.append(&mut notes);
        inside
    }
}

/// Why something cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// Only objects can be.
    #[error("a STIX object is a JSON object, not {}", .0.name())]
    NotAnObject(Kind),
    /// `type` or `id`.
    #[error("the required property `{0}` is missing or not a string")]
    Missing(&'static str),
    /// `id` is no identifier.
    #[error("/id: {0}")]
    Id(crate::IdError),
    /// A bundle where an object was due.
    #[error("a bundle is not a STIX object; convert it as a bundle")]
    Bundle,
    /// Something else where a bundle was due.
    #[error("not a bundle: `type` is something else")]
    NotABundle,
}
