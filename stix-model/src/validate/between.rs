//! What holds between the objects of one bundle, as far as they are there: references may lead outside.

use super::finding::{Code, Severity};
use super::path::Path;
use super::subject::Sink;
use super::translation;
use crate::id;
use crate::json::{Kind, Value};
use crate::schema::rule::Rule;
use crate::version::is_same_content;
use crate::{StixId, Timestamp, marking};
use std::borrow::Cow;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One object with an identifier.
pub(super) struct Member<'d> {
    pub(super) index: usize,
    uuid: u128,
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

/// The objects of a bundle, sorted by UUID (which tells them apart soonest), identifier and place.
pub(super) struct Members<'d>(Vec<Member<'d>>);

impl<'d> Members<'d> {
    fn of(objects: Value<'d>) -> Self {
        let members = objects.elements().enumerate().filter_map(|(index, value)| {
            let id = value.get("id")?.as_str()?;
            Some(Member { index, uuid: uuid(&id)?, id, value })
        });
        let mut members: Vec<_> = members.collect();
        let order = |a: &Member<'_>, b: &Member<'_>| {
            a.uuid.cmp(&b.uuid).then_with(|| a.id.cmp(&b.id)).then(a.index.cmp(&b.index))
        };
        members.sort_unstable_by(order);
        Self(members)
    }

    fn position(&self, id: &str) -> Option<usize> {
        let uuid = uuid(id)?;
        let first = self.0.partition_point(|member| member.uuid < uuid);
        let same = self.0[first..].iter().take_while(|member| member.uuid == uuid);
        same.into_iter().position(|member| member.id == id).map(|at| first + at)
    }

    /// All versions of an object.
    pub(super) fn versions(&self, id: &str) -> &[Member<'d>] {
        let Some(start) = self.position(id) else { return &[] };
        let length = self.0[start..].iter().take_while(|member| member.id == id).count();
        &self.0[start..start + length]
    }

    /// The latest version of an object (section 3.6: what a reference means).
    pub(super) fn latest(&self, id: &str) -> Option<&Member<'d>> {
        let modified = |member: &&Member<'_>| member.text("modified")?.parse::<Timestamp>().ok();
        self.versions(id).iter().max_by_key(modified)
    }
}

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

fn uuid(id: &str) -> Option<u128> {
    let object_type = StixId::check(id).ok()?;
    Uuid::try_parse(&id[object_type.len() + 2..]).ok().map(|uuid| uuid.as_u128())
}

/// One version of an object has one content (section 3.6.2).
fn check_versions(versions: &[Member<'_>], sink: &mut Sink) {
    let mut known: BTreeMap<Timestamp, Value<'_>> = BTreeMap::new();
    for version in versions {
        let Some(Ok(modified)) = version.text("modified").map(|text| text.parse()) else { continue };
        let first = *known.entry(modified).or_insert(version.value);
        if !is_same_content(first, version.value) {
            let id = &version.id;
            let message =
                format!("another object of this bundle is {id} of the same time with other content");
            sink.report(
                Severity::Error,
                Code::VersionConflict,
                &Path::root(Some(version.index)),
                Rule::S084,
                message,
            );
        }
    }
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
    let mut known: BTreeMap<_, (String, &str)> = BTreeMap::new();
    for sample in samples {
        let hashes = sample.value.get("hashes").into_iter().flat_map(Value::members);
        for (algorithm, hash) in hashes.filter(|(name, _)| CRYPTOGRAPHIC.contains(&&**name)) {
            let Some(hash) = hash.as_str() else { continue };
            let (first, owner) =
                known.entry(algorithm.clone()).or_insert_with(|| (hash.to_ascii_lowercase(), &sample.id));
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

/// What kind of thing a value is, for messages.
pub(super) fn describe(value: Value<'_>) -> String {
    match value.kind() {
        Kind::Array => format!("a list of {}", value.elements().count()),
        kind => kind.name().to_owned(),
    }
}
