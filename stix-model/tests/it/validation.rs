//! The validator against the shared vectors.

use crate::vectors::rows;
use stix_model::Object;
use stix_model::json::{Document, Limits};
use stix_model::validate::{Code, Finding, Profile, Rule, Severity, Validator, Versions};

fn validate(text: &str) -> Vec<Finding> {
    match Document::read(text.as_bytes(), Limits::default()) {
        Ok(document) => Validator::new(Profile::Stix).document(document.root()),
        Err(error) => panic!("{error}: {text}"),
    }
}

/// Rows whose label follows a tool against the text of the standard.
const DISAGREED: [(&str, &str); 5] = [
    ("object_validation-0071", "section 11.1: a custom property name has no `!`"),
    ("object_validation-0072", "section 11.1: a custom property name has at most 250 characters"),
    ("object_validation-0278", "RFC 5646: `bbb` is a well-formed tag, and a registered one"),
    ("object_validation-0185", "section 7.2.1.4: the marking with the id of TLP:GREEN says GREEN"),
    ("object_validation-0342", "section 3.2: an identity needs a `spec_version` of its own"),
];

fn agree(vectors: &str) {
    let mut wrong = Vec::new();
    for (case, row, raw) in rows(vectors) {
        let Some(label) = row["expect_valid"].as_bool() else { continue };
        let expected = label ^ DISAGREED.iter().any(|(known, _)| *known == case);
        let fields: std::collections::BTreeMap<&str, &serde_json::value::RawValue> =
            serde_json::from_str(raw.get()).unwrap();
        let findings = validate(fields["object"].get());
        let errors: Vec<_> = findings.iter().filter(|found| found.severity == Severity::Error).collect();
        if errors.is_empty() != expected {
            let found: Vec<_> = errors.iter().map(ToString::to_string).collect();
            wrong.push(format!(
                "{case}: expected valid = {expected}, {} {found:?} {}",
                row["mutation"], row["error_texts"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn objects_of_other_test_suites() {
    agree("object_validation.jsonl");
}

#[test]
fn single_faults() {
    agree("object_mutations.jsonl");
}

/// The fast path rests on this: what the property tables let pass, the official schemas let pass too.
#[cfg(feature = "schemas")]
#[test]
fn the_tables_are_at_least_as_strict_as_the_official_schemas() {
    use stix_model::validate::Schemas;
    let validator = Validator::new(Profile::Stix).schemas(Schemas::Always);
    let mut wrong = Vec::new();
    for vectors in ["object_validation.jsonl", "object_mutations.jsonl"] {
        for (case, _, raw) in rows(vectors) {
            let document = Document::read(raw.get().as_bytes(), Limits::default()).unwrap();
            let findings = validator.document(document.root().get("object").unwrap());
            let errors = || findings.iter().filter(|found| found.severity == Severity::Error);
            if errors().count() > 0 && errors().all(|found| found.code == Code::Schema) {
                wrong.push(format!("{case}: {:?}", errors().map(ToString::to_string).collect::<Vec<_>>()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are let pass:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whoever stops at the header says the same as the validator does.
#[test]
fn faults_of_the_header_are_findings_of_the_validator() {
    let id = "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
    let texts = [
        "7".to_owned(),
        r#"{"type": "tool"}"#.to_owned(),
        r#"{"type": "tool", "id": 7}"#.to_owned(),
        r#"{"type": "tool", "id": "tool--x"}"#.to_owned(),
        format!(r#"{{"id": "{id}"}}"#),
        format!(r#"{{"type": "malware", "id": "{id}"}}"#),
        format!(r#"{{"type": "tool", "id": "{id}", "created": 5}}"#),
        format!(r#"{{"type": "tool", "id": "{id}", "modified": "yesterday"}}"#),
        format!(r#"{{"type": "tool", "id": "{id}", "spec_version": "9.9"}}"#),
        r#"{"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}"#.to_owned(),
    ];
    for text in texts {
        let finding = Object::parse(&text).unwrap_err().finding();
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        let found = Validator::new(Profile::Stix).object_at(document.root(), 3);
        let same = |other: &&Finding| {
            (other.code, &other.pointer, other.rule) == (finding.code, &finding.pointer, finding.rule)
        };
        assert!(found.iter().any(|other| same(&other)), "{text}: {finding} is none of {found:?}");
        assert!(found.iter().all(|other| other.index == Some(3)), "{text}: {found:?}");
    }
}

/// What fits into a request that a server takes by default is no warning, and one byte more is.
#[test]
fn an_object_that_no_default_server_takes_is_warned_of() {
    let head =
        r#"{"type":"url","spec_version":"2.1","id":"url--7d45bfa7-9b83-4b0c-b5ae-1ad0c7c1f0a1","value":""#;
    let most = stix_model::MAX_CONTENT_LENGTH - r#"{"objects":[]}"#.len();
    for (length, is_warned) in [(most, false), (most + 1, true)] {
        let text = format!("{head}{}\"}}", "x".repeat(length - head.len() - 2));
        assert_eq!(text.len(), length);
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        let found = Validator::new(Profile::Stix).object(document.root());
        let warning = found.iter().find(|finding| finding.code.as_str() == "too-large");
        assert_eq!(warning.is_some(), is_warned, "{found:?}");
        assert!(warning.is_none_or(|warning| warning.severity == stix_model::validate::Severity::Warning));
    }
}

/// A report that advises much and is wrong at its end.
#[test]
fn errors_come_before_warnings_when_there_are_too_many() {
    let words: Vec<_> = (0..50).map(|number| format!("\"word {number}\"")).collect();
    let tool = |more: &str| {
        format!(
            r#"{{"type": "tool", "spec_version": "2.1", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
                "created": "2020-01-01T00:00:00.000Z", "modified": "2020-01-01T00:00:00.000Z", "name": "n",
                "tool_types": [{}], {more} "tool_version": "1"}}"#,
            words.join(",")
        )
    };
    let most = 10;
    let findings = |text: &str| {
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        Validator::new(Profile::Stix).most_findings(most).object(document.root())
    };
    let is_error = |found: &Finding| found.severity == Severity::Error;
    let advice = findings(&tool(""));
    assert_eq!((advice.len(), advice[most].code), (most + 1, Code::TooMany));
    assert!(
        !advice.iter().any(is_error),
        "advice makes no object invalid, however much there is: {advice:?}"
    );
    let some = findings(&tool(r#""aliases": [5, 6, 7],"#));
    assert_eq!((some.len(), some.iter().filter(|found| is_error(found)).count()), (most + 1, 3));
    let numbers: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    let many = findings(&tool(&format!(r#""aliases": [{}],"#, numbers.join(","))));
    assert_eq!((many.len(), many.iter().filter(|found| is_error(found)).count()), (most + 1, most + 1));
}

/// Findings are kept and sent as values; formats that do not describe themselves hold the same words.
#[test]
fn findings_are_kept_as_values() {
    let text = br#"{"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "spec_version": "2.0",
        "objects": [{"type": "url", "id": "url--7d45bfa7-9b83-4b0c-b5ae-1ad0c7c1f0a1", "value": "u:x"},
                    {"type": "url", "id": "url--7d45bfa7-9b83-4b0c-b5ae-1ad0c7c1f0a2", "value": 7, "lang": "en"}]}"#;
    let document = Document::read(text, Limits::default()).unwrap();
    let found = Validator::new(Profile::Stix).document(document.root());
    let places: Vec<_> = found.iter().map(|found| (found.index, &*found.pointer)).collect();
    assert_eq!(places, [(None, "/spec_version"), (Some(1), "/value"), (Some(1), "/lang")]);
    let second = document.root().pointer("/objects/1").unwrap();
    assert!(second.raw()[found[1].offset(second)..].starts_with("7,"));
    assert_eq!(
        found[1].to_string(),
        "error property-type in object 1 at /value: must be a string, not a number (S-018)"
    );

    let json = serde_json::to_value(&found[1]).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"code": "property-type", "severity": "error", "index": 1, "pointer": "/value",
            "rule": "S-018", "message": "must be a string, not a number", "fix": null})
    );
    assert_eq!(serde_json::from_value::<Finding>(json).unwrap(), found[1]);
    let bytes = postcard::to_allocvec(&found).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("property-type"));
    assert_eq!(postcard::from_bytes::<Vec<Finding>>(&bytes).unwrap(), found);
    assert!(serde_json::from_str::<Code>("\"nonsense\"").is_err());
}

/// The table of rules lists each number once, in order, and none that nothing names.
#[test]
fn the_table_of_rules_is_what_the_library_uses() {
    assert!(Rule::ALL.is_sorted_by(|a, b| a.as_str() < b.as_str()));
    let mut code = String::new();
    let mut files = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let text = std::fs::read_to_string(path).unwrap();
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            lines.for_each(|line| code.push_str(line));
        }
    }
    for rule in Rule::ALL {
        assert_eq!(rule.as_str().replacen('-', "", 1), format!("{rule:?}"));
        assert_eq!(rule.as_str().parse(), Ok(*rule));
        assert!(code.contains(&format!("Rule::{rule:?}")), "nothing names {rule}");
    }
}

/// Lines of one object, each a time (its hour), and words for its other properties.
fn lines(lines: &[(u8, &str)]) -> Vec<Option<String>> {
    let mut versions = Versions::default();
    let texts = lines.iter().map(|(hour, rest)| {
        format!(
            r#"{{"type":"tool","id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2020-01-01T00:00:00.000Z",
            "modified":"2020-01-01T{hour:02}:00:00.000Z"{rest}}}"#
        )
    });
    let mut add = |text: String| {
        let finding = versions.add(Document::read(text.as_bytes(), Limits::default()).unwrap().root())?;
        Some(format!("{} {}", finding.rule.unwrap().as_str(), finding.pointer))
    };
    texts.map(&mut add).collect()
}

/// In lines versions come in any order, and what they say of each other is the same.
#[test]
fn versions_in_lines_are_held_against_each_other_in_any_order() {
    const REVOKED: &str = r#","revoked":true"#;
    let fault = |rule: &str, name: &str| Some(format!("{rule} /{name}"));
    for (given, expected) in [
        (vec![(2, REVOKED), (3, "")], vec![None, fault("S-043", "modified")]),
        (vec![(3, ""), (2, REVOKED)], vec![None, fault("S-043", "revoked")]),
        (vec![(3, ""), (1, ""), (2, REVOKED)], vec![None, None, fault("S-043", "revoked")]),
        (
            vec![(3, ""), (2, REVOKED), (4, "")],
            vec![None, fault("S-043", "revoked"), fault("S-043", "modified")],
        ),
        (vec![(3, REVOKED), (2, REVOKED)], vec![None, None]),
        (vec![(3, ""), (4, REVOKED), (1, "")], vec![None, None, None]),
        (
            vec![(3, ""), (2, REVOKED), (3, ""), (2, REVOKED)],
            vec![None, fault("S-043", "revoked"), None, None],
        ),
        (vec![(3, ""), (2, ""), (3, r#","x_a":1"#)], vec![None, None, Some("S-084 ".into())]),
    ] {
        assert_eq!(lines(&given), expected, "{given:?}");
    }
}

/// What lies too far back is compared with nothing, and what is remembered is not blamed for it.
#[test]
fn what_is_forgotten_of_lines_blames_nothing() {
    let statement = |at: usize, text: &str| {
        format!(
            r#"{{"type":"marking-definition","id":"marking-definition--00000000-0000-4000-8000-{at:012}",
            "created":"2020-01-01T00:00:00.000Z","definition_type":"statement","definition":{{"statement":"{text}"}}}}"#
        )
    };
    let mut versions = Versions::remembering(10);
    let mut add = |text: String| {
        let found = versions.add(Document::read(text.as_bytes(), Limits::default()).unwrap().root());
        found.and_then(|finding| finding.rule)
    };
    for at in 0..10 {
        assert_eq!(add(statement(at, "a")), None);
    }
    assert_eq!(add(statement(0, "b")), Some(Rule::S114), "the last ten are remembered");
    for at in 10..100 {
        // What turns up now and then is remembered, however many others come.
        assert_eq!(add(statement(at, "a")).or(add(statement(5, "a"))), None);
    }
    assert_eq!(add(statement(5, "b")), Some(Rule::S114));
    assert_eq!(add(statement(0, "b")), None, "this one is forgotten");
    assert_eq!(add(statement(0, "a")), Some(Rule::S114));
    // Of one object, the latest versions.
    let tool = |at: usize, name: &str| {
        format!(
            r#"{{"type":"tool","id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2020-01-01T00:00:00.000Z",
            "modified":"2020-01-01T00:00:00.{at:06}Z","name":"{name}"}}"#
        )
    };
    for at in 0..1_000 {
        assert_eq!(add(tool(at, "a")), None);
    }
    assert_eq!(add(tool(900, "b")), Some(Rule::S084));
    assert_eq!(add(tool(1, "b")), None, "this one is forgotten");
    assert_eq!(add(tool(1_000, "a").replace("\"created\":\"2020", "\"created\":\"2019")), Some(Rule::S042));
}

/// Only domain and relationship objects, of the standard or of an extension, are asked for their creator.
#[test]
fn observables_of_extensions_need_no_creator() {
    let needs = |extension_type: &str, time: &str| {
        let extension = match extension_type {
            "" => String::new(),
            kind => format!(
                r#","extensions":{{"extension-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f":{{"extension_type":"{kind}"}}}}"#
            ),
        };
        let text = format!(
            r#"{{"type":"x-thing","spec_version":"2.1","id":"x-thing--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"{time},"x_a":1{extension}}}"#
        );
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        [Profile::Strict, Profile::Interop].map(|profile| {
            let findings = Validator::new(profile).object(document.root());
            findings.iter().any(|finding| finding.code == Code::Profile)
        })
    };
    let time = r#","created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z""#;
    assert_eq!(needs("new-sco", ""), [false; 2]);
    assert_eq!(needs("new-sco", time), [false; 2]);
    assert_eq!(needs("", ""), [false; 2], "without any time it is taken for an observable");
    for kind in ["new-sdo", "new-sro", ""] {
        assert_eq!(needs(kind, time), [true; 2], "{kind}");
    }
}

/// Whatever nests, as deep as the reader lets it, on a stack that is small.
#[test]
fn no_nesting_of_values_overflows_the_stack() {
    const ID: &str = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
    let time = r#""created":"2020-01-01T00:00:00.000Z","modified":"2020-01-01T00:00:00.000Z""#;
    let head = |kind: &str| format!(r#""type":"{kind}","spec_version":"2.1","id":"{kind}--{ID}",{time}"#);
    let observed = format!(
        r#"{{{},"first_observed":"2020-01-01T00:00:00Z","last_observed":"2020-01-01T00:00:00Z","number_observed":1,"objects":{{"0":"#,
        head("observed-data")
    );
    let extension =
        format!(r#"{{"extension_type":"property-extension","x_a":{{"extension-definition--{ID}":"#);
    let part = r#"{"type":"process","id":"process--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","extensions":{"windows-service-ext":"#;
    let nests = [
        ("[".to_owned(), "]"),
        (r#"{"a_ref":"#.to_owned(), "}"),
        (r#"[{"x_refs":"#.to_owned(), "}]"),
        (r#"{"granular_markings":[{"selectors":["a.b.c"],"x":"#.to_owned(), "}]}"),
        (r#"{"contents":{"de":"#.to_owned(), "}}"),
        (observed, "}}"),
        (extension, "}}"),
        (part.to_owned(), "}}"),
        (format!(r#"{{"type":"bundle","id":"bundle--{ID}","objects":["#), "]}"),
    ];
    let around = [
        (String::new(), ""),
        (format!("{{{},\"name\":\"n\",\"x_a\":", head("tool")), "}"),
        (format!("{{{},\"name\":\"n\",\"extensions\":{{\"extension-definition--{ID}\":", head("tool")), "}}"),
        (
            format!("{{{},\"object_ref\":\"tool--{ID}\",\"contents\":{{\"de\":", head("language-content")),
            "}}",
        ),
    ];
    let work = move || {
        let mut deepest = 0;
        for (outside, end) in &around {
            for (open, close) in &nests {
                for depth in (1..64).filter(|depth| depth % 7 == 1 || *depth > 28) {
                    let text = format!("{outside}{}1{}{end}", open.repeat(depth), close.repeat(depth));
                    if Document::read(text.as_bytes(), Limits::default()).is_ok() {
                        deepest = deepest.max(depth);
                        crate::growth::work(text.as_bytes());
                    }
                }
            }
        }
        deepest
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(work).unwrap();
    assert!(thread.join().unwrap() >= 60);
}
