//! The laws that hold on every input: one function for each fuzz target.
//!
//! `cargo +nightly fuzz run TARGET` in `stix-model/` runs one; `tests/it/fuzz.rs` runs the same functions in the
//! ordinary tests.

use std::str::from_utf8;
use stix_model::bundle;
use stix_model::convert::{ConvertOptions, bundle_to_2_1, object_to_2_1};
use stix_model::json::{Change, Digest, Document, Kind, Limits, Value, canonicalize, edit};
use stix_model::marking::{Markings, Selector, Tlp};
use stix_model::pattern::{MatchLimits, Observations, Pattern};
use stix_model::validate::{Profile, Severity, Validator};
use stix_model::version::{self, Decision, content_digest, decide_among, is_same_content, new_version};
use stix_model::{AnyObject, Object, ObjectErrorKind, ScoId, Timestamp, sco_id, taxii};

/// A fuzz target: it returns when the laws hold.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 10] = [
    ("reader", reader),
    ("jcs", jcs),
    ("object", object),
    ("model", model),
    ("validate", validate),
    ("bundle", bundle),
    ("convert", convert),
    ("pattern", pattern),
    ("selector", selector),
    ("timestamp", timestamp),
];

/// What the strict reader takes, every reader of JSON takes; parts lie in order inside of what holds them, and read
/// alone as they read inside.
pub fn reader(data: &[u8]) {
    let document = match Document::read(data, Limits::default()) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.offset() <= data.len() && error.line() >= 1 && error.column() >= 1);
            assert!(
                !error.to_string().is_empty()
                    && (error.pointer().is_empty() || error.pointer().starts_with('/'))
            );
            return;
        }
    };
    let text = from_utf8(data).expect("JSON is UTF-8");
    assert_eq!(document.root().raw(), text.trim());
    serde_json::from_str::<serde::de::IgnoredAny>(text).expect("others read it too");
    walk(document.root());
}

fn walk(value: Value<'_>) {
    let mut end = value.range().start;
    let mut inside = |part: Value<'_>| {
        assert!(end < part.range().start && part.range().end < value.range().end);
        end = part.range().end;
        walk(part);
    };
    match value.kind() {
        Kind::Array => value.elements().for_each(&mut inside),
        Kind::Object => {
            for (name, member) in value.members() {
                assert_eq!(value.get(&name).map(Value::range), Some(member.range()), "names are unique");
                inside(member);
            }
        }
        Kind::String => {
            assert_eq!(serde_json::from_str::<String>(value.raw()).ok(), value.as_str().map(Into::into))
        }
        Kind::Number => assert!(value.as_f64().is_some_and(f64::is_finite)),
        Kind::Bool => assert_eq!(value.as_bool(), Some(value.raw() == "true")),
        Kind::Null => assert_eq!(value.raw(), "null"),
    }
}

/// The canonical form is one, and says the same as the text.
pub fn jcs(data: &[u8]) {
    let Ok(canonical) = canonicalize(data) else { return };
    assert_eq!(canonicalize(canonical.as_bytes()).as_ref(), Ok(&canonical), "a fixed point");
    let limits = Limits::default().safe_integers(false);
    let [first, second] =
        [data, canonical.as_bytes()].map(|text| Document::read(text, limits).expect("read before"));
    assert_eq!(Digest::of(first.root()), Digest::of(second.root()));
    assert!(is_same_content(first.root(), second.root()));
    let content = |document: &Document<'_>| content_digest(document.root(), Digest::of(document.root()));
    assert_eq!(content(&first), content(&second));
    let others: serde_json::Value = serde_json::from_str(&canonical).expect("others read it too");
    drop(others);
}

