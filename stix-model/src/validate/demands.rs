//! What a profile demands of objects and bundles beyond the standard.

use super::object;
use super::profile::Profile;
use super::subject::Sink;
use crate::class::Class;
use crate::finding::{Code, Severity};
use crate::json::{Path, Value};
use crate::schema::rule::Rule;
use crate::{StixId, Timestamp, Tlp, refs};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Whether an object stands for itself or is only there because another refers to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Own,
    /// Such an object has to satisfy the standard only (interoperability document, section 2.3).
    Referred,
}

/// The properties that producers give in each use case of the interoperability document (section 3), beyond those that
/// the standard requires.
const USE_CASES: [(&str, &[&str]); 19] = [
    ("attack-pattern", &["external_references", "kill_chain_phases"]),
    ("campaign", &[]),
    ("course-of-action", &[]),
    ("grouping", &[]),
    ("indicator", &["name", "indicator_types"]),
    ("infrastructure", &["infrastructure_types"]),
    ("intrusion-set", &["resource_level", "primary_motivation"]),
    ("location", &["region"]),
    ("malware-analysis", &["version", "submitted", "analysis_started", "analysis_ended", "result"]),
    (
        "malware",
        &[
            "name",
            "malware_types",
            "capabilities",
            "first_seen",
            "last_seen",
            "implementation_languages",
            "architecture_execution_envs",
        ],
    ),
    ("note", &[]),
    ("observed-data", &["object_refs"]),
    ("opinion", &[]),
    ("relationship", &[]),
    ("report", &["report_types"]),
    ("sighting", &["count", "first_seen", "last_seen"]),
    (
        "threat-actor",
        &["threat_actor_types", "roles", "sophistication", "resource_level", "primary_motivation"],
    ),
    ("tool", &["tool_types"]),
    ("vulnerability", &["external_references"]),
];

/// Checks what the profile asks of one object.
pub(crate) fn check_object(profile: Profile, value: Value<'_>, role: Role, path: &Path<'_>, sink: &mut Sink) {
    if profile == Profile::Stix {
        return;
    }
    let object_type = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let class = object::class_of(value, &object_type);
    if class == Some(Class::Sco) {
        return;
    }
    if profile == Profile::Interop {
        check_use_case(&object_type, value, role, path, sink);
    }
    let needs_creator = matches!(class, Some(Class::Sdo | Class::Sro) | None);
    if needs_creator && value.get("created_by_ref").is_none() {
        let message = "the object does not name its creator in `created_by_ref`";
        sink.report(Severity::Error, Code::Profile, path, Rule::I003, message);
    }
    let markings = value.get("object_marking_refs").into_iter().flat_map(Value::elements);
    let levels = markings.filter_map(|id| Tlp::of_marking(&id.as_str()?)).count();
    if levels > 1 {
        let message = "the object has more than one TLP marking";
        sink.report(Severity::Error, Code::Profile, &path.member("object_marking_refs"), Rule::I014, message);
    }
    let needs_level = profile == Profile::Strict && object_type != "marking-definition";
    if needs_level && levels == 0 {
        let message = "the object has no TLP marking, so nobody knows with whom it may be shared";
        let finding = sink.report(Severity::Error, Code::Profile, path, Rule::I014, message);
        finding.fix("add the marking-definition of the level to `object_marking_refs`");
    }
}

fn check_use_case(object_type: &str, value: Value<'_>, role: Role, path: &Path<'_>, sink: &mut Sink) {
    for name in ["created", "modified"] {
        let Some(text) = value.get(name).and_then(Value::as_str) else { continue };
        if text.parse::<Timestamp>().is_ok_and(|time| time.fraction_digits() > 3) {
            let message = "producers give times to the millisecond";
            sink.report(Severity::Warning, Code::Profile, &path.member(name), Rule::I005, message);
        }
    }
    let is_creator = object_type == "identity";
    let row = USE_CASES.iter().find(|(known, _)| *known == object_type);
    let required: &[&str] = match row {
        Some((_, required)) if role == Role::Own => required,
        _ if is_creator => &["identity_class"],
        _ => &[],
    };
    for name in required.iter().filter(|name| value.get(name).is_none()) {
        let message = format!("the use case needs `{name}`, which the standard leaves open");
        let rule = if is_creator { Rule::I004 } else { Rule::I002 };
        sink.report(Severity::Error, Code::Profile, path, rule, message);
    }
}

/// Who is referred to by others of a bundle; the source of a relationship is what the relationship is about.
pub(crate) fn referred<'d>(profile: Profile, objects: Value<'d>) -> BTreeSet<Cow<'d, str>> {
    let mut referred = BTreeSet::new();
    if profile != Profile::Interop {
        return referred;
    }
    for object in objects.elements() {
        refs::visit(object, &Path::root(None), |id, place| {
            if place.name() != "source_ref" {
                referred.extend(identifier(id));
            }
        });
    }
    referred
}

/// Checks that a bundle holds all that its objects refer to (interoperability document, section 2.3).
pub(crate) fn check_bundle(profile: Profile, objects: Value<'_>, sink: &mut Sink) {
    if profile != Profile::Interop {
        return;
    }
    let present: BTreeSet<_> = objects.elements().filter_map(|object| object.get("id")?.as_str()).collect();
    for (index, object) in objects.elements().enumerate() {
        refs::visit(object, &Path::root(Some(index)), |id, place| {
            let Some(id) = identifier(id) else { return };
            if Tlp::of_marking(&id).is_none() && !present.contains(&id) {
                let message = format!("{id} is not in the bundle");
                sink.report(Severity::Error, Code::ReferenceMissing, place, Rule::I006, message);
            }
        });
    }
}

fn identifier(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.as_str().filter(|id| StixId::check(id).is_ok())
}
