//! A STIX object: its original text and a parsed header.

use crate::json::{Digest, Document, JsonError, Kind, Limits, Value, push_step};
use crate::{IdError, StixId, Timestamp, TimestampError, Tlp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Bytes of a request that a Concord server takes unless its operator says otherwise (TAXII 2.1, section 4.2.1,
/// `max_content_length`). An object that fits into one can be shared.
pub const MAX_CONTENT_LENGTH: usize = 8 << 20;

/// The edition of STIX that an object is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SpecVersion {
    /// STIX 2.0, whose objects carry no `spec_version`.
    #[serde(rename = "2.0")]
    V2_0,
    /// STIX 2.1.
    #[serde(rename = "2.1")]
    V2_1,
}

impl SpecVersion {
    /// As it stands in `spec_version` and in `match[spec_version]`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
        }
    }

    /// The media type of objects of this edition (TAXII 2.1, section 5.2.1, `media_types`).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::V2_0 => "application/stix+json;version=2.0",
            Self::V2_1 => "application/stix+json;version=2.1",
        }
    }
}

impl fmt::Display for SpecVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a server must know of an object without reading it again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// Identifier; its prefix is the type.
    pub id: StixId,
    /// Edition of STIX.
    pub spec_version: SpecVersion,
    /// Absent on cyber-observable objects.
    pub created: Option<Timestamp>,
    /// Absent on cyber-observable objects and marking definitions.
    pub modified: Option<Timestamp>,
    /// Strictest TLP level on the object or on a part of it.
    pub tlp: Option<Tlp>,
    /// SHA-256 over the canonical form.
    pub digest: Digest,
}

impl Header {
    /// The version of the object: `modified`, else `created` (TAXII 2.1, section 3.4.1). Unversioned objects have
    /// none; a server then uses a stable value of its own.
    pub fn version(&self) -> Option<&Timestamp> {
        self.modified.as_ref().or(self.created.as_ref())
    }
}

/// A STIX object of any type: the text that somebody wrote, and its [`Header`].
///
/// The text is never re-serialised, so digits, member order, white space and unknown properties survive.
///
/// ```
/// use stix_model::Object;
/// let text = r#"{ "type": "tool", "spec_version": "2.1", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
///                 "created": "2020-01-01T00:00:00.000Z", "modified": "2020-01-01T00:00:00.000Z", "name": "n" }"#;
/// let object = Object::parse(text)?;
/// assert_eq!(object.header().id.object_type(), "tool");
/// assert_eq!(object.json(), text.as_bytes());
/// # Ok::<(), stix_model::ObjectError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Object {
    json: Bytes,
    header: Header,
}

impl Object {
    /// Reads one object.
    ///
    /// # Errors
    /// When the text is not strict JSON, or has no usable header.
    pub fn parse(text: &str) -> Result<Self, ObjectError> {
        let source = Bytes::copy_from_slice(text.as_bytes());
        let document = Document::read(&source, Limits::default()).map_err(ObjectError::json)?;
        Self::from_value(document.root(), &source)
    }

    /// Takes one object out of a document that was read from `source`, sharing its bytes.
    ///
    /// # Errors
    /// When the value has no usable header.
    pub fn from_value(value: Value<'_>, source: &Bytes) -> Result<Self, ObjectError> {
        let header = header(value)?;
        Ok(Self { json: source.slice(value.range()), header })
    }

    /// The text as it was written.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// An index of the text, for reading properties.
    ///
    /// ```
    /// # use stix_model::Object;
    /// let object = Object::parse(r#"{"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "u:x"}"#)?;
    /// assert_eq!(object.document().root().get("value").unwrap().as_str().unwrap(), "u:x");
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    pub fn document(&self) -> Document<'_> {
        Document::read(&self.json, Limits::NONE).expect("an object is made from a text that was read")
    }

    /// The identifier.
    pub fn id(&self) -> &StixId {
        &self.header.id
    }

    /// The parsed header.
    pub fn header(&self) -> &Header {
        &self.header
    }
}

impl AsRef<[u8]> for Object {
    fn as_ref(&self) -> &[u8] {
        &self.json
    }
}

fn header(value: Value<'_>) -> Result<Header, ObjectError> {
    if value.kind() != Kind::Object {
        return Err(ObjectError::at(
            "",
            ObjectErrorKind::WrongType { expected: Kind::Object, found: value.kind() },
        ));
    }
    let id: StixId = parsed(value, "id", ObjectErrorKind::Id)?.ok_or_else(|| ObjectError::missing("id"))?;
    let object_type = text(value, "type")?.ok_or_else(|| ObjectError::missing("type"))?;
    if id.object_type() != object_type {
        return Err(ObjectError::at("id", ObjectErrorKind::OtherType));
    }
    if object_type == "bundle" {
        // TAXII 2.1, section 3.7: everything in an envelope is a STIX object, and a bundle is not one.
        return Err(ObjectError::at("type", ObjectErrorKind::Bundle));
    }
    let created = parsed(value, "created", ObjectErrorKind::Timestamp)?;
    let modified = parsed(value, "modified", ObjectErrorKind::Timestamp)?;
    let spec_version = match text(value, "spec_version")?.as_deref() {
        Some("2.1") => SpecVersion::V2_1,
        Some("2.0") => SpecVersion::V2_0,
        Some(_) => return Err(ObjectError::at("spec_version", ObjectErrorKind::SpecVersion)),
        // Only cyber-observable objects may leave `spec_version` out in STIX 2.1 (section 3.2), and those have no
        // `created`; every top-level object of STIX 2.0 has one.
        None if created.is_some() => SpecVersion::V2_0,
        None => SpecVersion::V2_1,
    };
    let tlp = Tlp::effective(value);
    Ok(Header { id, spec_version, created, modified, tlp, digest: Digest::of(value) })
}

