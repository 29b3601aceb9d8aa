//! What the property tables leave open: unknown properties, extensions, containers, values of any shape.

use super::finding::{Code, Severity};
use super::shape::{self, check_shape, wrong_kind};
use super::subject::Sink;
use super::{format, object};
use crate::class::Class;
use crate::json::{Kind, Path, Value};
use crate::model::common;
use crate::model::vocab::ExtensionType;
use crate::registry;
use crate::schema::rule::Rule;
use crate::schema::table::{Property, Schema, Shape};
use crate::{StixId, id};
use std::borrow::Cow;
use std::cell::OnceCell;

/// Names that no object may use (section 3.1).
const RESERVED: [&str; 5] = ["severity", "username", "phone_number", "phone_numbers", "action"];

/// A common property on an object of a class that does not have it.
pub(crate) fn misplaced_property(
    value: Value<'_>,
    property: &Property,
    schema: &Schema,
    path: &Path<'_>,
    sink: &mut Sink,
) {
    let name = property.name;
    let message = match schema.name {
        "" => format!("`{name}` is not meant for objects of this class"),
        object_type => format!("`{name}` is not meant for objects of type `{object_type}`"),
    };
    let is_version = matches!(name, "created" | "modified" | "created_by_ref" | "revoked");
    // Sections 3.2 and 7.2.1 say of these that they must not be used. Producers do version observables (section 3.6),
    // and what else is only not listed for a class is let pass.
    let (severity, rule) = match (name, schema.name) {
        ("defanged", _) => (Severity::Error, Rule::S049),
        ("modified" | "revoked", "marking-definition") => (Severity::Error, Rule::S114),
        _ if is_version && schema.class == Class::Sco => (Severity::Warning, Rule::S082),
        _ => (Severity::Warning, Rule::S049),
    };
    sink.report(severity, Code::PropertyClass, path, rule, message);
    shape::check_property(value, property, schema, path, sink);
}

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

/// A property of an extension or of somebody's own (sections 7.3 and 11.1), beside the others in `parent`.
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
    const ENDINGS: [&str; 5] = ["_bin", "_hex", "_ref", "_refs", "_enc"];
    let is_id = |value: Value<'_>| value.as_str().is_some_and(|id| StixId::check(&id).is_ok());
    let split = |ending| Some((name.strip_suffix(ending)?, ending));
    let Some((start, ending)) = ENDINGS.into_iter().find_map(split) else { return };
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
        _ => (
            parent.get(start).is_some(),
            Severity::Warning,
            Code::PropertyNeeds,
            Rule::S033,
            "a property whose name ends in `_enc` names the encoding of the property beside it, which is missing",
        ),
    };
    if !is_right {
        sink.report(severity, code, path, rule, message);
    }
}

/// What holds for values that no table describes (sections 2.3 and 2.12): null is none of them, lists and
/// dictionaries are not empty, a list has elements of one type. Deeper inside it is advice, because nobody says
/// whether such a thing is meant as a list or dictionary of STIX. Recursion ends with the nesting that the reader let
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
                return shape::empty(Kind::Array, severity, path, sink);
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
                shape::empty(Kind::Object, severity, path, sink);
            }
            for (key, member) in value.members() {
                let place = path.member(&key);
                shape::check_key(&key, severity, &place, sink);
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

/// `extensions` (section 7.3).
pub(crate) fn extensions(value: Value<'_>, schema: Option<&Schema>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return;
    }
    if value.members().next().is_none() {
        shape::empty(Kind::Object, Severity::Error, path, sink);
    }
    for (name, extension) in value.members() {
        let place = path.member(&name);
        let predefined = schema.and_then(|schema| schema.extensions.iter().find(|known| known.name == name));
        if let Some(predefined) = predefined {
            shape::check(extension, predefined, place, sink);
            if extension.get("extension_type").is_some() {
                let message = "an extension that the standard defines says nothing in `extension_type`";
                sink.report(
                    Severity::Error,
                    Code::Extension,
                    &place.member("extension_type"),
                    Rule::S050,
                    message,
                );
            }
            continue;
        }
        if extension.kind() != Kind::Object {
            wrong_kind(Kind::Object, extension, Rule::S050, &place, sink);
            continue;
        }
        if name.starts_with("extension-definition--") {
            defined_extension(&name, extension, &place, sink);
        } else {
            custom_extension(&name, extension, schema, &place, sink);
        }
    }
}

