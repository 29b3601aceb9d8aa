//! What keeps a value from being an object at all, as a finding like any other.

use super::{Code, Finding, Severity};
use crate::json::{JsonError, Kind};
use crate::schema::rule::Rule;
use crate::{ObjectError, ObjectErrorKind};

impl JsonError {
    /// The same as a finding. No rule of STIX says it: such a text is no JSON that can be trusted (RFC 7493, RFC 8259).
    ///
    /// ```
    /// use stix_model::json::{Document, Limits};
    /// let error = Document::read(br#"{"a": 1, "a": 2}"#, Limits::default()).unwrap_err();
    /// let expected = "error json at /a: this member name occurs twice in one object";
    /// assert_eq!(error.finding().to_string(), expected);
    /// ```
    pub fn finding(&self) -> Finding {
        Finding::new(Severity::Error, Code::Json, self.pointer(), self.kind().to_string())
    }
}

impl ObjectError {
    /// The same as a finding, with the code and the rule that the validator has for it.
    ///
    /// ```
    /// let error = stix_model::Object::parse(r#"{"type": "tool", "id": 7}"#).unwrap_err();
    /// let expected = "error property-type at /id: must be a string, not a number (S-012)";
    /// assert_eq!(error.finding().to_string(), expected);
    /// ```
    pub fn finding(&self) -> Finding {
        let (code, rule) = code_and_rule(self.kind(), self.pointer());
        let finding = Finding::new(Severity::Error, code, self.pointer(), self.kind().to_string());
        Finding { rule, ..finding }
    }
}

fn code_and_rule(kind: &ObjectErrorKind, pointer: &str) -> (Code, Option<Rule>) {
    let (code, rule) = match kind {
        ObjectErrorKind::Json(_) => (Code::Json, Rule::S240),
        ObjectErrorKind::WrongType { expected, .. } => {
            let rule = match pointer {
                "" => Rule::S041,
                "/id" => Rule::S012,
                "/created" | "/modified" => Rule::S019,
                _ => rule_of_kind(*expected),
            };
            (Code::PropertyType, rule)
        }
        ObjectErrorKind::Missing("type") => (Code::PropertyMissing, Rule::S041),
        ObjectErrorKind::Missing(_) => (Code::PropertyMissing, Rule::S034),
        ObjectErrorKind::Id(_) => (Code::Identifier, Rule::S012),
        ObjectErrorKind::Timestamp(_) => (Code::Timestamp, Rule::S019),
        ObjectErrorKind::OtherType => (Code::IdentifierType, Rule::S012),
        ObjectErrorKind::Bundle => (Code::TypeName, Rule::S101),
        ObjectErrorKind::SpecVersion => (Code::SpecVersion, Rule::S040),
        ObjectErrorKind::UnknownType => (Code::TypeName, Rule::S041),
        ObjectErrorKind::Expected(_) => (Code::Format, Rule::S034),
        ObjectErrorKind::NotInteger => (Code::PropertyType, Rule::S015),
        ObjectErrorKind::NotHex => (Code::Hex, Rule::S011),
        ObjectErrorKind::NotBase64 => (Code::Base64, Rule::S001),
        ObjectErrorKind::EmptyList => (Code::Empty, Rule::S017),
        ObjectErrorKind::EmptyDictionary => (Code::Empty, Rule::S003),
        ObjectErrorKind::NotInEnumeration(_) => (Code::Enumeration, Rule::S004),
        ObjectErrorKind::OtherTarget { .. } => (Code::ReferenceType, Rule::S052),
    };
    (code, Some(rule))
}

/// The rule that says what a JSON type is in STIX.
fn rule_of_kind(kind: Kind) -> Rule {
    match kind {
        Kind::Bool => Rule::S002,
        Kind::Number => Rule::S009,
        Kind::Array => Rule::S017,
        Kind::Object => Rule::S003,
        Kind::String | Kind::Null => Rule::S018,
    }
}
