//! What holds between the objects of one bundle, as far as they are there: references may lead outside.

use super::members::{Member, Members};
use super::subject::Sink;
use super::translation;
use super::versions::{Fault, Seen};
use crate::finding::{Code, Severity};
use crate::id;
use crate::json::{Path, Value};
use crate::marking;
use crate::schema::rule::Rule;
use crate::version::{Decision, Facts};
use std::borrow::Cow;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) fn check(objects: Value<'_>, sink: &mut Sink) {
    let members = Members::of(objects);
    for run in members.0.chunk_by(|a, b| a.uuid == b.uuid).filter(|run| run.len() > 1) {
        check_uuid(run, sink);
        run.chunk_by(|a, b| a.id == b.id).for_each(|versions| check_versions(versions, sink));
    }
    check_circles(&members, sink);
    for member in &members.0 {
        if member.is("language-content") {
            translation::check(member, &members, sink);
        } else if member.is("relationship") {
            check_variant(member, &members, sink);
        } else if member.is("malware") {
            check_samples(member, &members, sink);
        }
    }
}

/// What the versions of one object say of each other (section 3.6), from the earliest on.
fn check_versions(versions: &[Member<'_>], sink: &mut Sink) {
    let [first, rest @ ..] = versions else { return };
    if rest.is_empty() {
        return;
    }
    let (mut last, mut seen) = (first, Seen::new(Facts::of_value(first.value)));
    for member in rest {
        let decision = seen.add(Facts::of_value(member.value));
        if decision.is_accepted() {
            last = member;
        } else {
            report_version(decision, member, last, sink);
        }
    }
}

#[cold]
fn report_version(decision: Decision, member: &Member<'_>, before: &Member<'_>, sink: &mut Sink) {
    let is_versioned = member.version.is_some() && before.version.is_some();
    let other = format!("object {}", before.index);
    let Some(fault) = Fault::of(decision, &member.id, is_versioned, &other) else { return };
    let place = Path::root(Some(member.index));
    let property = fault.property_of(member.value);
    let at = property.map(|name| place.member(name));
    let place = at.as_ref().unwrap_or(&place);
    sink.report(fault.severity, Code::VersionConflict, place, fault.rule, fault.message);
}

/// Section 2.9: no producer has one UUID for objects of two types. A warning, because the objects of two producers may
/// meet in a bundle. A UUIDv5 says what is in an observable, and two types may say the same.
fn check_uuid(members: &[Member<'_>], sink: &mut Sink) {
    let object_type = |member: &Member<'_>| id::named_type(&member.id).map(str::to_owned);
    let Some(first) = members.first().filter(|first| Uuid::from_u128(first.uuid).get_version_num() != 5)
    else {
        return;
    };
    for member in members.iter().filter(|member| object_type(member) != object_type(first)) {
        let other = object_type(first).unwrap_or_default();
        let message = format!("an object of another type, a `{other}`, has the same UUID");
        let place = Path::root(Some(member.index));
        sink.report(Severity::Warning, Code::Identifier, &place.member("id"), Rule::S013, message);
    }
}

/// Section 3.2: a marking does not mark itself through others.
fn check_circles(members: &Members<'_>, sink: &mut Sink) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        Unseen,
        Open,
        Done,
    }
    let targets = |at: usize| {
        let ids = marking::refs(members.0[at].value);
        // One that marks itself directly is reported with the object.
        ids.filter_map(|id| members.position(&id)).filter(move |target| *target != at).collect::<Vec<_>>()
    };
    let mut marks = vec![Mark::Unseen; members.0.len()];
    for start in 0..members.0.len() {
        if marks[start] != Mark::Unseen || !members.0[start].is("marking-definition") {
            continue;
        }
        marks[start] = Mark::Open;
        let mut way = vec![(start, targets(start))];
        while let Some((at, rest)) = way.last_mut() {
            let at = *at;
            let Some(next) = rest.pop() else {
                marks[at] = Mark::Done;
                way.pop();
                continue;
            };
            match marks[next] {
                Mark::Done => {}
                Mark::Unseen => {
                    marks[next] = Mark::Open;
                    way.push((next, targets(next)));
                }
                Mark::Open => {
                    let message =
                        format!("markings mark each other in a circle, through {}", members.0[next].id);
                    let place = Path::root(Some(members.0[at].index));
                    sink.report(Severity::Error, Code::Marking, &place, Rule::S048, message);
                }
            }
        }
    }
}

/// Section 4.11: a family is not a variant of one of its samples.
fn check_variant(relationship: &Member<'_>, members: &Members<'_>, sink: &mut Sink) {
    if relationship.text("relationship_type").is_none_or(|kind| kind != "variant-of") {
        return;
    }
    let is_family = |end: &str| {
        let malware = members.latest(&relationship.text(end)?)?;
        malware.value.get("is_family")?.as_bool()
    };
    if is_family("source_ref") == Some(true) && is_family("target_ref") == Some(false) {
        let message = "a malware family is never a variant of a malware instance";
        sink.report(
            Severity::Error,
            Code::Relationship,
            &Path::root(Some(relationship.index)),
            Rule::S166,
            message,
        );
    }
}

/// Section 4.11: the samples of one instance are the same bytes.
fn check_samples(malware: &Member<'_>, members: &Members<'_>, sink: &mut Sink) {
    const CRYPTOGRAPHIC: [&str; 6] = ["MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256", "SHA3-512"];
    if malware.value.get("is_family").and_then(Value::as_bool) != Some(false) {
        return;
    }
    let ids =
        malware.value.get("sample_refs").into_iter().flat_map(Value::elements).filter_map(Value::as_str);
    let samples = ids.filter_map(|id| members.latest(&id));
    // What is encrypted has other bytes than what is meant.
    let samples = samples.filter(|sample| sample.value.get("encryption_algorithm").is_none());
    let mut known: BTreeMap<_, (Cow<'_, str>, &str)> = BTreeMap::new();
    for sample in samples {
        let Some(hashes) = sample.value.get("hashes") else { continue };
        for algorithm in CRYPTOGRAPHIC {
            // A hash of another length is reported with the sample, and would be compared once for each reference.
            let hash = hashes.get(algorithm).filter(|hash| hash.raw().len() <= 200).and_then(Value::as_str);
            let Some(hash) = hash else { continue };
            let (first, owner) = known.entry(algorithm).or_insert_with(|| (hash.clone(), &sample.id));
            if !first.eq_ignore_ascii_case(&hash) {
                let message = format!("{owner} and {} have different {algorithm} values", sample.id);
                let place = Path::root(Some(malware.index));
                let place = place.member("sample_refs");
                sink.report(Severity::Error, Code::PropertyConflict, &place, Rule::S203, message);
                return;
            }
        }
    }
}
