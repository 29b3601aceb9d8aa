//! What keeps a value from being an object at all, as a finding like any other.

use super::finding::{Code, Finding, Severity};
use crate::json::{JsonError, JsonErrorKind, Kind};
use crate::{ObjectError, ObjectErrorKind};

impl JsonError {
    /// The same as a finding, with the rule that says that such a text cannot be taken; no rule for a limit that no
    /// standard sets.
    ///
    /// ```
    /// use stix_model::json::{Document, Limits};
    /// let error = Document::read(br#"{"a": 1, "a": 2}"#, Limits::default()).unwrap_err();
    /// let expected = "error json at /a: this member name occurs twice in one object (RFC 7493, section 2.3)";
    /// assert_eq!(error.finding().to_string(), expected);
    /// ```
    pub fn finding(&self) -> Finding {
        Finding {
            code: Code::Json,
            severity: Severity::Error,
            pointer: self.pointer(),
            rule: rule_of_json(self.kind()),
            message: self.kind().to_string(),
            fix: None,
        }
    }
}

impl ObjectError {
    /// The same as a finding, with the code and the rule that the validator has for it; `pointer` is the JSON pointer
    /// of the object in a larger text.
    ///
    /// ```
    /// let error = stix_model::Object::parse(r#"{"type": "tool", "id": 7}"#).unwrap_err();
    /// let finding = error.finding("/objects/2");
    /// let expected = "error property-type at /objects/2/id: must be a string, not a number (S-012)";
    /// assert_eq!(finding.to_string(), expected);
    /// ```
    pub fn finding(&self, pointer: &str) -> Finding {
        let (code, rule) = code_and_rule(self.kind(), self.pointer());
        Finding {
            code,
            severity: Severity::Error,
            pointer: format!("{pointer}{}", self.pointer()),
            rule,
            message: self.kind().to_string(),
            fix: None,
        }
    }
}

fn code_and_rule(kind: &ObjectErrorKind, pointer: &str) -> (Code, &'static str) {
    match kind {
        ObjectErrorKind::Json(_) => (Code::Json, "S-240"),
        ObjectErrorKind::WrongType { expected, .. } => {
            let rule = match pointer {
                "" => "S-041",
                "/id" => "S-012",
                "/created" | "/modified" => "S-019",
                _ => rule_of_kind(*expected),
            };
            (Code::PropertyType, rule)
        }
        ObjectErrorKind::Missing("type") => (Code::PropertyMissing, "S-041"),
        ObjectErrorKind::Missing(_) => (Code::PropertyMissing, "S-034"),
        ObjectErrorKind::Id(_) => (Code::Identifier, "S-012"),
        ObjectErrorKind::Timestamp(_) => (Code::Timestamp, "S-019"),
        ObjectErrorKind::OtherType => (Code::IdentifierType, "S-012"),
        ObjectErrorKind::Bundle => (Code::TypeName, "S-101"),
        ObjectErrorKind::SpecVersion => (Code::SpecVersion, "S-040"),
        ObjectErrorKind::UnknownType => (Code::TypeName, "S-041"),
        ObjectErrorKind::Expected(_) => (Code::Format, "S-034"),
        ObjectErrorKind::NotInteger => (Code::PropertyType, "S-015"),
        ObjectErrorKind::NotHex => (Code::Hex, "S-011"),
        ObjectErrorKind::NotBase64 => (Code::Base64, "S-001"),
        ObjectErrorKind::EmptyList => (Code::Empty, "S-017"),
        ObjectErrorKind::EmptyDictionary => (Code::Empty, "S-003"),
        ObjectErrorKind::NotInEnumeration(_) => (Code::Enumeration, "S-004"),
        ObjectErrorKind::OtherTarget { .. } => (Code::ReferenceType, "S-052"),
        ObjectErrorKind::TooLarge => (Code::TooLarge, ""),
    }
}

/// The rule that says what a JSON type is in STIX.
fn rule_of_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "S-002",
        Kind::Number => "S-009",
        Kind::Array => "S-017",
        Kind::Object => "S-003",
        Kind::String | Kind::Null => "S-018",
    }
}

fn rule_of_json(kind: JsonErrorKind) -> &'static str {
    match kind {
        JsonErrorKind::NotUtf8 | JsonErrorKind::LoneSurrogate => "RFC 7493, section 2.1",
        JsonErrorKind::UnsafeInteger | JsonErrorKind::NotFinite => "RFC 7493, section 2.2",
        JsonErrorKind::DuplicateName => "RFC 7493, section 2.3",
        JsonErrorKind::ByteOrderMark => "RFC 8259, section 8.1",
        JsonErrorKind::TooLong | JsonErrorKind::TooDeep | JsonErrorKind::TooMany => "",
        _ => "RFC 8259",
    }
}
