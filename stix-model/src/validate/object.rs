//! One whole object: what holds for every type, then the table of its own.

use super::kind::wrong_kind;
use super::shape::{self, Strictness};
use super::subject::{Sink, Subject};
use super::{custom, extension};
use crate::class::Class;
use crate::finding::{Code, Finding, Severity};
use crate::json::{Kind, Path, Value};
use crate::marking::Selector;
use crate::model::common;
use crate::registry;
use crate::schema::rule::Rule;
use crate::schema::table::Schema;
use crate::{MAX_CONTENT_LENGTH, ScoId, StixId, id, marking, refs, sco_id};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Checks one object that stands outside a bundle or in its `objects`.
pub(crate) fn check(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return wrong_kind(Kind::Object, value, Rule::S041, path, sink);
    }
    let Some(object_type) = value.get("type").and_then(Value::as_str) else {
        let message = "an object says what it is in the string property `type`";
        sink.report(Severity::Error, Code::PropertyMissing, path, Rule::S041, message);
        return;
    };
    if object_type == "bundle" {
        let message = "a bundle is not a STIX object and stands in no other bundle";
        sink.report(Severity::Error, Code::TypeName, &path.member("type"), Rule::S101, message);
        return;
    }
    let (schema, class) = match registry::of(&object_type) {
        Some(schema) => (schema, Some(schema.class)),
        None => {
            let class = class_by_extension(value.get("extensions"));
            check_custom_type(value, &object_type, class, path, sink);
            (custom_schema(value, class), class)
        }
    };
    let mut subject = shape::walk(value, schema, *path, sink);
    let id = subject.text("id");
    check_head(&id, &object_type, class, &mut subject);
    // The table of extension-definition has none.
    let extensions =
        if class == Some(Class::Meta) { value.get("extensions") } else { subject.get("extensions") };
    if let Some(extensions) = extensions {
        let known = Some(schema).filter(|schema| !schema.name.is_empty());
        if known.is_some() && class_by_extension(Some(extensions)).is_some() {
            let message = format!("an extension does not redefine `{object_type}`, a type of the standard");
            subject.must(Code::Extension, "extensions", Rule::S140, message);
        }
        extension::check(extensions, known, &path.member("extensions"), subject.sink);
    }
    if let Some(container) = subject.get("objects") {
        check_container(container, &path.member("objects"), subject.sink);
    }
    if !schema.name.is_empty() {
        warn_of_custom_properties(&mut subject);
    }
    if schema.name.is_empty() && class.is_some() && subject.slots.custom.is_empty() {
        let message = "an object of a new type has at least one property of its own";
        subject.must(Code::PropertyMissing, "", Rule::S143, message);
    }
    check_markings(&object_type, &mut subject);
    warn_of_size(value, path, sink);
}

/// A limit that no standard sets.
fn warn_of_size(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    let envelope = value.raw().len() + r#"{"objects":[]}"#.len();
    if envelope > MAX_CONTENT_LENGTH {
        let message = format!(
            "with its envelope the object has {envelope} bytes; a Concord server takes {MAX_CONTENT_LENGTH} unless its \
             operator raises `max_content_length`"
        );
        sink.report(Severity::Warning, Code::TooLarge, path, None, message);
    }
}

/// Nothing says of what class a type without extension is; an object without any time is taken for an observable.
fn custom_schema(value: Value<'_>, class: Option<Class>) -> &'static Schema {
    match class {
        Some(Class::Sco) => &common::OBSERVABLE,
        Some(_) => &common::DEFINED_OBJECT,
        None if has_time(value) => &common::CUSTOM_OBJECT,
        None => &common::OBSERVABLE,
    }
}

/// `objects` of observed-data (section 2.13, deprecated): objects under local names. Recursion ends with the nesting that
/// the reader let through.
fn check_container(value: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    if value.kind() != Kind::Object {
        return;
    }
    let message = "`objects` is deprecated; send the observables as objects and name them in `object_refs`";
    sink.report(Severity::Warning, Code::Deprecated, path, Rule::S022, message);
    if value.members().next().is_none() {
        sink.report(Severity::Error, Code::Empty, path, Rule::S022, "a dictionary must not be empty");
    }
    for (key, contained) in value.members() {
        check_contained(contained, value, &path.member(&key), sink);
    }
}

/// An observable in the deprecated container: like any other, but its references name keys of the container.
fn check_contained(value: Value<'_>, container: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    sink.only(counts_in_container, |sink| check(value, path, sink));
    let object_type = value.get("type").and_then(Value::as_str);
    if object_type.as_deref().and_then(Class::of).is_some_and(|class| class != Class::Sco) {
        let message = "only cyber-observable objects stand in an observable container";
        sink.report(Severity::Error, Code::ReferenceType, path, Rule::S022, message);
    }
    check_keys(value, container, path, sink);
}

/// Checks that the references in a value name keys of a container.
fn check_keys(value: Value<'_>, container: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    refs::visit(value, path, |key, place| {
        let is_missing = key.as_str().is_some_and(|key| container.get(&key).is_none());
        if is_missing && names_key(place.name()) {
            let message = "must name another object of this container by its key";
            sink.report(Severity::Error, Code::ReferenceMissing, place, Rule::S022, message);
        }
    });
}

