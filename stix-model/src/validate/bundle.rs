//! A bundle (STIX 2.1, section 8).

use super::demands::{self, Role};
use super::kind::wrong_kind;
use super::shape::check_shape;
use super::subject::Sink;
use super::{Validator, between, custom};
use crate::StixId;
use crate::finding::{Code, Severity};
use crate::id::uuid_version;
use crate::json::{Kind, Path, Value};
use crate::model::common;
use crate::schema::rule::Rule;
use crate::schema::table::Shape;

pub(crate) fn check(validator: &Validator, bundle: Value<'_>, sink: &mut Sink) {
    let root = Path::root(None);
    check_id(bundle.get("id"), &root, sink);
    let parent = custom::Parent::new(bundle);
    for (name, value) in bundle.members() {
        let place = root.member(&name);
        match &*name {
            "type" | "id" | "objects" => {}
            "spec_version" if value.as_str().as_deref() == Some("2.0") => {
                let message = "this is a bundle of STIX 2.0, not STIX 2.1";
                sink.report(Severity::Warning, Code::SpecVersion, &place, Rule::S100, message)
                    .fix("convert it with `taxii convert`");
            }
            "spec_version" => {
                let message = "a bundle of STIX 2.1 has no `spec_version`; its objects have";
                sink.report(Severity::Warning, Code::PropertyClass, &place, Rule::S100, message);
            }
            name if common::find(name).is_some() => {
                let message = format!(
                    "`{name}` is a property of objects; on a bundle, which is none, it means nothing"
                );
                sink.report(Severity::Warning, Code::PropertyClass, &place, Rule::S100, message);
            }
            name => custom::custom_property(name, value, &parent, &place, sink),
        }
    }
    let Some(objects) = bundle.get("objects") else { return };
    let list = root.member("objects");
    if objects.kind() != Kind::Array {
        return wrong_kind(Kind::Array, objects, Rule::S100, &list, sink);
    }
    if objects.elements().next().is_none() {
        let message = "a list must not be empty";
        sink.report(Severity::Error, Code::Empty, &list, Rule::S100, message).fix("leave `objects` out");
    }
    check_objects(validator, objects, sink);
}

/// Checks the objects of a bundle, an envelope or a bare list, each by itself and against each other.
pub(crate) fn check_objects(validator: &Validator, objects: Value<'_>, sink: &mut Sink) {
    let referred = demands::referred(validator.profile, objects);
    for (index, value) in objects.elements().enumerate() {
        let is_referred = value.get("id").and_then(Value::as_str).is_some_and(|id| referred.contains(&id));
        let role = if is_referred { Role::Referred } else { Role::Own };
        validator.check_object(value, role, &Path::root(Some(index)), sink);
    }
    between::check(objects, sink);
    demands::check_bundle(validator.profile, objects, sink);
}

fn check_id(id: Option<Value<'_>>, bundle: &Path<'_>, sink: &mut Sink) {
    let Some(id) = id else {
        let message = "the required property `id` is missing";
        sink.report(Severity::Error, Code::PropertyMissing, bundle, Rule::S100, message);
        return;
    };
    let place = bundle.member("id");
    check_shape(id, &Shape::Identifier(&[]), &place, sink);
    let text = id.as_str().unwrap_or_default();
    let Ok(named) = StixId::check(&text) else { return };
    if named != "bundle" {
        let message = "the identifier of a bundle begins with `bundle--`";
        sink.report(Severity::Error, Code::IdentifierType, &place, Rule::S012, message);
    } else if uuid_version(&text) != b'4' {
        let message = "the identifier of a bundle should be a random UUID (version 4)";
        sink.report(Severity::Warning, Code::Identifier, &place, Rule::S014, message);
    }
}
