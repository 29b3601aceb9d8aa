use super::lenient;
use crate::finding::Finding;
use crate::json::{Document, JsonError, Kind, Limits, Value};
use crate::{Object, ObjectError};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A page of STIX objects (TAXII 2.1, section 3.7), for those who read one. Servers write with
/// [`write_envelope`], which takes the bytes as they are stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Envelope {
    /// More objects follow this page.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub more: bool,
    /// Where to go on; only together with `more`.
    #[serde(default, deserialize_with = "lenient::maybe_text", skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Left out when the page is empty. Each object is the text that the server sent.
    #[serde(default, deserialize_with = "lenient::raws", skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Box<RawValue>>,
}

/// Splits a TAXII envelope or a STIX bundle into its objects, each a slice of `body`.
///
/// The result has one row for each element of `objects`, in their order: one bad object spoils no other.
///
/// # Errors
/// When the text as a whole cannot be read: not strict JSON, or no object with a non-empty list `objects`.
pub fn split(body: &Bytes, limits: Limits) -> Result<Vec<Result<Object, Unusable>>, SplitError> {
    let document = Document::read(body, limits)?;
    let take =
        |(index, value)| Object::from_value(value, body).map_err(|error| Unusable::new(index, value, error));
    Ok(objects(document.root())?.elements().enumerate().map(take).collect())
}

/// The list `objects` of an envelope or a bundle, for those who look further into it than [`split`].
///
/// # Errors
/// When there is no such list, or nothing in it.
pub fn objects(root: Value<'_>) -> Result<Value<'_>, SplitError> {
    if root.kind() != Kind::Object {
        return Err(SplitError::NotAnEnvelope(root.kind()));
    }
    let objects = root.get("objects").ok_or(SplitError::NoObjects)?;
    if objects.kind() != Kind::Array {
        return Err(SplitError::ObjectsNotAList(objects.kind()));
    }
    // TAXII 2.1, section 2: a list is never empty.
    if objects.elements().next().is_none() { Err(SplitError::NoObjects) } else { Ok(objects) }
}

/// Writes an envelope around objects that are JSON texts already; `next` only when more follow.
///
/// An empty page is `{"more":false}`: some clients misread a bare `{}`.
pub fn write_envelope<'a>(next: Option<&str>, objects: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    match next {
        Some(next) => {
            out.extend_from_slice(br#"{"more":true,"next":"#);
            out.extend_from_slice(serde_json::Value::from(next).to_string().as_bytes());
        }
        None => out.extend_from_slice(br#"{"more":false"#),
    }
    let mut separator: &[u8] = br#","objects":["#;
    for object in objects {
        out.extend_from_slice(separator);
        out.extend_from_slice(object);
        separator = b",";
    }
    out.extend_from_slice(if separator == b"," { b"]}" } else { b"}" });
    out
}

/// An element of `objects` that is no usable STIX object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", self.pointer(), error.kind())]
pub struct Unusable {
    /// Its place in `objects`, from 0.
    pub index: usize,
    /// Its `id`, if it has one that is a STIX identifier.
    pub id: Option<String>,
    /// Its `modified` or `created`, as far as it is a string.
    pub version: Option<String>,
    /// What is wrong with it; the pointer in it starts at the element.
    pub error: ObjectError,
}

impl Unusable {
    /// What is kept of the element at this place of `objects`.
    pub fn new(index: usize, value: Value<'_>, error: ObjectError) -> Self {
        let text = |name| Some(value.get(name)?.as_str()?.into_owned());
        let id = text("id").filter(|id| id.parse::<crate::StixId>().is_ok());
        let version = text("modified").or_else(|| text("created"));
        Self { index, id, version, error }
    }

    /// JSON pointer of what is wrong, from the start of the text.
    pub fn pointer(&self) -> String {
        format!("/objects/{}{}", self.index, self.error.pointer())
    }

    /// The same as a finding of the validator, about the object of this index.
    pub fn finding(&self) -> Finding {
        Finding { index: Some(self.index), ..self.error.finding() }
    }
}

/// Why a text is neither an envelope nor a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The strict reader refused it.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// The outermost value is no JSON object.
    #[error("an envelope is a JSON object, not {}", .0.name())]
    NotAnEnvelope(Kind),
    /// No `objects`, or none in it.
    #[error("`objects` is missing or empty: an envelope to be added holds at least one STIX object")]
    NoObjects,
    /// `objects` has another type.
    #[error("`objects` must be a list of STIX objects, not {}", .0.name())]
    ObjectsNotAList(Kind),
}