/// Whether a reference of this name is a key of its container: creators and markings are not in there.
fn names_key(name: &str) -> bool {
    let is_outside = matches!(name, "created_by_ref" | "object_marking_refs" | "marking_ref");
    refs::is_reference(name) && !is_outside
}

/// Whether a finding counts where references are keys. The identifier of an observable follows from the identifiers
/// that it refers to, so there it follows from nothing.
fn counts_in_container(finding: &Finding) -> bool {
    let name = finding.pointer.rsplit('/').find(|step| step.parse::<usize>().is_err()).unwrap_or_default();
    match finding.code {
        Code::Identifier | Code::ReferenceType => !names_key(name),
        code => code != Code::IdentifierContent,
    }
}

fn check_head(
    id: &Option<Cow<'_, str>>,
    object_type: &str,
    class: Option<Class>,
    subject: &mut Subject<'_, '_>,
) {
    if subject.text("spec_version").is_some_and(|version| version != "2.1") {
        let message = "this is checked as STIX 2.1, so `spec_version` must be \"2.1\"";
        subject.must(Code::SpecVersion, "spec_version", Rule::S040, message);
    }
    if let Some(id) = id
        && let Ok(named) = StixId::check(id)
    {
        check_id(id, named, object_type, class, subject);
    }
    shape::order("created", "modified", Rule::S042, Strictness::MayBeEqual, subject);
}

fn check_id(id: &str, named: &str, object_type: &str, class: Option<Class>, subject: &mut Subject<'_, '_>) {
    if named != object_type {
        let message = format!("the identifier names the type `{named}`, the object is a `{object_type}`");
        subject.must(Code::IdentifierType, "id", Rule::S012, message);
        return;
    }
    let version = id::uuid_version(id);
    match class {
        Some(Class::Sco) if version == b'5' => check_content_id(id, subject),
        Some(Class::Sdo | Class::Sro | Class::Meta) if version != b'4' => {
            let message = "the identifier of such an object should be a random UUID (version 4)";
            subject.should(Code::Identifier, "id", Rule::S014, message);
        }
        _ => {}
    }
}

/// A UUIDv5 of an observable: it follows from the content, or is none at all.
fn check_content_id(id: &str, subject: &mut Subject<'_, '_>) {
    let is_versioned = subject.value.get("created").or(subject.value.get("modified")).is_some();
    match sco_id::of_content(subject.value) {
        Ok(ScoId::Deterministic { id: expected, .. }) if is_versioned && expected.as_str() == id => {
            let message = "an observable with versions has an identifier of its own, not that of its content";
            subject
                .must(Code::IdentifierContent, "id", Rule::S066, message)
                .fix("use a random UUID (version 4)");
        }
        Ok(ScoId::Deterministic { id: expected, .. }) if !is_versioned && expected.as_str() != id => {
            let message =
                "this UUIDv5 does not follow from the content, so others cannot recognise the object";
            subject.should(Code::IdentifierContent, "id", Rule::S060, message).fix(format!("use {expected}"));
        }
        Ok(ScoId::Random) => {
            let message =
                "nothing in this object tells it from others, so its identifier is a random UUID (version 4)";
            subject.must(Code::IdentifierContent, "id", Rule::S061, message);
        }
        _ => {}
    }
}

