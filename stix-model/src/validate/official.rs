//! The official JSON schemas of OASIS, embedded (see `schemas/LICENSE`), each compiled when it is first needed.
//!
//! The property tables are at least as strict as these schemas, but where those go beyond the standard: tests hold them
//! against each other. So an object that passes the tables is not checked twice; one that does not is shown to the
//! schemas too, for what they add. Types that the standard does not define have no schema.

use super::subject::Sink;
use crate::finding::{Code, Severity};
use crate::json::{Path, Value, push_step};
use crate::schema::rule::Rule;
use jsonschema::{Retrieve, Uri};
use std::collections::BTreeSet;
use std::sync::OnceLock;

const SCHEMAS: [(&str, &str); 57] = [
    ("common/binary.json", include_str!("../../schemas/common/binary.json")),
    ("common/bundle.json", include_str!("../../schemas/common/bundle.json")),
    ("common/core.json", include_str!("../../schemas/common/core.json")),
    ("common/cyber-observable-core.json", include_str!("../../schemas/common/cyber-observable-core.json")),
    ("common/dictionary.json", include_str!("../../schemas/common/dictionary.json")),
    ("common/extension-definition.json", include_str!("../../schemas/common/extension-definition.json")),
    ("common/extension.json", include_str!("../../schemas/common/extension.json")),
    ("common/external-reference.json", include_str!("../../schemas/common/external-reference.json")),
    ("common/granular-marking.json", include_str!("../../schemas/common/granular-marking.json")),
    ("common/hashes-type.json", include_str!("../../schemas/common/hashes-type.json")),
    ("common/hex.json", include_str!("../../schemas/common/hex.json")),
    ("common/identifier.json", include_str!("../../schemas/common/identifier.json")),
    ("common/kill-chain-phase.json", include_str!("../../schemas/common/kill-chain-phase.json")),
    ("common/language-content.json", include_str!("../../schemas/common/language-content.json")),
    ("common/marking-definition.json", include_str!("../../schemas/common/marking-definition.json")),
    ("common/properties.json", include_str!("../../schemas/common/properties.json")),
    ("common/timestamp.json", include_str!("../../schemas/common/timestamp.json")),
    ("common/url-regex.json", include_str!("../../schemas/common/url-regex.json")),
    ("sdos/attack-pattern.json", include_str!("../../schemas/sdos/attack-pattern.json")),
    ("sdos/campaign.json", include_str!("../../schemas/sdos/campaign.json")),
    ("sdos/course-of-action.json", include_str!("../../schemas/sdos/course-of-action.json")),
    ("sdos/grouping.json", include_str!("../../schemas/sdos/grouping.json")),
    ("sdos/identity.json", include_str!("../../schemas/sdos/identity.json")),
    ("sdos/incident.json", include_str!("../../schemas/sdos/incident.json")),
    ("sdos/indicator.json", include_str!("../../schemas/sdos/indicator.json")),
    ("sdos/infrastructure.json", include_str!("../../schemas/sdos/infrastructure.json")),
    ("sdos/intrusion-set.json", include_str!("../../schemas/sdos/intrusion-set.json")),
    ("sdos/location.json", include_str!("../../schemas/sdos/location.json")),
    ("sdos/malware-analysis.json", include_str!("../../schemas/sdos/malware-analysis.json")),
    ("sdos/malware.json", include_str!("../../schemas/sdos/malware.json")),
    ("sdos/note.json", include_str!("../../schemas/sdos/note.json")),
    ("sdos/observed-data.json", include_str!("../../schemas/sdos/observed-data.json")),
    ("sdos/opinion.json", include_str!("../../schemas/sdos/opinion.json")),
    ("sdos/report.json", include_str!("../../schemas/sdos/report.json")),
    ("sdos/threat-actor.json", include_str!("../../schemas/sdos/threat-actor.json")),
    ("sdos/tool.json", include_str!("../../schemas/sdos/tool.json")),
    ("sdos/vulnerability.json", include_str!("../../schemas/sdos/vulnerability.json")),
    ("sros/relationship.json", include_str!("../../schemas/sros/relationship.json")),
    ("sros/sighting.json", include_str!("../../schemas/sros/sighting.json")),
    ("observables/artifact.json", include_str!("../../schemas/observables/artifact.json")),
    ("observables/autonomous-system.json", include_str!("../../schemas/observables/autonomous-system.json")),
    ("observables/directory.json", include_str!("../../schemas/observables/directory.json")),
    ("observables/domain-name.json", include_str!("../../schemas/observables/domain-name.json")),
    ("observables/email-addr.json", include_str!("../../schemas/observables/email-addr.json")),
    ("observables/email-message.json", include_str!("../../schemas/observables/email-message.json")),
    ("observables/file.json", include_str!("../../schemas/observables/file.json")),
    ("observables/ipv4-addr.json", include_str!("../../schemas/observables/ipv4-addr.json")),
    ("observables/ipv6-addr.json", include_str!("../../schemas/observables/ipv6-addr.json")),
    ("observables/mac-addr.json", include_str!("../../schemas/observables/mac-addr.json")),
    ("observables/mutex.json", include_str!("../../schemas/observables/mutex.json")),
    ("observables/network-traffic.json", include_str!("../../schemas/observables/network-traffic.json")),
    ("observables/process.json", include_str!("../../schemas/observables/process.json")),
    ("observables/software.json", include_str!("../../schemas/observables/software.json")),
    ("observables/url.json", include_str!("../../schemas/observables/url.json")),
    ("observables/user-account.json", include_str!("../../schemas/observables/user-account.json")),
    (
        "observables/windows-registry-key.json",
        include_str!("../../schemas/observables/windows-registry-key.json"),
    ),
    ("observables/x509-certificate.json", include_str!("../../schemas/observables/x509-certificate.json")),
];

