//! Texts that hold many objects: bundles, envelopes, lists and JSON lines (STIX 2.1, section 8).
//!
//! A bundle only carries objects from here to there: it is no STIX object, relates nothing, and nobody is to
//! rely on anything in it but its objects.

use crate::json::{Document, JsonError, JsonErrorKind, Kind, Limits, Lines, Value, write_string};
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
/// When the text as a whole cannot be read: it is not strict JSON (nor is its first line), or neither an
/// object nor a list, or an object that is neither a STIX object nor a bundle nor an envelope.
pub fn read(text: Bytes, limits: Limits) -> Result<Objects, BundleError> {
    let error = match Document::read(&text, limits) {
        Ok(document) => {
            let (form, elements) = elements(document.root(), &text, &Lines::new(&text))?;
            return Ok(Objects { form, ready: elements.into_iter(), rest: None });
        }
        Err(error) => error,
    };
    let rest = Rest { at: 0, line: 1, limits, text };
    let is_lines = error.kind() == JsonErrorKind::TrailingText
        && rest
            .clone()
            .next_line()
            .is_some_and(|line| Document::read(&rest.text.slice(line.0), limits).is_ok());
    if is_lines {
        return Ok(Objects { form: Form::Lines, ready: Vec::new().into_iter(), rest: Some(rest) });
    }
    Err(BundleError::Json(error))
}

/// The elements of a text, in their order.
#[derive(Debug)]
pub struct Objects {
    form: Form,
    ready: std::vec::IntoIter<Element>,
    rest: Option<Rest>,
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
            let rest = self.rest.as_mut()?;
            let Some((range, line)) = rest.next_line() else {
                self.rest = None;
                return None;
            };
            let offset = range.start;
            let text = rest.text.slice(range);
            let at = |pointer| Position { offset, line, pointer };
            let failed =
                |error: ElementError| Some(Element { position: at(String::new()), object: Err(error) });
            match Document::read(&text, rest.limits) {
                Err(error) => return failed(ElementError::Json(error)),
                Ok(document) => {
                    match elements(document.root(), &text, &Lines::new(&text).starting_at(line, 1)) {
                        Err(error) => return failed(ElementError::Form(Box::new(error))),
                        Ok((_, mut elements)) => {
                            for element in &mut elements {
                                element.position.offset += offset;
                            }
                            self.ready = elements.into_iter();
                        }
                    }
                }
            }
        }
    }
}

/// The part of JSON lines that is still to be read.
#[derive(Clone, Debug)]
struct Rest {
    text: Bytes,
    at: usize,
    line: usize,
    limits: Limits,
}

impl Rest {
    /// The next line that is not blank, with its number.
    fn next_line(&mut self) -> Option<(std::ops::Range<usize>, usize)> {
        while self.at < self.text.len() {
            let start = self.at;
            let length = self.text[start..].iter().position(|byte| *byte == b'\n');
            let end = length.map_or(self.text.len(), |length| start + length);
            let line = self.line;
            self.at = end + 1;
            self.line += 1;
            if !self.text[start..end].trim_ascii().is_empty() {
                return Some((start..end, line));
            }
        }
        None
    }
}

fn elements(root: Value<'_>, text: &Bytes, lines: &Lines<'_>) -> Result<(Form, Vec<Element>), BundleError> {
    let (form, list) = Form::of(root)?;
    let element = |value: Value<'_>, pointer: String| {
        let offset = value.range().start;
        let position = Position { offset, line: lines.at(offset).0, pointer };
        Element { position, object: Object::from_value(value, text).map_err(ElementError::Object) }
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

/// Writes a bundle around objects that are JSON texts already. A bundle without objects has no list (STIX
/// 2.1, section 2.12), and none has `spec_version`, which STIX 2.0 wrote.
///
/// ```
/// let id = "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse()?;
/// let bundle = stix_model::bundle::write(&id, [&b"{}"[..]])?;
/// assert_eq!(bundle, br#"{"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","objects":[{}]}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the identifier is that of something else.
pub fn write<'a>(id: &StixId, objects: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BundleError> {
    if id.object_type() != "bundle" {
        return Err(BundleError::OtherId(id.clone()));
    }
    let mut head = String::from(r#"{"type":"bundle","id":"#);
    write_string(id.as_str(), &mut head);
    let mut out = head.into_bytes();
    let mut separator: &[u8] = br#","objects":["#;
    for object in objects {
        out.extend_from_slice(separator);
        out.extend_from_slice(object);
        separator = b",";
    }
    out.extend_from_slice(if separator == b"," { b"]}" } else { b"}" });
    Ok(out)
}

/// Why an element is no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElementError {
    /// A line that the strict reader refuses; the places in it count from the start of the line.
    #[error("{0}")]
    Json(JsonError),
    /// A line that holds no objects.
    #[error("{0}")]
    Form(Box<BundleError>),
    /// No STIX object that can be kept.
    #[error("{0}")]
    Object(ObjectError),
}

/// Why a text cannot be read or written as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
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
