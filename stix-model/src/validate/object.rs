//! One whole object: what holds for every type, then the table of its own.

use super::finding::{Code, Severity};
use super::path::Path;
use super::shape::{check_shape, wrong_kind};
use super::subject::Sink;
use super::{part, shape};
use crate::json::{Kind, Value};
use crate::marking::Selector;
use crate::schema::{self, Class, Property, Schema};
use crate::{ScoId, StixId, Timestamp, common, id, sco_id};

/// Checks one object that stands outside a bundle or in its `objects`.
pub(crate) fn check(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return wrong_kind(Kind::Object, value, path, sink);
    }
    let Some(object_type) = value.get("type").and_then(Value::as_str) else {
        let message = "an object says what it is in the string property `type`";
        sink.report(Severity::Error, Code::PropertyMissing, path, "S-041", message);
        return;
    };
    if object_type == "bundle" {
        let message = "a bundle is not a STIX object and stands in no other bundle";
        sink.report(Severity::Error, Code::TypeName, &path.member("type"), "S-101", message);
        return;
    }
    let schema = schema::of(&object_type);
    match schema {
        Some(schema) => shape::check(value, schema, *path, sink),
        None => custom_object(value, &object_type, path, sink),
    }
    let class = schema.map(|schema| schema.class).or_else(|| class_by_extension(value));
    check_head(value, &object_type, class, path, sink);
    if let Some(extensions) = value.get("extensions") {
        part::extensions(extensions, schema, &path.member("extensions"), sink);
    }
    if schema.is_some() {
        warn_of_custom_properties(value, schema, path, sink);
    }
    check_markings(value, path, sink);
}

/// An observable in the deprecated container: references name keys of the container, so only what it is counts.
pub(crate) fn contained(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return wrong_kind(Kind::Object, value, path, sink);
    }
    for name in ["type", "id"] {
        if value.get(name).is_none() {
            let message = format!("the required property `{name}` is missing");
            sink.report(Severity::Error, Code::PropertyMissing, path, "S-022", message);
        }
    }
    let object_type = value.get("type").and_then(Value::as_str);
    if object_type.as_deref().and_then(schema::of).is_some_and(|schema| schema.class != Class::Sco) {
        let message = "only cyber-observable objects stand in an observable container";
        sink.report(Severity::Error, Code::ReferenceType, path, "S-022", message);
    }
}

fn check_head(value: Value<'_>, object_type: &str, class: Option<Class>, path: &Path<'_>, sink: &mut Sink) {
    let text = |name| value.get(name).and_then(Value::as_str);
    if text("spec_version").is_some_and(|version| version != "2.1") {
        let message = "this is checked as STIX 2.1, so `spec_version` must be \"2.1\"";
        sink.report(Severity::Error, Code::SpecVersion, &path.member("spec_version"), "S-040", message);
    }
    if let Some(id) = text("id")
        && let Ok(named) = StixId::check(&id)
    {
        check_id(value, &id, named, object_type, class, path, sink);
    }
    if let (Some(created), Some(modified)) = (text("created"), text("modified"))
        && Timestamp::check(&created).is_ok()
        && Timestamp::check(&modified).is_ok()
        && Timestamp::compare(&created, &modified).is_gt()
    {
        let message = format!("`modified` ({modified}) is before `created` ({created})");
        sink.report(Severity::Error, Code::TimeOrder, &path.member("modified"), "S-042", message);
    }
}

fn check_id(
    value: Value<'_>,
    id: &str,
    named: &str,
    object_type: &str,
    class: Option<Class>,
    path: &Path<'_>,
    sink: &mut Sink,
) {
    let place = path.member("id");
    if named != object_type {
        let message = format!("the identifier names the type `{named}`, the object is a `{object_type}`");
        sink.report(Severity::Error, Code::IdentifierType, &place, "S-012", message);
        return;
    }
    let version = id.as_bytes()[id.len() - 22];
    match class {
        Some(Class::Sco) if version == b'5' => {
            let Ok(ScoId::Deterministic { id: expected, .. }) = sco_id(value) else { return };
            if expected.as_str() != id {
                let message =
                    "this UUIDv5 does not follow from the content, so others cannot recognise the object";
                let finding =
                    sink.report(Severity::Warning, Code::IdentifierContent, &place, "S-060", message);
                finding.fix(format!("use {expected}"));
            }
        }
        Some(Class::Sdo | Class::Sro | Class::Meta) if version != b'4' => {
            let message = "the identifier of such an object should be a random UUID (version 4)";
            sink.report(Severity::Warning, Code::Identifier, &place, "S-014", message);
        }
        _ => {}
    }
}

/// The class that an extension gives to a type of its own (section 7.3.2).
fn class_by_extension(value: Value<'_>) -> Option<Class> {
    let extensions = value.get("extensions")?;
    extensions.members().find_map(|(_, extension)| {
        Some(match &*extension.get("extension_type")?.as_str()? {
            "new-sdo" => Class::Sdo,
            "new-sro" => Class::Sro,
            "new-sco" => Class::Sco,
            _ => return None,
        })
    })
}