/// Where the schemas say they live; nothing is ever fetched from there.
const BASE: &str = "http://raw.githubusercontent.com/oasis-open/cti-stix2-json-schemas/stix2.1/schemas/";

/// Where the schemas demand what the standard does not: a type, or any; a property, or the object as a whole.
const STRICTER_THAN_THE_STANDARD: [(Option<&str>, &str); 11] = [
    // `lang` may stand in the place of `marking_ref` (section 7.2.3).
    (None, "granular_markings"),
    // Media types are advice (section 6.7).
    (Some("artifact"), "mime_type"),
    (Some("file"), "mime_type"),
    // A header field may occur once (section 6.6), a part of a message may have both bodies (section 6.6.2).
    (Some("email-message"), "additional_header_fields"),
    (Some("email-message"), "body_multipart"),
    // The fixed objects of TLP to the letter, `name` too, which many tools leave out.
    (Some("marking-definition"), WHOLE),
    // All of the above again, for what is in the container.
    (Some("observed-data"), "objects"),
    // Former names are listed where one of several properties must be there.
    (Some("process"), WHOLE),
    (Some("windows-registry-key"), WHOLE),
    // Short names of hives are found in the middle of words.
    (Some("windows-registry-key"), "key"),
    // The tags of RFC 5646 have more forms.
    (Some("software"), "languages"),
];
const WHOLE: &str = "";

/// Bytes of an object that are shown to its schema at most. Properties beyond are left to the tables.
const MOST_BYTES: usize = 64 << 10;

/// Reports what the schema of a type refuses, for the object that stands at this root, in properties where no error
/// was reported yet; the first `before` errors are those of other objects.
///
/// `jsonschema` makes an error of every place that a schema refuses, with a copy of what stands there and with all
/// branches of `oneOf` that fail. So it sees no more of an object than [`MOST_BYTES`], nothing of what the tables have
/// refused already, and nothing that is exempt.
pub(crate) fn check(value: Value<'_>, path: &Path<'_>, before: usize, sink: &mut Sink) {
    let Some(object_type) = value.get("type").and_then(Value::as_str) else { return };
    // Parts of schemas have names too, such as `hex`, and a custom type may have the same.
    if crate::registry::of(&object_type).is_none() || !sink.has_room(Severity::Error) {
        return;
    }
    let Some(validator) = validator(&object_type) else { return };
    let (instance, is_whole) = {
        let reported: BTreeSet<&str> = sink.places_since(before).map(first_step).collect();
        instance(value, &object_type, &reported)
    };
    if validator.is_valid(&instance) {
        return;
    }
    let mut reported = BTreeSet::new();
    for error in validator.iter_errors(&instance) {
        let pointer = error.instance_path().as_str().to_owned();
        let is_of_rest = pointer.is_empty() && !is_whole;
        if is_of_rest || is_stricter(&object_type, &pointer) || covers(&reported, &pointer) {
            continue;
        }
        let place = error.schema_path().as_str();
        let message = format!("the official JSON schema of {object_type} demands otherwise (at {place})");
        sink.report(Severity::Error, Code::Schema, &path.at(&pointer), Rule::S240, message);
        reported.insert(pointer);
    }
}

