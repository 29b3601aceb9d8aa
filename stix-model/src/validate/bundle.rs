//! A bundle (STIX 2.1, section 8), and what holds between the objects in it.

use super::finding::{Code, Severity};
use super::path::Path;
use super::profile::{self, Role};
use super::shape::wrong_kind;
use super::subject::Sink;
use super::{Validator, part};
use crate::json::{Kind, Value};
use crate::version::content_digest;
use crate::{StixId, Timestamp};
use hashbrown::HashMap;
use std::borrow::Cow;

pub(crate) fn check(validator: &Validator, bundle: Value<'_>, sink: &mut Sink) {
    let root = Path::root("");
    match bundle.get("id").map(|id| (id, id.as_str())) {
        None => {
            let message = "the required property `id` is missing";
            sink.report(Severity::Error, Code::PropertyMissing, &root, "S-100", message);
        }
        Some((id, None)) => wrong_kind(Kind::String, id, &root.member("id"), sink),
        Some((_, Some(id))) => match StixId::check(&id) {
            Err(error) => {
                sink.report(
                    Severity::Error,
                    Code::Identifier,
                    &root.member("id"),
                    "S-012",
                    error.to_string(),
                );
            }
            Ok(named) if named != "bundle" => {
                let message = "the identifier of a bundle begins with `bundle--`";
                sink.report(Severity::Error, Code::IdentifierType, &root.member("id"), "S-012", message);
            }
            Ok(_) => {}
        },
    }
    for (name, value) in bundle.members() {
        let place = root.member(&name);
        match &*name {
            "type" | "id" | "objects" => {}
            "spec_version" => {
                let message = "a bundle of STIX 2.1 has no `spec_version`; its objects have";
                sink.report(Severity::Warning, Code::PropertyClass, &place, "S-100", message);
            }
            name => part::custom_property(name, value, &place, sink),
        }
    }
    let Some(objects) = bundle.get("objects") else { return };
    let list = root.member("objects");
    if objects.kind() != Kind::Array {
        return wrong_kind(Kind::Array, objects, &list, sink);
    }
    if objects.elements().next().is_none() {
        let message = "a list must not be empty";
        sink.report(Severity::Error, Code::Empty, &list, "S-017", message).fix("leave `objects` out");
    }
    let mut versions = HashMap::new();
    let referred = profile::referred(validator.profile, objects);
    for (index, value) in objects.elements().enumerate() {
        let place = list.element(index);
        let is_referred = value.get("id").and_then(Value::as_str).is_some_and(|id| referred.contains(&id));
        let role = if is_referred { Role::Referred } else { Role::Subject };
        validator.check_object(value, role, &place, sink);
        check_version(value, &place, &mut versions, sink);
    }
    profile::check_bundle(validator.profile, objects, &list, sink);
}

/// The objects of a bundle by identifier and instant.
type Versions<'d> = HashMap<(Cow<'d, str>, Timestamp), Value<'d>>;

/// One version of an object has one content (section 3.6.2).
fn check_version<'d>(value: Value<'d>, path: &Path<'_>, versions: &mut Versions<'d>, sink: &mut Sink) {
    let text = |name| value.get(name).and_then(Value::as_str);
    let (Some(id), Some(modified)) = (text("id"), text("modified")) else { return };
    let Ok(modified) = modified.parse() else { return };
    let first = *versions.entry((id.clone(), modified)).or_insert(value);
    if first.range() != value.range() && content_digest(first) != content_digest(value) {
        let message = format!("another object of this bundle is {id} of the same time with other content");
        sink.report(Severity::Error, Code::VersionConflict, path, "S-084", message);
    }
}
