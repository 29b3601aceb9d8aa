//! The data types of STIX properties (STIX 2.1, section 2): how each is read from JSON and written back.

use crate::json::{self, Document, JsonError, Kind, Limits, Value};
use crate::schema::table::{Format, Shape};
use crate::{ObjectError, ObjectErrorKind, StixId, Timestamp};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use std::borrow::Cow;

/// A string property: borrowed from the text that was read, or owned when it was built.
pub type Text<'a> = Cow<'a, str>;

/// A type that a STIX property can have.
pub trait DataType<'a>: Sized {
    /// What the validator checks.
    const SHAPE: Shape;

    /// The same type without borrowed text.
    type Owned: DataType<'static>;

    /// Reads the value of a property.
    ///
    /// # Errors
    /// When the JSON value has another type or form, with the place of the fault.
    fn read(value: Value<'a>) -> Result<Self, ObjectError>;

    /// Appends the value as JSON.
    fn write(&self, out: &mut String);

    /// Copies what is borrowed from the text, so that the value outlives it.
    fn into_owned(self) -> Self::Owned;
}

pub(crate) fn read_into<'a, T: DataType<'a>>(
    slot: &mut Option<T>,
    value: Value<'a>,
) -> Result<(), ObjectError> {
    *slot = Some(T::read(value)?);
    Ok(())
}

pub(crate) fn expect_object(value: Value<'_>) -> Result<(), ObjectError> {
    if value.kind() == Kind::Object { Ok(()) } else { Err(wrong_kind(Kind::Object, value)) }
}

pub(crate) fn expect_text(value: Value<'_>, expected: &'static str) -> Result<(), ObjectError> {
    if text(value)? == expected {
        Ok(())
    } else {
        Err(ObjectError::here(ObjectErrorKind::Expected(expected)))
    }
}

pub(crate) fn write_property<'a>(name: &str, value: &impl DataType<'a>, out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
    json::write_string(name, out);
    out.push(':');
    value.write(out);
}

fn wrong_kind(expected: Kind, value: Value<'_>) -> ObjectError {
    ObjectError::here(ObjectErrorKind::WrongType { expected, found: value.kind() })
}

fn text(value: Value<'_>) -> Result<Text<'_>, ObjectError> {
    value.as_str().ok_or_else(|| wrong_kind(Kind::String, value))
}

/// `string` (section 2.15).
impl<'a> DataType<'a> for Text<'a> {
    const SHAPE: Shape = Shape::String(Format::Any);

    type Owned = Text<'static>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        text(value)
    }

    fn write(&self, out: &mut String) {
        json::write_string(self, out);
    }

    fn into_owned(self) -> Text<'static> {
        Cow::Owned(Cow::into_owned(self))
    }
}

/// `string` (section 2.15), always owned; for [`Object::get`](crate::Object::get).
impl<'a> DataType<'a> for String {
    const SHAPE: Shape = Shape::String(Format::Any);

    type Owned = Self;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        text(value).map(Cow::into_owned)
    }

    fn write(&self, out: &mut String) {
        json::write_string(self, out);
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

/// `boolean` (section 2.2).
impl<'a> DataType<'a> for bool {
    const SHAPE: Shape = Shape::Boolean;

    type Owned = Self;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        value.as_bool().ok_or_else(|| wrong_kind(Kind::Bool, value))
    }

    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

/// `integer` (section 2.10). JSON knows one kind of number, so `5.0` is five.
impl<'a> DataType<'a> for i64 {
    const SHAPE: Shape = Shape::Integer;

    type Owned = Self;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        if value.kind() != Kind::Number {
            return Err(wrong_kind(Kind::Number, value));
        }
        value.as_i64().ok_or(ObjectError::here(ObjectErrorKind::NotInteger))
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

/// `float` (section 2.6).
impl<'a> DataType<'a> for f64 {
    const SHAPE: Shape = Shape::Float;

    type Owned = Self;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        value.as_f64().ok_or_else(|| wrong_kind(Kind::Number, value))
    }

    fn write(&self, out: &mut String) {
        // JSON has no words for the values that are not finite, and STIX forbids them.
        if self.is_finite() {
            out.push_str(ryu_js::Buffer::new().format_finite(*self));
        } else {
            out.push_str("null");
        }
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

/// `timestamp` (section 2.16).
impl<'a> DataType<'a> for Timestamp {
    const SHAPE: Shape = Shape::Timestamp;

    type Owned = Self;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        text(value)?.parse().map_err(|error| ObjectError::here(ObjectErrorKind::Timestamp(error)))
    }

    fn write(&self, out: &mut String) {
        json::write_string(self.as_str(), out);
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

/// `identifier` (section 2.9).
impl<'a> DataType<'a> for StixId {
    const SHAPE: Shape = Shape::Identifier(&[]);

    type Owned = Self;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        text(value)?.parse().map_err(|error| ObjectError::here(ObjectErrorKind::Id(error)))
    }

    fn write(&self, out: &mut String) {
        json::write_string(self.as_str(), out);
    }

    fn into_owned(self) -> Self::Owned {
        self
    }
}

/// `list` (section 2.12). An absent list is an empty `Vec`; an empty list in the text is an error.
impl<'a, T: DataType<'a>> DataType<'a> for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    type Owned = Vec<T::Owned>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        if value.kind() != Kind::Array {
            return Err(wrong_kind(Kind::Array, value));
        }
        let elements = value.elements().enumerate();
        let list: Self = elements
            .map(|(index, element)| T::read(element).map_err(|error| error.within(&index.to_string())))
            .collect::<Result<_, _>>()?;
        if list.is_empty() { Err(ObjectError::here(ObjectErrorKind::EmptyList)) } else { Ok(list) }
    }

    fn write(&self, out: &mut String) {
        out.push('[');
        for (index, element) in self.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            element.write(out);
        }
        out.push(']');
    }

    fn into_owned(self) -> Self::Owned {
        self.into_iter().map(T::into_owned).collect()
    }
}

