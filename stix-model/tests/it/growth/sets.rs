//! Many patterns, many observations and many objects at once.

use super::LIMITS;
use super::generator::{Growth, id, parts};
use std::hint::black_box;
use stix_model::equivalence::{Candidate, DedupOptions, dedup};
use stix_model::json::{Change, Document, edit};
use stix_model::marking::{Mark, add_granular, remove_granular};
use stix_model::pattern::{
    MatchLimits, Observation, Observations, Pattern, PatternSetBuilder, PatternSetLimits, Seen,
};
use stix_model::{Object, Timestamp};

/// Patterns, one on each line.
pub(crate) fn patterns() -> Vec<Growth> {
    let mut all = Vec::new();
    let mut add = |what: &str, part: fn(usize) -> String| {
        all.push(Growth::new(format!("set of patterns: {what}"), move |bytes| parts(bytes, "\n", part)));
    };
    add("the same", |_| "[file:size = 1]".into());
    add("numbers", |at| format!("[file:size = {at}]"));
    add("texts", |at| format!("[url:value = 'u:{at}']"));
    add("others", |at| format!("[url:value != 'u:{at}']"));
    add("beginnings", |at| format!("[url:value LIKE 'u:{at}%']"));
    add("endings", |at| format!("[url:value LIKE '%{at}']"));
    add("expressions", |at| format!("[url:value MATCHES 'u:{at}[a-c]+$']"));
    add("networks", |at| format!("[ipv4-addr:value ISSUBSET '10.{}.{}.0/24']", at / 250 % 250, at % 250));
    add("observations", |at| format!("[file:size = {at}] FOLLOWEDBY [file:size = 1] WITHIN 5 SECONDS"));
    add("types", |at| format!("[x-type{at}:size = {at}]"));
    add("paths", |at| format!("[file:x_{at}.a = {at}]"));
    add("sets", |at| format!("[file:size IN (1, 2, {at})]"));
    add("alternatives", |at| format!("[file:size = 1 OR file:name = '{at}']"));
    all
}

pub(crate) fn match_patterns(text: &[u8]) {
    let text = std::str::from_utf8(text).unwrap();
    let mut builder = PatternSetBuilder::new(PatternSetLimits::default());
    for (key, line) in (0..).zip(text.lines()) {
        builder.add(key, &Pattern::parse(line).unwrap()).unwrap();
    }
    let set = builder.build();
    let mut matcher = set.matcher();
    for object in [
        r#"{"type":"file","size":1,"name":"7"}"#,
        r#"{"type":"url","value":"u:1234abc"}"#,
        r#"{"type":"ipv4-addr","value":"10.0.1.2"}"#,
    ] {
        let document = Document::read(object.as_bytes(), LIMITS).unwrap();
        let observation = Observation::of_object(document.root()).unwrap();
        black_box(matcher.matches(&observation).unwrap().collect::<Vec<_>>());
    }
}

