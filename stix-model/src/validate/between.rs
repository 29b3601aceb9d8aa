//! What holds between the objects of one bundle, as far as they are there: references may lead outside.

use super::finding::{Code, Severity};
use super::path::Path;
use super::subject::Sink;
use super::translation;
use crate::json::{Kind, Value};
use crate::version::content_digest;
use crate::{StixId, Timestamp};
use hashbrown::HashMap;
use std::borrow::Cow;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One object with an identifier.
pub(super) struct Member<'d> {
    pub(super) index: usize,
    pub(super) id: Cow<'d, str>,
    pub(super) value: Value<'d>,
}

impl<'d> Member<'d> {
    pub(super) fn text(&self, name: &str) -> Option<Cow<'d, str>> {
        self.value.get(name)?.as_str()
    }

    fn is(&self, object_type: &str) -> bool {
        self.id.strip_prefix(object_type).is_some_and(|rest| rest.starts_with("--"))
    }
}

/// The objects of a bundle, sorted by identifier.
pub(super) struct Members<'d>(Vec<Member<'d>>);

impl<'d> Members<'d> {
    fn of(objects: Value<'d>) -> Self {
        let members = objects.elements().enumerate().filter_map(|(index, value)| {
            let id = value.get("id")?.as_str()?;
            StixId::check(&id).ok()?;
            Some(Member { index, id, value })
        });
        let mut members: Vec<_> = members.collect();
        members.sort_by(|a, b| a.id.cmp(&b.id));
        Self(members)
    }

    fn position(&self, id: &str) -> Option<usize> {
        let at = self.0.partition_point(|member| *member.id < *id);
        self.0.get(at).filter(|member| member.id == id).map(|_| at)
    }

    /// All versions of an object.
    pub(super) fn versions(&self, id: &str) -> &[Member<'d>] {
        let start = self.0.partition_point(|member| *member.id < *id);
        let length = self.0[start..].iter().take_while(|member| member.id == id).count();
        &self.0[start..start + length]
    }

    /// The latest version of an object (section 3.6: what a reference means).
    pub(super) fn latest(&self, id: &str) -> Option<&Member<'d>> {
        let modified = |member: &&Member<'_>| member.text("modified")?.parse::<Timestamp>().ok();
        self.versions(id).iter().max_by_key(modified)
    }
}

pub(super) fn check(objects: Value<'_>, list: &Path<'_>, sink: &mut Sink) {
    let mut versions = HashMap::new();
    for (index, value) in objects.elements().enumerate() {
        check_version(value, &list.element(index), &mut versions, sink);
    }
    let members = Members::of(objects);
    check_uuids(&members, list, sink);
    check_circles(&members, list, sink);
    for member in &members.0 {
        if member.is("language-content") {
            translation::check(member, &members, list, sink);
        } else if member.is("relationship") {
            check_variant(member, &members, list, sink);
        } else if member.is("malware") {
            check_samples(member, &members, list, sink);
        }
    }
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

/// Section 2.9: no producer has one UUID for objects of two types. A warning, because the objects of two producers may
/// meet in a bundle. A UUIDv5 says what is in an observable, and two types may say the same.
fn check_uuids(members: &Members<'_>, list: &Path<'_>, sink: &mut Sink) {
    let mut types = HashMap::with_capacity(members.0.len());
    for member in &members.0 {
        let Some((object_type, uuid)) = member.id.split_once("--") else { continue };
        let Ok(uuid) = Uuid::try_parse(uuid) else { continue };
        if uuid.get_version_num() == 5 {
            continue;
        }
        let other = *types.entry(uuid).or_insert(object_type);
        if other != object_type {
            let message = format!("an object of another type, a `{other}`, has the same UUID");
            let place = list.element(member.index);
            sink.report(Severity::Warning, Code::Identifier, &place.member("id"), "S-013", message);
        }
    }
}

/// Section 3.2: a marking does not mark itself through others.
fn check_circles(members: &Members<'_>, list: &Path<'_>, sink: &mut Sink) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        Unseen,
        Open,
        Done,
    }
    let targets = |at: usize| {
        let value = members.0[at].value;
        let whole = value.get("object_marking_refs").into_iter().flat_map(Value::elements);
        let parts = value.get("granular_markings").into_iter().flat_map(Value::elements);
        let ids = whole.chain(parts.filter_map(|part| part.get("marking_ref"))).filter_map(Value::as_str);
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
                    let place = list.element(members.0[at].index);
                    sink.report(Severity::Error, Code::Marking, &place, "S-048", message);
                }
            }
        }
    }
}

/// Section 4.11: a family is not a variant of one of its samples.
fn check_variant(relationship: &Member<'_>, members: &Members<'_>, list: &Path<'_>, sink: &mut Sink) {
    if relationship.text("relationship_type").is_none_or(|kind| kind != "variant-of") {
        return;
    }
    let is_family = |end: &str| {
        let malware = members.latest(&relationship.text(end)?)?;
        malware.value.get("is_family")?.as_bool()
    };
    if is_family("source_ref") == Some(true) && is_family("target_ref") == Some(false) {
        let message = "a malware family is never a variant of a malware instance";
        sink.report(Severity::Error, Code::Relationship, &list.element(relationship.index), "S-166", message);
    }
}

/// Section 4.11: the samples of one instance are the same bytes.
fn check_samples(malware: &Member<'_>, members: &Members<'_>, list: &Path<'_>, sink: &mut Sink) {
    const CRYPTOGRAPHIC: [&str; 6] = ["MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256", "SHA3-512"];
    if malware.value.get("is_family").and_then(Value::as_bool) != Some(false) {
        return;
    }
    let ids =
        malware.value.get("sample_refs").into_iter().flat_map(Value::elements).filter_map(Value::as_str);
    let samples = ids.filter_map(|id| members.latest(&id));
    // What is encrypted has other bytes than what is meant.
    let samples = samples.filter(|sample| sample.value.get("encryption_algorithm").is_none());
    let mut known: BTreeMap<_, (String, &str)> = BTreeMap::new();
    for sample in samples {
        let hashes = sample.value.get("hashes").into_iter().flat_map(Value::members);
        for (algorithm, hash) in hashes.filter(|(name, _)| CRYPTOGRAPHIC.contains(&&**name)) {
            let Some(hash) = hash.as_str() else { continue };
            let (first, owner) =
                known.entry(algorithm.clone()).or_insert_with(|| (hash.to_ascii_lowercase(), &sample.id));
            if !first.eq_ignore_ascii_case(&hash) {
                let message = format!("{owner} and {} have different {algorithm} values", sample.id);
                let place = list.element(malware.index);
                let place = place.member("sample_refs");
                sink.report(Severity::Error, Code::PropertyConflict, &place, "S-203", message);
                return;
            }
        }
    }
}

/// What kind of thing a value is, for messages.
pub(super) fn describe(value: Value<'_>) -> String {
    match value.kind() {
        Kind::Array => format!("a list of {}", value.elements().count()),
        kind => kind.name().to_owned(),
    }
}
