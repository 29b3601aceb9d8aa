//! What no table describes: custom properties, and values of any shape.

use super::format;
use super::kind::{check_key, empty};
use super::subject::Sink;
use crate::StixId;
use crate::finding::{Code, Severity};
use crate::json::{Kind, Path, Value};
use crate::model::common;
use crate::schema::rule::Rule;
use std::borrow::Cow;
use std::cell::OnceCell;

/// Names that no object may use (section 3.1).
pub(crate) const RESERVED: [&str; 5] = ["severity", "username", "phone_number", "phone_numbers", "action"];

/// What holds properties that no table lists.
pub(crate) struct Parent<'d> {
    value: Value<'d>,
    /// The rule that says how they are named; looked up once, because extensions may be many.
    naming: OnceCell<Rule>,
}

impl<'d> Parent<'d> {
    pub(crate) fn new(value: Value<'d>) -> Self {
        Self { value, naming: OnceCell::new() }
    }

    fn naming(&self) -> Rule {
        *self.naming.get_or_init(|| {
            let is_extension = self.value.get("extension_type").is_some()
                || extension_types(self.value.get("extensions")).next().is_some();
            if is_extension { Rule::S145 } else { Rule::S150 }
        })
    }
}

/// A custom property, or one of an extension (sections 7.3 and 11.1), beside the others in `parent`.
pub(crate) fn custom_property(
    name: &str,
    value: Value<'_>,
    parent: &Parent<'_>,
    path: &Path<'_>,
    sink: &mut Sink,
) {
    if RESERVED.contains(&name) {
        let message = "this name is reserved by the standard and must not be used";
        sink.report(Severity::Error, Code::PropertyReserved, path, Rule::S035, message);
        return;
    }
    // In an extension the names of common properties are free: `id` is that of a database, `labels` those of an
    // observable, which has none itself.
    if !format::is_property_name(name) && common::find(name).is_none() {
        let message = "the name of a property has 3 to 250 characters a-z, 0-9 and underscore, and begins with a letter";
        sink.report(Severity::Error, Code::PropertyName, path, parent.naming(), message);
    }
    check_ending(name, value, parent.value, path, sink);
    any_value(value, path, sink);
}

/// The ends of names that say what stands there (section 3.1).
fn check_ending(name: &str, value: Value<'_>, parent: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    let is_id = |value: Value<'_>| value.as_str().is_some_and(|id| StixId::check(&id).is_ok());
    let Some(last) = name.bytes().rposition(|byte| byte == b'_') else { return };
    let (start, ending) = name.split_at(last);
    // Section 11.1 says of `_bin` and `_hex` that custom properties keep to them, and of the others nothing.
    let (is_right, severity, code, rule, message) = match ending {
        "_bin" => (
            value.as_str().is_some_and(|text| format::is_binary(&text)),
            Severity::Error,
            Code::Base64,
            Rule::S001,
            "a property whose name ends in `_bin` holds base64",
        ),
        "_hex" => (
            value.as_str().is_some_and(|text| format::is_hex(&text)),
            Severity::Error,
            Code::Hex,
            Rule::S011,
            "a property whose name ends in `_hex` holds an even number of digits 0-9 and a-f",
        ),
        "_ref" => (
            is_id(value),
            Severity::Warning,
            Code::Identifier,
            Rule::S033,
            "a property whose name ends in `_ref` holds an identifier",
        ),
        "_refs" => (
            value.kind() == Kind::Array && value.elements().all(is_id),
            Severity::Warning,
            Code::Identifier,
            Rule::S033,
            "a property whose name ends in `_refs` holds a list of identifiers",
        ),
        "_enc" => (
            parent.get(start).is_some(),
            Severity::Warning,
            Code::PropertyNeeds,
            Rule::S033,
            "a property whose name ends in `_enc` names the encoding of the property beside it, which is missing",
        ),
        _ => return,
    };
    if !is_right {
        sink.report(severity, code, path, rule, message);
    }
}

/// What holds for values that no table describes (sections 2.3 and 2.12): null is none of them, lists and
/// dictionaries are not empty, a list has elements of one type. Deeper inside it is advice, because
/// what is there need not be meant as a list or dictionary of STIX. Recursion ends with the nesting that the reader let
/// through.
pub(crate) fn any_value(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    check_any(value, Severity::Error, path, sink);
}

fn check_any(value: Value<'_>, severity: Severity, path: &Path<'_>, sink: &mut Sink) {
    match value.kind() {
        Kind::Null => {
            let message = "null is not a STIX value";
            sink.report(severity, Code::PropertyType, path, Rule::S034, message)
                .fix("leave the property out");
        }
        Kind::Array => {
            let Some(first) = value.elements().next() else {
                return empty(Kind::Array, severity, path, sink);
            };
            if value.elements().any(|element| element.kind() != first.kind()) {
                let message = "all elements of a list have one type";
                sink.report(severity, Code::PropertyType, path, Rule::S017, message);
            }
            for (index, element) in value.elements().enumerate() {
                check_any(element, Severity::Warning, &path.element(index), sink);
            }
        }
        Kind::Object => {
            if value.members().next().is_none() {
                empty(Kind::Object, severity, path, sink);
            }
            for (key, member) in value.members() {
                let place = path.member(&key);
                check_key(&key, severity, &place, sink);
                check_any(member, Severity::Warning, &place, sink);
            }
        }
        Kind::Bool | Kind::Number | Kind::String => {}
    }
}

/// What extensions say of themselves.
pub(crate) fn extension_types<'d>(extensions: Option<Value<'d>>) -> impl Iterator<Item = Cow<'d, str>> {
    let extensions = extensions.into_iter().flat_map(Value::members);
    extensions.filter_map(|(_, extension)| extension.get("extension_type")?.as_str())
}
