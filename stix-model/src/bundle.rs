//! Texts that hold many objects: bundles, envelopes, lists and JSON lines (STIX 2.1, section 8).
//!
//! A bundle only carries objects from here to there: it is no STIX object, relates nothing, and nobody is to
//! rely on anything in it but its objects.
//!
//! ```
//! use stix_model::{Object, bundle};
//! let text = br#"{"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": [
//!     {"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "http://x.example/"}]}"#;
//! let read = bundle::read(text.to_vec().into(), Default::default())?;
//! let objects: Vec<Object> = read.map(|element| element.object).collect::<Result<_, _>>()?;
//! let copy = bundle::write(&"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse()?, &objects)?;
//! assert!(copy.ends_with(br#""objects":[{"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "http://x.example/"}]}"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::json::{Document, JsonError, Kind, Limits, Lines, Value, write_string};
use crate::reader::{Bounds, Expect, Foreign, Reader, Step, Text, Unreadable};
use crate::{Object, ObjectError, StixId};
use bytes::Bytes;
use std::fmt;

/// In which form a text holds its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A STIX bundle.
    Bundle,
    /// A TAXII envelope.
    Envelope,
    /// A bare list.
    List,
    /// One object.
    Object,
    /// JSON lines: each line is one of the above.
    Lines,
}

impl Form {
    /// The form of a text that is one JSON value, so never [`Form::Lines`], and the list in which its objects stand, if
    /// it has one.
    ///
    /// # Errors
    /// When it is neither an object nor a list, or an object that is neither a STIX object nor a bundle nor an
    /// envelope, or `objects` of those is no list.
    pub fn of(root: Value<'_>) -> Result<(Self, Option<Value<'_>>), BundleError> {
        match root.kind() {
            Kind::Array => return Ok((Self::List, Some(root))),
            Kind::Object => {}
            other => return Err(BundleError::WrongType(other)),
        }
        if let Some(object_type) = root.get("type") {
            return match object_type.as_str().as_deref() {
                Some("bundle") => Ok((Self::Bundle, objects_of(root)?)),
                Some(_) => Ok((Self::Object, None)),
                None => Err(BundleError::Neither),
            };
        }
        // An envelope without anything is what a server sends when nothing is there. None has an `id`.
        let is_envelope = ["objects", "more", "next"].iter().any(|name| root.get(name).is_some());
        if is_envelope && root.get("id").is_none() || root.members().next().is_none() {
            return Ok((Self::Envelope, objects_of(root)?));
        }
        Err(BundleError::Neither)
    }

    /// JSON pointer of the list in which the objects of this form stand.
    pub fn prefix(self) -> &'static str {
        if self == Self::List { "" } else { "/objects" }
    }
}

/// What is in one JSON text: one object, or several in something around them.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'d> {
    /// The whole.
    pub root: Value<'d>,
    /// What the whole is; what is no form of objects is taken for one object, so that a check can say what is wrong.
    pub form: Form,
    list: Option<Value<'d>>,
}

impl<'d> Parts<'d> {
    /// Looks at a text.
    pub fn of(root: Value<'d>) -> Self {
        // `{}` is an empty envelope from a server, but the one who checks a file wants to hear that it is no object.
        let is_empty = root.kind() == Kind::Object && root.members().next().is_none();
        let (form, list) = Form::of(root).ok().filter(|_| !is_empty).unwrap_or((Form::Object, None));
        Self { root, form, list }
    }

    /// The objects.
    pub fn objects(&self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        let one = (self.form == Form::Object).then_some(self.root);
        one.into_iter().chain(self.list.into_iter().flat_map(Value::elements))
    }

    /// The other format that the text is in, when it is JSON but not STIX.
    pub fn foreign(&self) -> Option<Foreign> {
        Foreign::of_json(self.root)
    }
}

/// Where an element stands in the text that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Bytes from the start.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// JSON pointer inside the text, with JSON lines inside its line; empty for the whole.
    pub pointer: String,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if self.pointer.is_empty() { Ok(()) } else { write!(f, " ({})", self.pointer) }
    }
}

/// One element of a text: an object, or why it is none. One bad element spoils no other.
#[derive(Clone, Debug)]
pub struct Element {
    /// Where it stands.
    pub position: Position,
    /// What it is; the object shares the bytes of the text.
    pub object: Result<Object, ElementError>,
}

/// Reads the objects of a text in any [`Form`]; which one it is shows in the text itself.
///
/// JSON lines are read one by one while the iterator moves, so a long file needs little memory beyond its
/// own.
///
/// ```
/// use stix_model::bundle::{self, Form};
/// let text = r#"{"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "http://x.example/"}
/// {"type": "url", "id": 7}
/// "#;
/// let mut objects = bundle::read(text.as_bytes().to_vec().into(), Default::default())?;
/// assert_eq!(objects.form(), Form::Lines);
/// assert_eq!(objects.next().unwrap().object?.header().id.object_type(), "url");
/// let bad = objects.next().unwrap();
/// assert_eq!(bad.position.to_string(), "line 2");
/// assert_eq!(bad.object.unwrap_err().to_string(), "/id: must be a string, not a number");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the text as a whole cannot be read: it is not strict JSON (nor are most of its first lines), or neither an
/// object nor a list, or an object that is neither a STIX object nor a bundle nor an envelope, or in another format.
pub fn read(text: Bytes, limits: Limits) -> Result<Objects, BundleError> {
    let bounds = Bounds { text: limits.bytes, line: limits.bytes };
    let mut reader = Reader::of(text, Expect::File, bounds);
    let first = match reader.step() {
        Step::Text(text) => text,
        Step::Unreadable(unreadable) => return Err(BundleError::Unreadable(unreadable)),
        // All of the input is there, and a file has a text, if an empty one.
        Step::More | Step::End => Text { offset: 0, line: 1, is_line: false, bytes: Bytes::new() },
    };
    if first.is_line {
        let elements = of_line(first, limits);
        return Ok(Objects { form: Form::Lines, ready: elements.into_iter(), rest: Some((reader, limits)) });
    }
    let lines = Lines::new(&first.bytes).starting_at(first.line, 1);
    let document = Document::read(&first.bytes, limits).map_err(BundleError::Json)?;
    let (form, elements) = elements(document.root(), &first, &lines)?;
    Ok(Objects { form, ready: elements.into_iter(), rest: None })
}