fn text<'d>(object: Value<'d>, property: &'static str) -> Result<Option<Cow<'d, str>>, ObjectError> {
    let Some(value) = object.get(property) else { return Ok(None) };
    let wrong = || ObjectErrorKind::WrongType { expected: Kind::String, found: value.kind() };
    value.as_str().map(Some).ok_or_else(|| ObjectError::at(property, wrong()))
}

fn parsed<T: std::str::FromStr>(
    object: Value<'_>,
    property: &'static str,
    wrong: fn(T::Err) -> ObjectErrorKind,
) -> Result<Option<T>, ObjectError> {
    let Some(text) = text(object, property)? else { return Ok(None) };
    text.parse().map(Some).map_err(|error| ObjectError::at(property, wrong(error)))
}

/// Why a text or value is no STIX object that can be kept, with the place inside the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}{}{kind}",
    id.as_ref().map_or_else(String::new, |id| format!("{id}: ")),
    if pointer.is_empty() { String::new() } else { format!("{pointer}: ") }
)]
pub struct ObjectError {
    id: Option<StixId>,
    pointer: String,
    kind: ObjectErrorKind,
}

impl ObjectError {
    fn at(property: &'static str, kind: ObjectErrorKind) -> Self {
        let pointer = if property.is_empty() { String::new() } else { format!("/{property}") };
        Self { id: None, pointer, kind }
    }

    /// The same error, with the object that has the fault.
    pub(crate) fn about(mut self, id: &StixId) -> Self {
        self.id = Some(id.clone());
        self
    }

    pub(crate) fn here(kind: ObjectErrorKind) -> Self {
        Self::at("", kind)
    }

    pub(crate) fn missing(property: &'static str) -> Self {
        Self::at("", ObjectErrorKind::Missing(property))
    }

    /// The same error, seen from the object or list that holds the value.
    pub(crate) fn within(mut self, name: &str) -> Self {
        let mut pointer = String::new();
        push_step(name, &mut pointer);
        pointer.push_str(&self.pointer);
        self.pointer = pointer;
        self
    }

    pub(crate) fn json(error: JsonError) -> Self {
        Self { id: None, pointer: error.pointer(), kind: ObjectErrorKind::Json(Box::new(error)) }
    }

    /// The object that has the fault. `None` while the text is read, when its identifier may itself be the fault.
    pub fn id(&self) -> Option<&StixId> {
        self.id.as_ref()
    }

    /// JSON pointer inside the object; empty for the object itself.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The rule that was broken.
    pub fn kind(&self) -> &ObjectErrorKind {
        &self.kind
    }
}

/// The rule that an object broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectErrorKind {
    /// The strict reader refused the text.
    #[error("{0}")]
    Json(Box<JsonError>),
    /// Another JSON type was due.
    #[error("must be {}, not {}", expected.name(), found.name())]
    WrongType {
        /// The type that was due.
        expected: Kind,
        /// The type that stands there.
        found: Kind,
    },
    /// STIX 2.1, section 3.2.
    #[error("the required property `{0}` is missing")]
    Missing(&'static str),
    /// STIX 2.1, section 2.9.
    #[error("{0}")]
    Id(IdError),
    /// STIX 2.1, section 2.16.
    #[error("{0}")]
    Timestamp(TimestampError),
    /// STIX 2.1, section 2.9: an identifier begins with the type of its object.
    #[error("the identifier names another type than the property `type`")]
    OtherType,
    /// TAXII 2.1, section 3.7.
    #[error("a bundle is not a STIX object; send the objects that are in it")]
    Bundle,
    /// Neither 2.0 nor 2.1.
    #[error("only STIX 2.0 and 2.1 are supported")]
    SpecVersion,
    /// STIX 2.1, sections 4 to 7.
    #[error("the standard defines no such type")]
    UnknownType,
    /// A property that can have one value only.
    #[error("must be `{0}`")]
    Expected(&'static str),
    /// STIX 2.1, section 2.10.
    #[error("must be an integer")]
    NotInteger,
    /// STIX 2.1, section 2.8.
    #[error("must be an even number of hexadecimal digits")]
    NotHex,
    /// STIX 2.1, section 2.1.
    #[error("must be base64 with padding")]
    NotBase64,
    /// STIX 2.1, section 2.12.
    #[error("a list must not be empty; leave the property out")]
    EmptyList,
    /// STIX 2.1, section 2.3.
    #[error("a dictionary must not be empty; leave the property out")]
    EmptyDictionary,
    /// STIX 2.1, section 2.4.
    #[error("must be one of the values of {0}")]
    NotInEnumeration(&'static str),
    /// A reference to an object of another type than the property allows.
    #[error("must refer to {}", crate::class::list_targets(allowed))]
    OtherTarget {
        /// What may stand there.
        allowed: &'static [crate::class::Target],
    },
}