/// An object keeps its bytes, is a duplicate of itself, and its next version is newer and keeps the rest.
pub fn object(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let object = match Object::parse(text) {
        Ok(object) => object,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(object.json(), text.trim().as_bytes());
    let document = object.document();
    let root = document.root();
    let header = object.header();
    assert_eq!(header.digest, Digest::of(root));
    assert_eq!(Some(header.id.as_str()), root.get("id").and_then(Value::as_str).as_deref());
    assert_eq!(decide_among(&object, [&object]), Decision::Duplicate);
    if let Ok(markings) = Markings::of(root) {
        assert_eq!(markings.tlp(), Tlp::effective(root));
    }
    if let Ok(ScoId::Deterministic { id, name }) = sco_id(root) {
        assert_eq!(id.object_type(), header.id.object_type());
        assert_eq!(canonicalize(name.as_bytes()).as_ref(), Ok(&name));
    }
    let late: Timestamp = "9999-12-31T23:59:59.999Z".parse().expect("a timestamp");
    let Ok(next) = new_version(&object, &late, &[Change::set("x_fuzz", "[1]")]) else { return };
    assert_eq!(version::compare(&object, &next), Some(std::cmp::Ordering::Less));
    assert_eq!(decide_among(&next, [&object]), Decision::Newer);
    assert_eq!(decide_among(&object, [&next]), Decision::Older);
    let document = next.document();
    for (name, value) in root.members().filter(|(name, _)| !["modified", "x_fuzz"].contains(&&**name)) {
        assert_eq!(document.root().get(&name).map(Value::raw), Some(value.raw()));
    }
}

/// What the typed model reads it writes, and reads again; nothing is lost.
pub fn model(data: &[u8]) {
    let Ok(document) = Document::read(data, Limits::default()) else { return };
    let root = document.root();
    let Ok(typed) = AnyObject::read(root) else { return };
    let written = typed.to_json();
    let again = Document::read(written.as_bytes(), Limits::default()).expect("what is written is JSON");
    let same = AnyObject::read(again.root()).expect("what is written is of that type");
    assert_eq!(same.to_json(), written, "a fixed point");
    assert!(same == typed || root.get("id").is_none());
    // An observable may leave these out; they are written.
    let mut changes = Vec::new();
    for name in ["spec_version", "id"] {
        if let (None, Some(value)) = (root.get(name), again.root().get(name)) {
            changes.push(Change::set(name, value.raw()));
        }
    }
    let expected = edit(root, &changes).expect("an object, with values that were read");
    assert_eq!(canonicalize(written.as_bytes()), canonicalize(expected.as_bytes()));
}

/// Findings point to what is there; the model reads what has no errors, and the official schemas have nothing to add.
pub fn validate(data: &[u8]) {
    let Ok(document) = Document::read(data, Limits::default()) else { return };
    let root = document.root();
    for profile in Profile::ALL {
        let findings = Validator::new(profile).document(root);
        for finding in &findings {
            let list = root.get("objects").unwrap_or(root);
            let object = finding.index.map_or(Some(root), |index| list.element(index));
            assert!(
                object.and_then(|object| resolve(object, &finding.pointer)).is_some(),
                "{finding} points to nothing"
            );
        }
        let first_error = findings.iter().find(|finding| finding.severity == Severity::Error);
        let few = Validator::new(profile).most_findings(1).document(root);
        assert_eq!(few.first(), first_error.or(findings.first()), "errors go first");
        let is_valid = first_error.is_none();
        if profile != Profile::Stix || !is_valid {
            continue;
        }
        if let Err(error) = AnyObject::read(root) {
            let is_known = !matches!(error.kind(), ObjectErrorKind::UnknownType);
            // An envelope and a list have no type.
            let is_one = root.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "bundle");
            assert!(!is_one || !is_known, "valid, but the model says: {error}");
        }
        #[cfg(feature = "schemas")]
        {
            use stix_model::validate::Schemas;
            let asked = Validator::new(profile).schemas(Schemas::Always).document(root);
            assert_eq!(asked, findings, "the schemas are stricter than the tables");
        }
    }
}

/// RFC 6901.
fn resolve<'d>(root: Value<'d>, pointer: &str) -> Option<Value<'d>> {
    pointer.split('/').skip(1).try_fold(root, |value, step| {
        let step = step.replace("~1", "/").replace("~0", "~");
        if value.kind() == Kind::Array { value.elements().nth(step.parse().ok()?) } else { value.get(&step) }
    })
}

/// Every object of a text is a slice of it and reads alone; what is written reads back.
pub fn bundle(data: &[u8]) {
    let source = bytes::Bytes::copy_from_slice(data);
    if let Ok(objects) = taxii::split(&source, Limits::default()) {
        objects.into_iter().flatten().for_each(|object| assert_alone(&object));
    }
    let Ok(objects) = bundle::read(source, Limits::default()) else { return };
    let objects: Vec<Object> = objects.filter_map(|element| element.object.ok()).collect();
    objects.iter().for_each(assert_alone);
    let id = "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d".parse().expect("an identifier");
    let written =
        bundle::write(&id, objects.iter().map(|object| &object.json()[..])).expect("an id of a bundle");
    let read = bundle::read(written.into(), Limits::default()).expect("what is written reads");
    let read: Vec<_> = read.map(|element| element.object.expect("it was read before")).collect();
    assert!(objects.iter().map(Object::json).eq(read.iter().map(Object::json)));
}

fn assert_alone(object: &Object) {
    let alone = Object::parse(from_utf8(object.json()).expect("JSON is UTF-8")).expect("it was read before");
    assert_eq!(alone.header(), object.header());
}

/// What is converted reads, has its identifiers, and is not converted again.
pub fn convert(data: &[u8]) {
    let Ok(document) = Document::read(data, Limits::default()) else { return };
    let options = ConvertOptions::default();
    if let Ok(converted) = object_to_2_1(document.root(), options) {
        for (index, text) in converted.objects.iter().enumerate() {
            let again = Document::read(text.as_bytes(), LONGER).expect("what is written is JSON");
            if index == 0 {
                let again = object_to_2_1(again.root(), options).expect("it was converted before");
                assert_eq!(&again.objects[..1], &converted.objects[..1]);
            }
        }
    }
    if let Ok(converted) = bundle_to_2_1(document.root(), options) {
        let again = Document::read(converted.json.as_bytes(), LONGER).expect("what is written is JSON");
        let again = bundle_to_2_1(again.root(), options).expect("it was converted before");
        assert_eq!(again.json, converted.json);
    }
}