/// `hex` (section 2.8): an even number of digits `0-9a-f`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hex<'a>(Text<'a>);

impl<'a> Hex<'a> {
    /// The digits as they were written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes bytes as hexadecimal digits.
    pub fn encode(bytes: &[u8]) -> Hex<'static> {
        Hex(HEXLOWER.encode(bytes).into())
    }

    /// The bytes that the digits stand for.
    pub fn decode(&self) -> Vec<u8> {
        HEXLOWER_PERMISSIVE.decode(self.0.as_bytes()).unwrap_or_default()
    }
}

/// Whether a text is `hex` in the sense of section 2.8. Upper-case digits are let pass, as the official schemas do.
pub(crate) fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl<'a> DataType<'a> for Hex<'a> {
    const SHAPE: Shape = Shape::Hex;

    type Owned = Hex<'static>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        let text = text(value)?;
        if is_hex(&text) { Ok(Self(text)) } else { Err(ObjectError::here(ObjectErrorKind::NotHex)) }
    }

    fn write(&self, out: &mut String) {
        json::write_string(&self.0, out);
    }

    fn into_owned(self) -> Self::Owned {
        Hex(DataType::into_owned(self.0))
    }
}

/// `binary` (section 2.1): base64 in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary<'a>(Text<'a>);

impl<'a> Binary<'a> {
    /// The base64 text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes bytes as base64.
    pub fn encode(bytes: &[u8]) -> Binary<'static> {
        use base64::Engine as _;
        Binary(base64::engine::general_purpose::STANDARD.encode(bytes).into())
    }

    /// The bytes that the text stands for.
    pub fn decode(&self) -> Vec<u8> {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.decode(self.0.as_bytes()).unwrap_or_default()
    }
}

/// Whether a text is base64 of RFC 4648, section 4, with padding.
pub(crate) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_padded = text.len().is_multiple_of(4) && text.len() - body.len() <= 2;
    is_padded && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

impl<'a> DataType<'a> for Binary<'a> {
    const SHAPE: Shape = Shape::Binary;

    type Owned = Binary<'static>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        let text = text(value)?;
        if is_base64(&text) { Ok(Self(text)) } else { Err(ObjectError::here(ObjectErrorKind::NotBase64)) }
    }

    fn write(&self, out: &mut String) {
        json::write_string(&self.0, out);
    }

    fn into_owned(self) -> Self::Owned {
        Binary(DataType::into_owned(self.0))
    }
}

/// `dictionary` (section 2.3), in the order of the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Dictionary<'a, V>(Vec<(Text<'a>, V)>);