/// The class of an object of any type: that of the standard or of an extension. One of neither that has no time is taken
/// for an observable, other ones have no class.
pub(crate) fn class_of(value: Value<'_>, object_type: &str) -> Option<Class> {
    let own = Class::of(object_type).or_else(|| class_by_extension(value.get("extensions")));
    own.or_else(|| (!has_time(value)).then_some(Class::Sco))
}

fn has_time(value: Value<'_>) -> bool {
    ["created", "modified"].iter().any(|name| value.get(name).is_some())
}

/// The class that an extension gives to a type of its own (section 7.3.2).
fn class_by_extension(extensions: Option<Value<'_>>) -> Option<Class> {
    custom::extension_types(extensions).find_map(|kind| match &*kind {
        "new-sdo" => Some(Class::Sdo),
        "new-sro" => Some(Class::Sro),
        "new-sco" => Some(Class::Sco),
        _ => None,
    })
}

/// A type that the standard does not define (sections 7.3 and 11.2).
fn check_custom_type(
    value: Value<'_>,
    object_type: &str,
    class: Option<Class>,
    path: &Path<'_>,
    sink: &mut Sink,
) {
    let place = path.member("type");
    if !id::is_type_name(object_type) {
        let message = "the name of a type has 3 to 250 characters a-z, 0-9 and single hyphens, and begins with a letter";
        let rule = if class.is_some() { Rule::S145 } else { Rule::S151 };
        sink.report(Severity::Error, Code::TypeName, &place, rule, message);
    }
    if class.is_none() && value.get("extensions").is_none() {
        let message = format!("`{object_type}` is no type of the standard, and no extension defines it");
        let finding = sink.report(Severity::Warning, Code::Deprecated, &place, Rule::S151, message);
        finding.fix("define the type in an extension-definition and name it in `extensions`");
    }
}

/// Properties that nobody defined work, but others cannot know what they mean (section 11.1).
fn warn_of_custom_properties(subject: &mut Subject<'_, '_>) {
    let names = std::mem::take(&mut subject.slots.custom);
    let Some(first) = names.first() else { return };
    let mut types = custom::extension_types(subject.get("extensions"));
    if types.any(|kind| kind == "toplevel-property-extension") {
        return;
    }
    const SHOWN: usize = 10;
    let more = names.len().saturating_sub(SHOWN);
    let mut message = String::with_capacity(128);
    message.push_str("defined by neither the standard nor an extension: ");
    for (index, name) in names[..names.len() - more].iter().enumerate() {
        message.push_str(if index > 0 { ", `" } else { "`" });
        message.push_str(name);
        message.push('`');
    }
    if more > 0 {
        write!(message, " and {more} more").expect("a String takes every write");
    }
    // Not searched for in the object: it was just found there.
    let object = subject.path;
    let place = if first.is_empty() { object } else { object.member(first) };
    let finding = subject.sink.report(Severity::Warning, Code::PropertyCustom, &place, Rule::S150, message);
    finding.fix("define them in an extension-definition and name that in `extensions`");
}

fn check_markings(object_type: &str, subject: &mut Subject<'_, '_>) {
    let granular = subject.get("granular_markings");
    if object_type == "marking-definition" {
        let id = subject.text("id");
        let refers_to_itself = marking::refs(subject.value).any(|marking| Some(marking) == id);
        if refers_to_itself {
            subject.must(Code::Marking, "", Rule::S048, "a marking does not mark itself");
        }
    }
    let Some(granular) = granular else { return };
    let object = subject.path;
    let list = object.member("granular_markings");
    for (index, marking) in granular.elements().enumerate() {
        let marking_path = list.element(index);
        let selectors_path = marking_path.member("selectors");
        let selectors = marking.get("selectors").into_iter().flat_map(Value::elements);
        for (at, selector) in selectors.enumerate() {
            let Some(text) = selector.as_str() else { continue };
            check_selector(subject.value, &text, &selectors_path.element(at), subject.sink);
        }
    }
}

fn check_selector(object: Value<'_>, text: &str, path: &Path<'_>, sink: &mut Sink) {
    match text.parse::<Selector>() {
        Err(error) => {
            sink.report(Severity::Error, Code::Selector, path, Rule::S116, error.to_string());
        }
        Ok(selector) if selector.resolve(object).is_err() => {
            let message = format!("`{text}` selects nothing that this object has");
            sink.report(Severity::Error, Code::Selector, path, Rule::S116, message);
        }
        Ok(_) => {}
    }
}
