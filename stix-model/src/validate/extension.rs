//! Extensions (section 7.3): predefined ones, those of an extension-definition, and the deprecated kind.

use super::custom::{Parent, RESERVED, any_value, custom_property};
use super::kind::{empty, wrong_kind};
use super::shape::{self, check_shape};
use super::subject::Sink;
use crate::class::Class;
use crate::finding::{Code, Severity};
use crate::json::{Kind, Path, Value};
use crate::model::vocab::ExtensionType;
use crate::registry;
use crate::schema::rule::Rule;
use crate::schema::table::{Schema, Shape};
use crate::{StixId, id};

/// `extensions` (section 7.3).
pub(crate) fn check(value: Value<'_>, schema: Option<&Schema>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return;
    }
    if value.members().next().is_none() {
        empty(Kind::Object, Severity::Error, path, sink);
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