impl<'a, V> Dictionary<'a, V> {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.iter().find(|(found, _)| *found == key).map(|(_, value)| value)
    }

    /// Sets the value of a key; a new key goes last.
    pub fn set(&mut self, key: impl Into<Text<'a>>, value: V) {
        let key = key.into();
        match self.0.iter_mut().find(|(found, _)| *found == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Appends a member that is known to be new.
    pub(crate) fn push(&mut self, key: Text<'a>, value: V) {
        self.0.push((key, value));
    }

    /// The entries, in the order of the text.
    pub(crate) fn into_entries(self) -> Vec<(Text<'a>, V)> {
        self.0
    }

    /// The entries in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// Whether there is no entry, which stands for an absent property.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V> Default for Dictionary<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, K: Into<Text<'a>>, V> FromIterator<(K, V)> for Dictionary<'a, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut dictionary = Self::default();
        entries.into_iter().for_each(|(key, value)| dictionary.set(key, value));
        dictionary
    }
}

impl<'a, V: DataType<'a>> DataType<'a> for Dictionary<'a, V> {
    const SHAPE: Shape = Shape::Dictionary(&V::SHAPE);

    type Owned = Dictionary<'static, V::Owned>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        expect_object(value)?;
        let entries = value.members().map(|(key, value)| {
            let value = V::read(value).map_err(|error| error.within(&key))?;
            Ok((key, value))
        });
        let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        if entries.is_empty() {
            return Err(ObjectError::here(ObjectErrorKind::EmptyDictionary));
        }
        Ok(Self(entries))
    }

    fn write(&self, out: &mut String) {
        out.push('{');
        self.iter().for_each(|(key, value)| write_property(key, value, out));
        out.push('}');
    }

    fn into_owned(self) -> Self::Owned {
        Dictionary(
            self.0.into_iter().map(|(key, value)| (DataType::into_owned(key), value.into_owned())).collect(),
        )
    }
}

/// Any JSON value, kept as its text: what custom properties and unknown extensions hold.
///
/// ```
/// let score = stix_model::Json::parse(r#"{"rank": 5}"#)?;
/// assert_eq!(score.as_str(), r#"{"rank": 5}"#);
/// assert!(stix_model::Json::parse("{").is_err());
/// # Ok::<(), stix_model::json::JsonError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json<'a>(Text<'a>);

impl<'a> Json<'a> {
    /// Takes a text that holds one JSON value.
    ///
    /// # Errors
    /// When the strict reader refuses the text.
    pub fn parse(text: impl Into<Text<'a>>) -> Result<Self, JsonError> {
        let text = text.into();
        Document::read(text.as_bytes(), Limits::default())?;
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An index of the text, for reading what is in it.
    pub fn document(&self) -> Document<'_> {
        Document::read(self.0.as_bytes(), Limits::NONE).expect("a value is made from a text that was read")
    }

    /// Takes the text of a value.
    pub fn of(value: Value<'a>) -> Self {
        Self(value.raw().into())
    }

    /// Writes a value as text, for instance a typed extension.
    pub fn from_typed(value: &impl DataType<'a>) -> Json<'static> {
        let mut out = String::new();
        value.write(&mut out);
        Json(out.into())
    }
}

impl<'a> DataType<'a> for Json<'a> {
    const SHAPE: Shape = Shape::Any;

    type Owned = Json<'static>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        Ok(Self::of(value))
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.0);
    }

    fn into_owned(self) -> Self::Owned {
        Json(DataType::into_owned(self.0))
    }
}

/// A value that is an integer or a string, as in `exif_tags` and `ipfix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntegerOrText<'a> {
    /// A number.
    Integer(i64),
    /// A string.
    Text(Text<'a>),
}

impl<'a> DataType<'a> for IntegerOrText<'a> {
    const SHAPE: Shape = Shape::IntegerOrString;

    type Owned = IntegerOrText<'static>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        match value.kind() {
            Kind::Number => i64::read(value).map(Self::Integer),
            _ => Text::read(value).map(Self::Text),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Integer(number) => number.write(out),
            Self::Text(text) => text.write(out),
        }
    }

    fn into_owned(self) -> Self::Owned {
        match self {
            Self::Integer(number) => IntegerOrText::Integer(number),
            Self::Text(text) => IntegerOrText::Text(DataType::into_owned(text)),
        }
    }
}

/// `observable-container` (section 2.13, deprecated): observables under names that count inside it only.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservableContainer<'a>(Dictionary<'a, Json<'a>>);

impl<'a> ObservableContainer<'a> {
    /// The observables in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter()
    }
}

impl<'a> DataType<'a> for ObservableContainer<'a> {
    const SHAPE: Shape = Shape::ObservableContainer;

    type Owned = ObservableContainer<'static>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        Dictionary::read(value).map(Self)
    }

    fn write(&self, out: &mut String) {
        self.0.write(out);
    }

    fn into_owned(self) -> Self::Owned {
        ObservableContainer(self.0.into_owned())
    }
}