/// Conversion may unfold what was nested, and so lengthen the text.
const LONGER: Limits = stix_model::reader::LIMITS.depth(80).bytes(1 << 30).elements(10_000_000);

/// A pattern prints as one that reads as the same pattern and finds the same.
pub fn pattern(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(error) => {
            assert!(text.is_char_boundary(error.offset()) && error.line() >= 1 && error.column() >= 1);
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let printed = pattern.to_string();
    let again = Pattern::parse(&printed).expect("what is printed parses");
    assert_eq!(again, pattern);
    assert_eq!(again.to_string(), printed, "a fixed point");
    for issue in pattern.check() {
        assert!(!issue.to_string().is_empty());
        assert!(issue.offset().is_some_and(|offset| text.get(offset..).is_some_and(|rest| !rest.is_empty())));
    }
    let limits = MatchLimits::default().steps(100_000);
    let document = Document::read(OBSERVED.as_bytes(), Limits::default()).expect("a constant");
    let observations = Observations::from_bundles([document.root()]);
    let matches = |pattern: &Pattern| {
        let compiled = pattern.compile(limits).ok()?;
        Some(compiled.matches(&observations).map(|found| found.is_some()))
    };
    assert_eq!(matches(&pattern), matches(&again), "of {printed}");
}

/// Some of everything that the patterns of the corpus ask for.
const OBSERVED: &str = r#"{"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": [
    {"type": "file", "id": "file--1", "name": "café.exe", "size": 5, "hashes": {"SHA-256": "aa"},
        "magic_number_hex": "504b", "parent_directory_ref": "directory--1",
        "extensions": {"windows-pebinary-ext": {"sections": [{"entropy": 7.5}, {"entropy": 1}]}}},
    {"type": "directory", "id": "directory--1", "path": "C:\\x", "contains_refs": ["file--1"]},
    {"type": "ipv4-addr", "id": "ipv4-addr--1", "value": "198.51.100.7"},
    {"type": "test", "id": "test--1", "int": 5, "float": 12.5, "bool": true, "string": "hello", "ip": "11.22.33.44",
        "bin_bin": "dGhpcw==", "hex_hex": "ff00", "list": [1, [2, {"a": null}]], "time": "2020-01-01T00:00:00Z"},
    {"type": "observed-data", "id": "observed-data--1", "first_observed": "2020-01-01T00:00:00Z",
        "last_observed": "2020-01-01T00:00:05Z", "number_observed": 2, "object_refs": ["file--1", "directory--1"]},
    {"type": "observed-data", "id": "observed-data--2", "first_observed": "2020-01-01T00:00:03Z",
        "last_observed": "2020-01-01T00:00:03Z", "number_observed": 1, "object_refs": ["ipv4-addr--1", "test--1"]},
    {"type": "observed-data", "id": "observed-data--3", "first_observed": "2020-01-02T00:00:00Z",
        "last_observed": "2020-01-02T00:00:00Z", "number_observed": 9, "object_refs": ["test--1"]}
]}"#;

/// A selector in the first line, an object after it: what parses prints as it was, and covers what it selects.
pub fn selector(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let (text, json) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(selector) = text.parse::<Selector>() else { return };
    assert_eq!(selector.to_string(), text);
    assert!(selector.covers(&selector));
    let Ok(document) = Document::read(json.as_bytes(), Limits::default()) else { return };
    let Ok(part) = selector.resolve(document.root()) else { return };
    let range = document.root().range();
    assert!(range.start < part.range().start && part.range().end < range.end);
}

/// Timestamps in lines: the text stays, the order is that of the instants, and one order for text, key and number.
pub fn timestamp(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let mut times: Vec<Timestamp> = Vec::new();
    for line in text.lines().take(8) {
        let Ok(time) = line.parse::<Timestamp>() else { continue };
        assert_eq!((time.as_str(), &*time.to_string()), (line, line));
        let whole = Timestamp::from_micros(time.micros()).expect("a year of four digits");
        // A leap second has no number of its own.
        let is_leap = &line[17..19] == "60";
        assert!(is_leap || (whole <= time && whole.micros() == time.micros()));
        times.push(time);
    }
    for a in &times {
        for b in &times {
            assert_eq!(a.cmp(b), b.cmp(a).reverse());
            assert_eq!(a.cmp(b), a.sort_key().cmp(b.sort_key()));
            assert_eq!(a == b, a.cmp(b).is_eq());
            let is_leap = [a, b].iter().any(|time| &time.as_str()[17..19] == "60");
            assert!(is_leap || a > b || a.micros() <= b.micros());
        }
    }
    times.sort();
    assert!(times.is_sorted_by_key(|time| time.sort_key().to_owned()));
}