/// What is shown of an object, and whether it is the whole of it.
fn instance(value: Value<'_>, object_type: &str, reported: &BTreeSet<&str>) -> (serde_json::Value, bool) {
    let mut shown = serde_json::Map::new();
    let mut left = MOST_BYTES;
    let mut is_whole = reported.is_empty();
    let mut step = String::new();
    // The schemas know nothing of the forms in which addresses are made harmless.
    let is_defanged = value.get("defanged").and_then(Value::as_bool) == Some(true);
    for (name, member) in value.members() {
        step.clear();
        push_step(&name, &mut step);
        let length = name.len() + member.raw().len();
        let is_exempt = is_stricter(object_type, &step) || is_defanged && matches!(&*name, "value" | "url");
        let is_shown = length <= left && !is_exempt && !reported.contains(&*step);
        let parsed = if is_shown { serde_json::from_str(member.raw()).ok() } else { None };
        let Some(parsed) = parsed else {
            is_whole = false;
            continue;
        };
        left -= length;
        shown.insert(name.into_owned(), parsed);
    }
    (shown.into(), is_whole)
}

/// The first step of a JSON pointer, with its slash; nothing of an empty one.
fn first_step(pointer: &str) -> &str {
    let end = pointer.get(1..).and_then(|rest| rest.find('/')).map_or(pointer.len(), |end| end + 1);
    &pointer[..end]
}

fn is_stricter(object_type: &str, pointer: &str) -> bool {
    let property = pointer.split('/').nth(1).unwrap_or_default();
    let is_it = |known: &str| known == object_type;
    STRICTER_THAN_THE_STANDARD.iter().any(|(known, place)| known.is_none_or(is_it) && *place == property)
}

/// Whether one of the places is this one or in it.
fn covers(reported: &BTreeSet<String>, pointer: &str) -> bool {
    let inside = format!("{pointer}/");
    let next = reported.range(inside.clone()..).next();
    reported.contains(pointer) || next.is_some_and(|next| next.starts_with(&inside))
}

fn validator(object_type: &str) -> Option<&'static jsonschema::Validator> {
    static COMPILED: [OnceLock<Option<jsonschema::Validator>>; SCHEMAS.len()] =
        [const { OnceLock::new() }; SCHEMAS.len()];
    let file = format!("/{object_type}.json");
    let index = SCHEMAS.iter().position(|(name, _)| name.ends_with(&file))?;
    COMPILED[index]
        .get_or_init(|| {
            let schema = serde_json::from_str(SCHEMAS[index].1).ok()?;
            let options = jsonschema::options().with_retriever(Embedded);
            // The schemas need no look-around, and this engine takes time linear in the text.
            options.with_pattern_options(jsonschema::PatternOptions::regex()).build(&schema).ok()
        })
        .as_ref()
}

struct Embedded;

impl Retrieve for Embedded {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<serde_json::Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().strip_prefix(BASE).unwrap_or_default();
        let found = SCHEMAS.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or("the schemas refer to one that is not embedded")?;
        Ok(serde_json::from_str(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_compiles() {
        for (name, _) in SCHEMAS {
            let object_type = name.rsplit('/').next().unwrap().trim_end_matches(".json");
            assert!(validator(object_type).is_some(), "{name}");
        }
    }

    #[test]
    fn a_fault_is_reported_where_it_is() {
        let text =
            br#"{"type": "tool", "spec_version": "2.1", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "created": "2020-01-01T00:00:00.000Z", "modified": "2020-01-01T00:00:00.000Z", "name": 5}"#;
        let document = crate::json::Document::read(text, crate::json::Limits::default()).unwrap();
        let mut sink = Sink::new(Default::default(), 10, None);
        check(document.root(), &Path::root(Some(3)), 0, &mut sink);
        let found = sink.into_findings();
        let places: Vec<_> = found.iter().map(|found| (found.index, &*found.pointer)).collect();
        assert_eq!(places, [(Some(3), "/name")]);
    }
}