/// Observed data and observables, one on each line.
pub(crate) fn observations() -> Vec<Growth> {
    let mut all = Vec::new();
    let mut add = |what: &str, part: fn(usize) -> String| {
        all.push(Growth::new(format!("observations: {what}"), move |bytes| parts(bytes, "\n", part)));
    };
    add("rising", |at| observed(at, at));
    add("falling", |at| observed(at, 999_999_999 - at));
    add("at one time", |at| observed(at, 0));
    add("by themselves", |at| format!(r#"{{"type":"file","id":"{}","size":{at}}}"#, id("file", at)));
    add("of both kinds", |at| match at % 2 {
        0 => observed(at, at),
        _ => format!(r#"{{"type":"file","id":"{}","size":{at}}}"#, id("file", at)),
    });
    all
}

fn observed(at: usize, time: usize) -> String {
    let time = format!("2020-01-01T00:00:00.{time:09}Z");
    format!(
        r#"{{"type":"observed-data","id":"{}","first_observed":"{time}","last_observed":"{time}","number_observed":1,"objects":{{"0":{{"type":"file","size":{at}}}}}}}"#,
        id("observed-data", at)
    )
}

pub(crate) fn match_observations(text: &[u8]) {
    let documents: Vec<_> =
        text.split(|byte| *byte == b'\n').map(|line| Document::read(line, LIMITS).unwrap()).collect();
    let times: Vec<Timestamp> =
        (0..).take(documents.len()).map(|at| Timestamp::from_micros(-at).unwrap()).collect();
    let mut observations = Observations::new();
    for (document, time) in documents.iter().zip(times) {
        observations.add_objects([document.root()]);
        observations.add_object(document.root());
        let seen = Seen { first: time.clone(), last: time, times: 1 };
        observations.add_seen_object(document.root(), &seen);
    }
    for pattern in
        ["[file:size = 1]", "[file:size = 7] FOLLOWEDBY [file:size = 8]", "[file:size > 3] REPEATS 3 TIMES"]
    {
        let pattern = Pattern::parse(pattern).unwrap().compile(MatchLimits::default()).unwrap();
        let _ = black_box(pattern.matches(&observations));
    }
}

/// Objects that may be the same, one on each line.
pub(crate) fn objects() -> Vec<Growth> {
    let mut all = Vec::new();
    let mut add = |what: &str, part: fn(usize) -> String| {
        all.push(Growth::new(format!("objects: {what}"), move |bytes| parts(bytes, "\n", part)));
    };
    add("of one name", |at| object(at, "\"name\":\"n\""));
    add("of many names", |at| object(at, &format!("\"name\":\"n{at}\"")));
    add("of one alias", |at| object(at, &format!("\"name\":\"n{at}\",\"aliases\":[\"a\",\"b{at}\"]")));
    add("of one reference", |at| {
        object(
            at,
            &format!(
                "\"name\":\"n{at}\",\"external_references\":[{{\"source_name\":\"s\",\"external_id\":\"x\"}}]"
            ),
        )
    });
    all
}

fn object(at: usize, rest: &str) -> String {
    format!(
        r#"{{"type":"attack-pattern","spec_version":"2.1","id":"{}","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z",{rest}}}"#,
        id("attack-pattern", at)
    )
}

pub(crate) fn find_equal(text: &[u8]) {
    let text = std::str::from_utf8(text).unwrap();
    let objects: Vec<_> = text.lines().map(|line| Object::parse(line).unwrap()).collect();
    let candidates: Vec<_> = objects.iter().map(Candidate::new).collect();
    black_box(dedup(&candidates, DedupOptions::default()));
}

/// Objects with many properties or markings that are changed, one on each line.
pub(crate) fn edits() -> Vec<Growth> {
    let mut all = Vec::new();
    let mut add =
        |what: &str, text: fn(usize) -> String| all.push(Growth::new(format!("changes: {what}"), text));
    add("of many properties", |bytes| object(1, &parts(bytes, ",", |at| format!("\"x_{at}\":\"v\""))));
    add("of escaped names", |bytes| object(1, &parts(bytes, ",", |at| format!("\"\\u0078_{at}\" :\n1"))));
    add("of many markings", |bytes| {
        let markings = parts(bytes, ",", |at| format!("{{\"lang\":\"de-x-{at}\",\"selectors\":[\"name\"]}}"));
        object(1, &format!("\"name\":\"n\",\"granular_markings\":[{markings}]"))
    });
    add("of many selectors", |bytes| {
        let names = parts(bytes / 2, ",", |at| format!("\"x_{at}\":1"));
        let selectors = parts(bytes / 2, ",", |at| format!("\"x_{at}\""));
        object(1, &format!("{names},\"granular_markings\":[{{\"lang\":\"de\",\"selectors\":[{selectors}]}}]"))
    });
    all
}

pub(crate) fn change(text: &[u8]) {
    let document = Document::read(text, LIMITS).unwrap();
    let root = document.root();
    let names: Vec<_> = root.members().map(|(name, _)| name.into_owned()).collect();
    let set = names.iter().map(|name| Change::set(name, "[7]"));
    let new = names.iter().map(|name| Change::set(format!("{name}_b"), "8"));
    let changes: Vec<_> = set.chain(new).chain(names.iter().skip(1).map(Change::remove)).collect();
    black_box(edit(root, &changes).unwrap());
    let selectors: Vec<_> = names.iter().filter_map(|name| name.parse().ok()).collect();
    for lang in ["de", "fr"] {
        let mark = Mark::Lang(lang.into());
        black_box(add_granular(root, &mark, &selectors).unwrap());
        black_box(remove_granular(root, &mark, &selectors).unwrap());
    }
}
