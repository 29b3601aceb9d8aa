//! The rules of STIX and its pattern language, each by examples: `conformance/fixtures/stix_rules.jsonl`.
//!
//! A row names its rule and holds one of
//! - `object` or `bundle`, and `code`, `pointer` and `severity` (an error, unless it says otherwise) of the finding
//!   that an invalid one gives, perhaps under a `profile`;
//! - `json`: a text for the strict reader, and the `pointer` of its refusal;
//! - `pattern`: the pattern of an indicator;
//! - `pattern`, `bundle` and `match`: whether the observed data in the bundle satisfy the pattern;
//! - `observable` and the `id` that follows from its content, null when none does;
//! - `stored`, `incoming` and `decision`: what an object is against stored versions.
//!
//! `found` is the rule of the finding when a more special or more general one reports the fault. `others` says that
//! other errors come with it.

use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use stix_model::json::{Document, Limits};
use stix_model::pattern::{MatchLimits, Observations, Pattern};
use stix_model::validate::{Code, Finding, Profile, Rule, Severity, Validator};
use stix_model::version::decide_among;
use stix_model::{Object, sco_id};

/// The members of one line, as they are written.
struct Row<'t>(BTreeMap<&'t str, &'t RawValue>);

impl<'t> Row<'t> {
    fn raw(&self, name: &str) -> Option<&'t str> {
        self.0.get(name).map(|value| value.get())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.raw(name).and_then(|raw| serde_json::from_str(raw).unwrap())
    }

    fn is(&self, name: &str) -> Option<bool> {
        self.raw(name).map(|raw| raw == "true")
    }

    /// What is wrong with the row, if anything.
    fn fault(&self) -> Option<String> {
        if let Some(observable) = self.raw("observable") {
            let document = read(observable);
            let found = sco_id(document.root()).unwrap();
            let found = found.id().map(|id| id.as_str().to_owned());
            return (found != self.text("id")).then(|| format!("the identifier is {found:?}"));
        }
        if let Some(incoming) = self.raw("incoming") {
            let stored: Vec<&RawValue> = serde_json::from_str(self.raw("stored").unwrap()).unwrap();
            let stored: Vec<_> = stored.iter().map(|raw| Object::parse(raw.get()).unwrap()).collect();
            let decision = decide_among(&Object::parse(incoming).unwrap(), &stored).as_str();
            return (Some(decision) != self.text("decision").as_deref()).then(|| decision.to_owned());
        }
        if let Some(text) = self.text("json") {
            let refusal = Document::read(text.as_bytes(), Limits::default()).err();
            let pointer = refusal.map(|error| error.pointer());
            return (pointer != self.text("pointer")).then(|| format!("refused at {pointer:?}"));
        }
        if let Some(expected) = self.is("match") {
            let document = read(self.raw("bundle").unwrap());
            let observations = Observations::from_bundles([document.root()]);
            let pattern = Pattern::parse(&self.text("pattern").unwrap()).ok();
            let pattern = pattern.and_then(|pattern| pattern.compile(MatchLimits::default()).ok());
            let found = pattern.and_then(|pattern| pattern.matches(&observations).unwrap());
            return (found.is_some() != expected).then(|| format!("matches = {}", found.is_some()));
        }
        match self.raw("pattern") {
            Some(pattern) => self.compare(&validate(&indicator(pattern), Profile::Stix), "/pattern"),
            None => {
                let text = self.raw("object").or(self.raw("bundle")).unwrap();
                let profile = self.text("profile").map(|name| name.parse().unwrap()).unwrap_or_default();
                self.compare(&validate(text, profile), &self.text("pointer").unwrap_or_default())
            }
        }
    }

    fn compare(&self, findings: &[Finding], pointer: &str) -> Option<String> {
        let rule = self.text("found").or(self.text("rule")).unwrap();
        // A rule without a finding of its own is none of the library's.
        let rule = rule.parse::<Rule>().ok();
        let errors = findings.iter().filter(|found| found.severity == Severity::Error);
        let is_right = if self.is("valid") == Some(true) {
            // The advice against a deprecated thing has the number of the rules for it.
            let is_about =
                |found: &Finding| rule.is_some() && found.rule == rule && found.code != Code::Deprecated;
            errors.count() == 0 && !findings.iter().any(is_about)
        } else {
            let (code, severity) = (self.text("code").unwrap(), self.text("severity"));
            let severity = severity.unwrap_or("error".into());
            let is_it = |found: &Finding| {
                (found.code.as_str(), found.severity.as_str()) == (&*code, &*severity)
                    && found.rule == rule
                    && place(found) == pointer
            };
            let others = errors.filter(|found| !is_it(found)).count();
            findings.iter().any(is_it) && (others == 0 || self.is("others") == Some(true))
        };
        let texts: Vec<_> = findings.iter().map(ToString::to_string).collect();
        (!is_right).then(|| texts.join("; "))
    }
}

/// Where a finding is, as a JSON pointer of the bundle.
fn place(finding: &Finding) -> String {
    let start = finding.index.map_or_else(String::new, |index| format!("/objects/{index}"));
    start + &finding.pointer
}

fn read(text: &str) -> Document<'_> {
    Document::read(text.as_bytes(), Limits::default()).unwrap()
}

fn validate(text: &str, profile: Profile) -> Vec<Finding> {
    Validator::new(profile).document(read(text).root())
}

fn indicator(pattern: &str) -> String {
    format!(
        r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z","name":"n","description":"d",
            "pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z","pattern":{pattern}}}"#
    )
}

#[test]
fn examples() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/fixtures/stix_rules.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut faults = Vec::new();
    let mut codes = BTreeSet::new();
    for (line, text) in text.lines().enumerate() {
        let row = Row(serde_json::from_str(text).unwrap());
        codes.extend(row.text("code"));
        if let Some(fault) = row.fault() {
            faults.push(format!("line {}, {}: {fault}\n    {text}", line + 1, row.text("rule").unwrap()));
        }
    }
    assert!(faults.is_empty(), "{} rows fail:\n{}", faults.len(), faults.join("\n"));
    // These are no rules of the standard: the text and its format, the schemas, sizes and the number of findings.
    let others = [Code::Json, Code::Foreign, Code::Schema, Code::TooLarge, Code::TooMany];
    let without: Vec<_> = Code::ALL.iter().filter(|code| !codes.contains(code.as_str())).collect();
    assert!(without.iter().all(|code| others.contains(code)), "codes without an example: {without:?}");
}