fn defined_extension(name: &str, extension: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if let Err(error) = StixId::check(name) {
        sink.report(Severity::Error, Code::Identifier, path, Rule::S012, error.to_string());
    }
    let Some(extension_type) = extension.get("extension_type") else {
        let message = "an extension of section 7.3 says what it is in `extension_type`";
        let finding = sink.report(Severity::Error, Code::Extension, path, Rule::S050, message);
        finding.fix("add \"extension_type\": \"property-extension\", or what fits");
        return;
    };
    check_shape(
        extension_type,
        &Shape::Vocabulary(ExtensionType::VOCABULARY),
        &path.member("extension_type"),
        sink,
    );
    let parent = Parent::new(extension);
    let is_top_level = extension_type.as_str().is_some_and(|kind| kind == "toplevel-property-extension");
    for (name, value) in extension.members().filter(|(name, _)| name != "extension_type") {
        let place = path.member(&name);
        if is_top_level {
            let message = "the properties of such an extension stand at the top level of the object";
            sink.report(Severity::Error, Code::Extension, &place, Rule::S144, message);
        }
        if RESERVED.contains(&&*name) {
            // The standard reserves the name on objects, and this is none.
            let message =
                "this name is reserved on objects by the standard; a later edition may give it a meaning";
            sink.report(Severity::Warning, Code::PropertyReserved, &place, Rule::S035, message);
            any_value(value, &place, sink);
        } else {
            custom_property(&name, value, &parent, &place, sink);
        }
    }
}

/// The deprecated kind of section 11.3.
fn custom_extension(
    name: &str,
    extension: Value<'_>,
    schema: Option<&Schema>,
    path: &Path<'_>,
    sink: &mut Sink,
) {
    if !name.ends_with("-ext") || !id::is_type_name(name) {
        let message = "an extension has the id of its extension-definition as key, or a predefined name";
        sink.report(Severity::Error, Code::Extension, path, Rule::S152, message);
        return;
    }
    if registry::of_extension(name).is_some() {
        let message = format!("`{name}` is predefined for another type of object");
        sink.report(Severity::Error, Code::Extension, path, Rule::S152, message);
        return;
    }
    if schema.is_some_and(|schema| schema.class != Class::Sco) {
        let message = "custom extensions without definition are for cyber-observable objects only";
        sink.report(Severity::Error, Code::Extension, path, Rule::S152, message);
        return;
    }
    let message = "custom extensions without an extension-definition are deprecated";
    sink.report(Severity::Warning, Code::Deprecated, path, Rule::S152, message);
    if extension.members().next().is_none() {
        sink.report(Severity::Error, Code::Empty, path, Rule::S152, "an extension has at least one property");
    }
    let parent = Parent::new(extension);
    for (name, value) in extension.members() {
        custom_property(&name, value, &parent, &path.member(&name), sink);
    }
}

/// `objects` of observed-data (section 2.13, deprecated): objects under local names.
pub(crate) fn observable_container(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return wrong_kind(Kind::Object, value, Rule::S022, path, sink);
    }
    let message = "`objects` is deprecated; send the observables as objects and name them in `object_refs`";
    sink.report(Severity::Warning, Code::Deprecated, path, Rule::S022, message);
    if value.members().next().is_none() {
        sink.report(Severity::Error, Code::Empty, path, Rule::S022, "a dictionary must not be empty");
    }
    for (key, contained) in value.members() {
        object::contained(contained, value, &path.member(&key), sink);
    }
}
