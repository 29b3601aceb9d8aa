//! What the property tables leave open: unknown properties, extensions, containers, values of any shape.

use super::finding::{Code, Severity};
use super::path::Path;
use super::shape::{self, check_shape, wrong_kind};
use super::subject::Sink;
use super::{format, object};
use crate::StixId;
use crate::data_type::{is_base64, is_hex};
use crate::json::{Kind, Value};
use crate::schema::{self, Class, Schema, Shape};
use crate::vocab::ExtensionType;

/// Names that no object may use (section 3.1).
const RESERVED: [&str; 5] = ["severity", "username", "phone_number", "phone_numbers", "action"];

/// A property that the table does not list.
pub(crate) fn unknown_property(
    name: &str,
    value: Value<'_>,
    schema: &Schema,
    path: &Path<'_>,
    sink: &mut Sink,
) {
    if schema.class != Class::Part && crate::common::is_common_name(name) {
        let message = format!("`{name}` is not meant for objects of type `{}`", schema.name);
        // Section 3.2 says of this one alone that it must not be used elsewhere; producers do version observables
        // (section 3.6), so the others are let pass.
        let severity = if name == "defanged" { Severity::Error } else { Severity::Warning };
        sink.report(severity, Code::PropertyClass, path, "S-049", message);
        return;
    }
    custom_property(name, value, path, sink);
}

/// A property of an extension or of somebody's own (sections 7.3 and 11.1).
pub(crate) fn custom_property(name: &str, value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if RESERVED.contains(&name) {
        let message = "this name is reserved by the standard and must not be used";
        sink.report(Severity::Error, Code::PropertyReserved, path, "S-035", message);
        return;
    }
    if !format::is_property_name(name) {
        let message = "the name of a property has 3 to 250 characters a-z, 0-9 and underscore, and begins with a letter";
        sink.report(Severity::Error, Code::PropertyName, path, "S-150", message);
    }
    if name.ends_with("_bin") && !value.as_str().is_some_and(|text| is_base64(&text)) {
        let message = "a property whose name ends in `_bin` holds base64";
        sink.report(Severity::Error, Code::Base64, path, "S-001", message);
    }
    if name.ends_with("_hex") && !value.as_str().is_some_and(|text| is_hex(&text)) {
        let message = "a property whose name ends in `_hex` holds an even number of digits 0-9 and a-f";
        sink.report(Severity::Error, Code::Hex, path, "S-011", message);
    }
    any_value(value, path, sink);
}

/// Null is no STIX value, and lists are not empty.
pub(crate) fn any_value(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    match value.kind() {
        Kind::Null => {
            let message = "null is not a STIX value";
            sink.report(Severity::Error, Code::PropertyType, path, "S-034", message)
                .fix("leave the property out");
        }
        Kind::Array if value.elements().next().is_none() => {
            let message = "a list must not be empty";
            sink.report(Severity::Error, Code::Empty, path, "S-017", message).fix("leave the property out");
        }
        _ => {}
    }
}

/// `extensions` (section 7.3). Tells whether one of them brings properties at the top level.
pub(crate) fn extensions(value: Value<'_>, schema: Option<&Schema>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return;
    }
    if value.members().next().is_none() {
        let message = "a dictionary must not be empty";
        sink.report(Severity::Error, Code::Empty, path, "S-003", message).fix("leave `extensions` out");
    }
    for (name, extension) in value.members() {
        let place = path.member(&name);
        let predefined = schema.and_then(|schema| schema.extensions.iter().find(|known| known.name == name));
        if let Some(predefined) = predefined {
            shape::check(extension, predefined, place, sink);
            continue;
        }
        if extension.kind() != Kind::Object {
            wrong_kind(Kind::Object, extension, &place, sink);
            continue;
        }
        if extension.members().next().is_none() {
            let message = "an extension must not be empty";
            sink.report(Severity::Error, Code::Empty, &place, "S-050", message);
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
        sink.report(Severity::Error, Code::Identifier, path, "S-012", error.to_string());
    }
    let Some(extension_type) = extension.get("extension_type") else {
        let message = "an extension of section 7.3 says what it is in `extension_type`";
        let finding = sink.report(Severity::Error, Code::Extension, path, "S-050", message);
        finding.fix("add \"extension_type\": \"property-extension\", or what fits");
        return;
    };
    check_shape(
        extension_type,
        &Shape::Vocabulary(ExtensionType::VOCABULARY),
        &path.member("extension_type"),
        sink,
    );
    for (name, value) in extension.members().filter(|(name, _)| name != "extension_type") {
        custom_property(&name, value, &path.member(&name), sink);
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
    let is_name = name.ends_with("-ext")
        && (3..=250).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_name {
        let message = "an extension has the id of its extension-definition as key, or a predefined name";
        sink.report(Severity::Error, Code::Extension, path, "S-152", message);
        return;
    }
    if schema::of_extension(name).is_some() {
        let message = format!("`{name}` is predefined for another type of object");
        sink.report(Severity::Error, Code::Extension, path, "S-152", message);
        return;
    }
    if schema.is_some_and(|schema| schema.class != Class::Sco) {
        let message = "custom extensions without definition are for cyber-observable objects only";
        sink.report(Severity::Error, Code::Extension, path, "S-152", message);
        return;
    }
    let message = "custom extensions without an extension-definition are deprecated";
    sink.report(Severity::Warning, Code::Deprecated, path, "S-152", message);
    for (name, value) in extension.members() {
        custom_property(&name, value, &path.member(&name), sink);
    }
}

/// `objects` of observed-data (section 2.13, deprecated): objects under local names.
pub(crate) fn observable_container(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return wrong_kind(Kind::Object, value, path, sink);
    }
    let message = "`objects` is deprecated; send the observables as objects and name them in `object_refs`";
    sink.report(Severity::Warning, Code::Deprecated, path, "S-022", message);
    if value.members().next().is_none() {
        sink.report(Severity::Error, Code::Empty, path, "S-022", "a dictionary must not be empty");
    }
    for (key, contained) in value.members() {
        object::contained(contained, &path.member(&key), sink);
    }
}