/// A type that the standard does not define (sections 7.3 and 11.2).
fn custom_object(value: Value<'_>, object_type: &str, path: &Path<'_>, sink: &mut Sink) {
    if !id::is_type_name(object_type) {
        let message = "the name of a type has 3 to 250 characters a-z, 0-9 and single hyphens, and begins with a letter";
        sink.report(Severity::Error, Code::TypeName, &path.member("type"), "S-151", message);
    }
    let class = class_by_extension(value);
    if class.is_none() {
        let message = format!("`{object_type}` is no type of the standard, and no extension defines it");
        let finding =
            sink.report(Severity::Warning, Code::Deprecated, &path.member("type"), "S-151", message);
        finding.fix("define the type in an extension-definition and name it in `extensions`");
    }
    // Nothing says of what class a type without extension is; an object without any time is taken for an observable.
    let has_time = ["created", "modified"].iter().any(|name| value.get(name).is_some());
    let is_observable = class == Some(Class::Sco) || (class.is_none() && !has_time);
    let table = if is_observable { common::ScoCommon::PROPERTIES } else { common::Common::PROPERTIES };
    for (name, member) in value.members() {
        let place = path.member(&name);
        match table.iter().find(|property| property.name == name) {
            Some(Property { shape, .. }) => check_shape(member, shape, &place, sink),
            None => part::custom_property(&name, member, &place, sink),
        }
    }
    for property in table.iter().filter(|property| property.presence == schema::Presence::Required) {
        if value.get(property.name).is_some() {
            continue;
        }
        // The standard's own example of a custom object (section 11.2.1) has no `spec_version`.
        let is_let_pass = property.name == "spec_version" && class.is_none();
        let severity = if is_let_pass { Severity::Warning } else { Severity::Error };
        let message = format!("the required property `{}` is missing", property.name);
        sink.report(severity, Code::PropertyMissing, path, "S-143", message);
    }
}

/// Properties that nobody defined work, but others cannot know what they mean (section 11.1).
fn warn_of_custom_properties(value: Value<'_>, schema: Option<&Schema>, path: &Path<'_>, sink: &mut Sink) {
    let brings_properties = || {
        let extensions = value.get("extensions").into_iter().flat_map(Value::members);
        extensions
            .filter_map(|(_, extension)| extension.get("extension_type")?.as_str())
            .any(|kind| kind == "toplevel-property-extension")
    };
    let is_custom = |name: &str| {
        schema.is_some_and(|schema| schema.property(name).is_none()) && !common::is_common_name(name)
    };
    let mut custom = value.members().map(|(name, _)| name).filter(|name| is_custom(name)).peekable();
    if custom.peek().is_none() || brings_properties() {
        return;
    }
    let first = custom.next().unwrap_or_default();
    let rest: String = custom.map(|name| format!(", `{name}`")).collect();
    let message = format!("defined by neither the standard nor an extension: `{first}`{rest}");
    let finding =
        sink.report(Severity::Warning, Code::PropertyCustom, &path.member(&first), "S-150", message);
    finding.fix("define them in an extension-definition and name that in `extensions`");
}

fn check_markings(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    let own_id = || value.get("id").and_then(Value::as_str);
    let granular = value.get("granular_markings");
    let whole = value.get("object_marking_refs").into_iter().flat_map(Value::elements);
    let parts =
        granular.into_iter().flat_map(Value::elements).filter_map(|marking| marking.get("marking_ref"));
    if value.get("type").is_some_and(|found| found.raw() == "\"marking-definition\"") {
        let refers_to_itself = whole.chain(parts).any(|marking| marking.as_str() == own_id());
        if refers_to_itself {
            let message = "a marking does not mark itself";
            sink.report(Severity::Error, Code::Marking, path, "S-048", message);
        }
    }
    let Some(granular) = granular else { return };
    let list = path.member("granular_markings");
    for (index, marking) in granular.elements().enumerate() {
        let marking_path = list.element(index);
        let selectors_path = marking_path.member("selectors");
        let selectors = marking.get("selectors").into_iter().flat_map(Value::elements);
        for (at, selector) in selectors.enumerate() {
            let Some(text) = selector.as_str() else { continue };
            check_selector(value, &text, &selectors_path.element(at), sink);
        }
    }
}

fn check_selector(object: Value<'_>, text: &str, path: &Path<'_>, sink: &mut Sink) {
    match text.parse::<Selector>() {
        Err(error) => {
            sink.report(Severity::Error, Code::Selector, path, "S-116", error.to_string());
        }
        Ok(selector) if selector.resolve(object).is_err() => {
            let message = format!("`{text}` selects nothing that this object has");
            sink.report(Severity::Error, Code::Selector, path, "S-116", message);
        }
        Ok(_) => {}
    }
}
