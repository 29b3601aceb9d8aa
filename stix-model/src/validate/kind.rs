//! Of which kind a value is, and that lists and dictionaries are not empty (section 2).

use super::format;
use super::subject::Sink;
use crate::finding::{Code, Severity};
use crate::json::{Kind, Path, Value};
use crate::schema::rule::Rule;

pub(crate) fn expect_kind(kind: Kind, value: Value<'_>, rule: Rule, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != kind {
        wrong_kind(kind, value, rule, path, sink);
    }
}

#[cold]
pub(crate) fn wrong_kind(expected: Kind, value: Value<'_>, rule: Rule, path: &Path<'_>, sink: &mut Sink) {
    let message = format!("must be {}, not {}", expected.name(), value.kind().name());
    sink.report(Severity::Error, Code::PropertyType, path, rule, message);
}

#[cold]
pub(crate) fn empty(kind: Kind, severity: Severity, path: &Path<'_>, sink: &mut Sink) {
    let (what, rule) = if kind == Kind::Array { ("list", Rule::S017) } else { ("dictionary", Rule::S003) };
    let message = format!("a {what} must not be empty");
    sink.report(severity, Code::Empty, path, rule, message).fix("leave the property out");
}

pub(crate) fn check_key(key: &str, severity: Severity, path: &Path<'_>, sink: &mut Sink) {
    if !format::is_dictionary_key(key) {
        let message = "a key has 1 to 250 characters a-z, A-Z, 0-9, hyphen and underscore";
        sink.report(severity, Code::DictionaryKey, path, Rule::S003, message);
    }
}
