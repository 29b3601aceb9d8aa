//! What is wrong with a text or object, with a stable code and the rule behind it.

use serde::Serialize;
use std::fmt;
use stix_model::json::{JsonError, JsonErrorKind, Value};
use stix_model::taxii::SplitError;
use stix_model::{ObjectError, ObjectErrorKind};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Stable word for this kind of fault.
    pub(crate) code: &'static str,
    /// `error`: the object cannot be taken.
    pub(crate) severity: &'static str,
    /// JSON pointer inside the object; inside the text when that cannot be read as a whole.
    pub(crate) pointer: String,
    /// Where the rule is written down.
    pub(crate) rule: &'static str,
    /// In words.
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.pointer.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}{}", self.pointer, self.message)
    }
}

/// Why an element of a text is no object that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// Line and column of the fault, from 1.
    pub(crate) place: (usize, usize),
    /// The `id` of the element, if it has one.
    pub(crate) id: Option<String>,
    /// Its `modified` or `created`.
    pub(crate) version: Option<String>,
    /// The fault.
    pub(crate) finding: Finding,
}

impl Problem {
    /// The strict reader refused a text that begins at this line.
    pub(crate) fn of_json(error: &JsonError, line: usize) -> Self {
        let (code, rule) = json_rule(error.kind());
        let (pointer, message) = (error.pointer(), error.kind().to_string());
        let finding = Finding { code, severity: "error", pointer, rule, message };
        Self { place: (line, error.column()), id: None, version: None, finding }
    }

    /// A text that is neither an envelope nor a bundle.
    pub(crate) fn of_envelope(error: &SplitError) -> Self {
        let (code, rule) = ("envelope", "TAXII 2.1, section 3.7");
        let finding =
            Finding { code, severity: "error", pointer: String::new(), rule, message: error.to_string() };
        Self { place: (1, 1), id: None, version: None, finding }
    }

    /// A value that is no usable STIX object.
    pub(crate) fn of_object(error: &ObjectError, value: Value<'_>, place: (usize, usize)) -> Self {
        let (code, rule) = object_rule(error.kind());
        let (pointer, message) = (error.pointer().to_owned(), error.kind().to_string());
        let text = |name| Some(value.get(name)?.as_str()?.into_owned());
        let version = text("modified").or_else(|| text("created"));
        let finding = Finding { code, severity: "error", pointer, rule, message };
        Self { place, id: text("id"), version, finding }
    }
}

fn json_rule(kind: JsonErrorKind) -> (&'static str, &'static str) {
    match kind {
        JsonErrorKind::TooLong => ("json-too-long", "limit of the reader"),
        JsonErrorKind::NotUtf8 => ("json-not-utf8", "RFC 7493, section 2.1"),
        JsonErrorKind::ByteOrderMark => ("json-byte-order-mark", "RFC 8259, section 8.1"),
        JsonErrorKind::TooDeep => ("json-too-deep", "limit of the reader"),
        JsonErrorKind::DuplicateName => ("json-duplicate-name", "RFC 7493, section 2.3"),
        JsonErrorKind::LoneSurrogate => ("json-lone-surrogate", "RFC 7493, section 2.1"),
        JsonErrorKind::UnsafeInteger => ("json-unsafe-integer", "RFC 7493, section 2.2"),
        JsonErrorKind::NotFinite => ("json-not-finite", "RFC 7493, section 2.2"),
        _ => ("json-syntax", "RFC 8259"),
    }
}

fn object_rule(kind: &ObjectErrorKind) -> (&'static str, &'static str) {
    match kind {
        ObjectErrorKind::Json(error) => json_rule(error.kind()),
        ObjectErrorKind::WrongType { .. } => ("wrong-type", "STIX 2.1, section 2"),
        ObjectErrorKind::Missing(_) => ("missing-property", "STIX 2.1, section 3.2"),
        ObjectErrorKind::Id(_) => ("identifier", "STIX 2.1, section 2.9"),
        ObjectErrorKind::Timestamp(_) => ("timestamp", "STIX 2.1, section 2.16"),
        ObjectErrorKind::OtherType => ("identifier-type", "STIX 2.1, section 2.9"),
        ObjectErrorKind::Bundle => ("bundle", "TAXII 2.1, section 3.7"),
        ObjectErrorKind::SpecVersion => ("spec-version", "STIX 2.1, section 3.2"),
        ObjectErrorKind::TooLarge => ("too-large", "limit of the reader"),
        _ => ("object", "STIX 2.1"),
    }
}