/// The elements of a text, in their order.
#[derive(Debug)]
pub struct Objects {
    form: Form,
    ready: std::vec::IntoIter<Element>,
    /// Lines that are still to be read.
    rest: Option<(Reader, Limits)>,
}

impl Objects {
    /// The form that the text has.
    pub fn form(&self) -> Form {
        self.form
    }
}

impl Iterator for Objects {
    type Item = Element;

    fn next(&mut self) -> Option<Element> {
        loop {
            if let Some(element) = self.ready.next() {
                return Some(element);
            }
            let (reader, limits) = self.rest.as_mut()?;
            match reader.step() {
                Step::Text(text) => self.ready = of_line(text, *limits).into_iter(),
                Step::Unreadable(unreadable) => {
                    let position = Position { offset: 0, line: unreadable.line, pointer: String::new() };
                    return Some(Element { position, object: Err(ElementError::Unreadable(unreadable)) });
                }
                Step::More | Step::End => self.rest = None,
            }
        }
    }
}

/// The elements of a line, or why there are none.
fn of_line(text: Text, limits: Limits) -> Vec<Element> {
    let failed = |error| {
        let position = Position { offset: text.offset, line: text.line, pointer: String::new() };
        vec![Element { position, object: Err(error) }]
    };
    let document = match Document::read(&text.bytes, limits) {
        Ok(document) => document,
        Err(error) => return failed(ElementError::Json(error)),
    };
    match elements(document.root(), &text, &Lines::new(&text.bytes).starting_at(text.line, 1)) {
        Ok((_, elements)) => elements,
        Err(error) => failed(ElementError::Form(Box::new(error))),
    }
}

fn elements(root: Value<'_>, text: &Text, lines: &Lines<'_>) -> Result<(Form, Vec<Element>), BundleError> {
    let (form, list) = Form::of(root)?;
    let element = |value: Value<'_>, pointer: String| {
        let start = value.range().start;
        let position = Position { offset: text.offset + start, line: lines.at(start).0, pointer };
        Element { position, object: Object::from_value(value, &text.bytes).map_err(ElementError::Object) }
    };
    if form == Form::Object {
        return Ok((form, vec![element(root, String::new())]));
    }
    let prefix = form.prefix();
    let values = list.into_iter().flat_map(Value::elements).enumerate();
    Ok((form, values.map(|(index, value)| element(value, format!("{prefix}/{index}"))).collect()))
}

fn objects_of(root: Value<'_>) -> Result<Option<Value<'_>>, BundleError> {
    let objects = root.get("objects");
    match objects.map(Value::kind) {
        None | Some(Kind::Array) => Ok(objects),
        Some(other) => Err(BundleError::ObjectsNotAList(other)),
    }
}

/// Writes a bundle around objects: each an [`Object`] or a JSON text, whose bytes stay as they are. A bundle without objects has
/// no list (STIX 2.1, section 2.12), and none has `spec_version`, which STIX 2.0 wrote.
///
/// ```
/// let id = "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse()?;
/// let bundle = stix_model::bundle::write(&id, ["{}"])?;
/// assert_eq!(bundle, br#"{"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","objects":[{}]}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the identifier is that of something else.
pub fn write(
    id: &StixId,
    objects: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<Vec<u8>, BundleError> {
    if id.object_type() != "bundle" {
        return Err(BundleError::OtherId(id.clone()));
    }
    let mut head = String::from(r#"{"type":"bundle","id":"#);
    write_string(id.as_str(), &mut head);
    let mut out = head.into_bytes();
    let mut separator: &[u8] = br#","objects":["#;
    for object in objects {
        out.extend_from_slice(separator);
        out.extend_from_slice(object.as_ref());
        separator = b",";
    }
    out.extend_from_slice(if separator == b"," { b"]}" } else { b"}" });
    Ok(out)
}

/// Why an element is no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElementError {
    /// A line that the strict reader refuses; the places in it count from the start of the line.
    #[error("{0}")]
    Json(JsonError),
    /// A line that holds no objects.
    #[error("{0}")]
    Form(Box<BundleError>),
    /// A line that is too long.
    #[error("{0}")]
    Unreadable(Unreadable),
    /// No STIX object that can be kept.
    #[error("{0}")]
    Object(ObjectError),
}

/// Why a text cannot be read or written as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It is in another format, or too long.
    #[error("{0}")]
    Unreadable(Unreadable),
    /// The strict reader refused it.
    #[error("{0}")]
    Json(JsonError),
    /// The outermost value is of another type.
    #[error("a bundle, an envelope or an object is a JSON object, or many are a list; not {}", .0.name())]
    WrongType(Kind),
    /// An object without `type` that is no envelope either.
    #[error(
        "neither a STIX object nor a bundle (`type` is missing or no string) nor an envelope (none of `objects`, `more` and `next`)"
    )]
    Neither,
    /// `objects` has another type.
    #[error("/objects: must be a list of STIX objects, not {}", .0.name())]
    ObjectsNotAList(Kind),
    /// The identifier of something else.
    #[error("{0} is not the identifier of a bundle")]
    OtherId(StixId),
}
