//! Which observations satisfy a pattern, and what the search for them costs at most.

use crate::vectors::rows;
use proptest::prelude::*;
use stix_model::json::{Document, Limits};
use stix_model::pattern::{
    CompileError, CompiledPattern, MatchLimits, Observations, Pattern, PatternRule, Seen,
};

fn compile(text: &str) -> CompiledPattern {
    let pattern = Pattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    pattern.compile(MatchLimits::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The identifiers of a match among the observed data of one bundle.
fn ids(text: &str, bundle: &str) -> Option<Vec<String>> {
    let document = Document::read(bundle.as_bytes(), Limits::default()).unwrap();
    let observations = Observations::from_bundles([document.root()]);
    let found = compile(text).matches(&observations).unwrap()?;
    Some(found.ids().map(str::to_owned).collect())
}

fn matches_object(text: &str, object: &str) -> bool {
    let document = Document::read(object.as_bytes(), Limits::default()).unwrap();
    compile(text).matches_object(document.root()).unwrap()
}

#[test]
fn vectors() {
    for (case, row, raw) in rows("pattern_matching.jsonl") {
        let text = row["pattern"].as_str().unwrap();
        let Some(expected) = row["expect"].as_str() else { continue };
        let document = Document::read(raw.get().as_bytes(), Limits::default()).unwrap();
        let observations = Observations::from_bundles(document.root().get("bundles").unwrap().elements());
        // What cannot be read or compiled matches nothing.
        let pattern =
            Pattern::parse(text).ok().and_then(|pattern| pattern.compile(MatchLimits::default()).ok());
        let found = pattern.and_then(|pattern| pattern.matches(&observations).unwrap());
        assert_eq!(found.is_some(), expected == "match", "{case}: {text}");
    }
}

#[test]
fn a_match_names_observations_and_objects() {
    let bundle = r#"{"objects": [
        {"type": "file", "id": "file--1", "name": "a", "parent_directory_ref": "directory--1"},
        {"type": "directory", "id": "directory--1", "path": "/tmp", "contains_refs": ["file--1", "file--9"]},
        {"type": "file", "id": "file--2", "name": "b", "parent_directory_ref": "directory--1"},
        {"type": "relationship", "id": "relationship--1", "relationship_type": "x"},
        {"type": "observed-data", "id": "observed-data--1", "number_observed": 1, "first_observed": "2020-01-01T00:00:00Z",
         "last_observed": "2020-01-01T00:00:00Z", "object_refs": ["file--1", "directory--1", "relationship--1"]},
        {"type": "observed-data", "id": "observed-data--2", "number_observed": 3, "first_observed": "2020-01-01T00:00:05Z",
         "last_observed": "2020-01-01T00:00:07Z", "object_refs": ["file--2"]},
        {"type": "observed-data", "id": "observed-data--3", "number_observed": 1, "first_observed": "2020-01-01T00:00:05Z",
         "last_observed": "2020-01-01T00:00:05Z", "objects": {
            "0": {"type": "file", "name": "c", "parent_directory_ref": "1"}, "1": {"type": "directory", "path": "/var"}}}
    ]}"#;
    let found =
        |text| ids(text, bundle).map(|ids| ids.iter().map(|id| id.replace("observed-data--", "")).collect());
    let some = |ids: &[&str]| Some(ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    let cases: [(&str, Option<Vec<String>>); 15] = [
        ("[file:name = 'b']", some(&["2"])),
        ("[file:parent_directory_ref.path = '/tmp' AND directory:path = '/tmp']", None),
        ("[file:parent_directory_ref.path = '/tmp']", some(&["1"])),
        ("[directory:contains_refs[*].name = 'a']", some(&["1"])),
        ("[EXISTS directory:contains_refs[1]]", some(&["1"])),
        ("[EXISTS directory:contains_refs[1].name]", None),
        ("[file:parent_directory_ref = 'directory--1' AND file:name = 'b']", some(&["2"])),
        // Its directory is not part of this observation.
        ("[file:name = 'b' AND EXISTS file:parent_directory_ref.path]", None),
        (
            "[file:parent_directory_ref.path = '/var' AND file:parent_directory_ref.type = 'directory']",
            some(&["3"]),
        ),
        ("[relationship:relationship_type = 'x']", None),
        ("[observed-data:number_observed = 1]", None),
        ("[file:name = 'a'] AND [EXISTS file:name] REPEATS 4 TIMES", some(&["1", "2", "3"])),
        ("[EXISTS file:name] REPEATS 6 TIMES", None),
        ("[file:name = 'b'] FOLLOWEDBY [file:name = 'c']", some(&["2", "3"])),
        ("[file:name = 'c'] FOLLOWEDBY [file:name = 'b'] REPEATS 3 TIMES", some(&["2", "3"])),
    ];
    for (text, expected) in cases {
        let mut found: Option<Vec<String>> = found(text);
        if let Some(ids) = &mut found {
            ids.sort();
        }
        assert_eq!(found, expected, "{text}");
    }
    let document = Document::read(bundle.as_bytes(), Limits::default()).unwrap();
    let observations = Observations::from_bundles([document.root()]);
    let pattern = compile("[file:name = 'a'] FOLLOWEDBY [file:name = 'b'] REPEATS 2 TIMES");
    let found = pattern.matches(&observations).unwrap().unwrap();
    let parts: Vec<_> = found.parts().iter().map(|part| (part.id, part.object, part.times)).collect();
    assert_eq!(parts, [("observed-data--1", "file--1", 1), ("observed-data--2", "file--2", 2)]);
}

#[test]
fn single_objects_are_observations_too() {
    let object = r#"{"type": "url", "id": "url--1", "value": "http://example.com/", "x_ref": "url--1"}"#;
    let cases = [
        ("[url:value LIKE 'http://%']", true),
        ("[url:value = 'x'] OR [url:type = 'url']", true),
        ("[url:value LIKE 'h%'] AND [url:value LIKE 'h%']", false),
        ("[url:value LIKE 'h%'] WITHIN 5 SECONDS", true),
        ("([url:value LIKE 'h%'] OR [a:b = 1] AND [a:b = 2]) WITHIN 5 SECONDS REPEATS 1 TIMES", true),
        ("[url:value LIKE 'h%'] REPEATS 2 TIMES", false),
        ("[url:value LIKE 'h%'] START t'2016-01-01T00:00:00Z' STOP t'9999-01-01T00:00:00Z'", false),
        ("[EXISTS url:x_ref]", true),
        ("[EXISTS url:x_ref.value]", false),
        ("[NOT EXISTS url:x]", true),
        ("[NOT EXISTS file:x]", false),
    ];
    let document = Document::read(object.as_bytes(), Limits::default()).unwrap();
    let mut unseen = Observations::new();
    unseen.add_object(document.root());
    for (text, expected) in cases {
        assert_eq!(matches_object(text, object), expected, "{text}");
        if !text.contains("x_ref.") {
            assert_eq!(compile(text).matches(&unseen).unwrap().is_some(), expected, "{text}");
        }
    }
    assert!(!matches_object("[url:value = 'x']", "[1]"));

    let mut seen = Observations::new();
    let second = |second| format!("2020-01-01T00:00:{second:02}Z").parse().unwrap();
    for at in [7, 3, 5] {
        seen.add_seen_object(document.root(), &Seen { first: second(at), last: second(at), times: 1 });
    }
    seen.add_object(document.root());
    assert_eq!(seen.len(), 4);
    let repeats =
        |times, seconds| format!("[EXISTS url:value] REPEATS {times} TIMES WITHIN {seconds} SECONDS");
    for (text, expected) in
        [(repeats(3, 4), true), (repeats(3, 3), false), (repeats(2, 2), true), (repeats(4, 99), false)]
    {
        assert_eq!(compile(&text).matches(&seen).unwrap().is_some(), expected, "{text}");
    }
}

#[test]
fn times_are_exact() {
    let bundle = |times: &[&str]| {
        let data = times.iter().enumerate().map(|(at, time)| {
            format!(
                r#"{{"type": "observed-data", "id": "observed-data--{at}", "first_observed": "{time}", "last_observed": "{time}",
                 "number_observed": 1, "object_refs": ["a--{at}"]}}, {{"type": "a", "id": "a--{at}", "x": {at}}}"#
            )
        });
        format!(r#"{{"objects": [{}]}}"#, data.collect::<Vec<_>>().join(","))
    };
    let both = |seconds| format!("([a:x = 0] FOLLOWEDBY [a:x = 1]) WITHIN {seconds} SECONDS");
    let cases = [
        // 0.3 is no double.
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.3Z", "0.3", true),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.3000000000000000000001Z", "0.3", false),
        ("2020-01-01T00:00:00.1Z", "2020-01-01T00:00:00.0999999999Z", "1", false),
        ("2020-01-01T00:00:00.1Z", "2020-01-01T00:00:00.10000Z", "0.000001", true),
        (
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
            "99999999999999999999999999999999999999999999",
            true,
        ),
        ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "315537897599", false),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", "0.1", true),
    ];
    for (first, second, seconds, expected) in cases {
        let found = ids(&both(seconds), &bundle(&[first, second]));
        assert_eq!(found.is_some(), expected, "{first} {second} {seconds}");
    }
    // An end before the start is no time.
    let odd =
        bundle(&["2020-01-01T00:00:00Z"]).replace(r#""last_observed": "2020"#, r#""last_observed": "2019"#);
    let always = "START t'0001-01-01T00:00:00Z' STOP t'9999-01-01T00:00:00Z'";
    assert!(ids("[a:x = 0]", &odd).is_some());
    assert_eq!(ids(&format!("[a:x = 0] {always}"), &odd), None);
}

#[test]
fn numbers_compare_exactly() {
    let cases = [
        ("9007199254740991", "= 9007199254740991", true),
        ("9007199254740991", "< 9007199254740992.0", true),
        ("1.0", "= 1", true),
        ("1e0", "= 1", true),
        ("-0", "= 0", true),
        ("0.1", "= 0.1", true),
        ("0.30000000000000004", "> 0.3", true),
        ("1.5", "> 1", true),
        ("-1.5", "< -1", true),
        ("1e300", "> 9223372036854775807", true),
        ("-1e300", "< -9223372036854775807", true),
        ("5", "IN (1, 5.0)", true),
    ];
    for (value, test, expected) in cases {
        let object = format!(r#"{{"type": "a", "b": {value}}}"#);
        assert_eq!(matches_object(&format!("[a:b {test}]"), &object), expected, "{value} {test}");
    }
}

/// Regular expressions of PCRE and what `perl` says of them.
#[test]
fn regular_expressions_mean_what_pcre_says() {
    let cases = [
        (r"^a.c$", "a\nc", true),
        (r"^a$", "a\n", true),
        (r"^a$", "a\n\n", false),
        (r"^a\z", "a\n", false),
        (r"^a\Z", "a\n", true),
        (r"(?m)^b$", "a\nb\nc", true),
        (r"(?-s)a.c", "a\nc", false),
        (r"a\Nc", "a\nc", false),
        (r"(?i)STRASSE|\xC9", "é", true),
        (r"(?i:a)b", "Ab", true),
        (r"(?i:a)b", "AB", false),
        (r"\/\@\-\ \_", "/@- _", true),
        (r"(?P<name>a)(?<b>b)(?'c'c)", "abc", true),
        (
            r"(?#comment)a(?x: b # c
            )c",
            "abc",
            true,
        ),
        (r"\Qa.b\E+", "a.bb", true),
        (r"\Qa.b\E", "axb", false),
        (r"\h\H\v\V", " a\u{2028}b", true),
        (r"[]a]{2}", "a]", true),
        (r"[^]a]", "a]", false),
        (r"[a\-z]", "-", true),
        (r"[\d-z]", "-", true),
        (r"[[:alpha:]]\d", "é٣", true),
        (r"[[:^digit:][:space:]]", "1", false),
        (r"\p{Lu}\P{Lu}\p{^Lu}\pL", "Éééé", true),
        (r"\x41\x{e9}\o{101}\0\cA", "AéA\0\u{1}", true),
        (r"a{,x}{", "a{,x}{", true),
        (r"\bé\b", "a é", true),
        (r"(example\.com)(/|$).*", "example.com\n", true),
        (r"(a|$)+", "b", true),
        (r"\Aab\z", "ab", true),
        (r"(a*)*b", "aaab", true),
        (r"(?:a|b)??c", "c", true),
        // PCRE without its option EXTRA takes these letters for themselves.
        (r"^\y\J\é$", "yJé", true),
        (r"^[\y\R\B]+$", "yRB", true),
        (r"\y", "\\y", true),
        (r"^\y", "\\y", false),
    ];
    for (regex, subject, expected) in cases {
        let literal = regex.replace('\\', "\\\\").replace('\'', "\\'");
        let object = serde_json::json!({"type": "a", "b": subject}).to_string();
        assert_eq!(
            matches_object(&format!("[a:b MATCHES '{literal}']"), &object),
            expected,
            "{regex} on {subject:?}"
        );
    }
}

#[test]
fn regular_expressions_that_are_none_or_need_more_are_refused() {
    let refusal = |regex: &str| {
        let literal = regex.replace('\\', "\\\\").replace('\'', "\\'");
        let pattern = Pattern::parse(&format!("[a:b MATCHES '{literal}']")).unwrap();
        pattern.compile(MatchLimits::default()).map(drop)
    };
    for regex in
        ["(", ")", "[a", "*a", "[z-a]", "a{2,1}", "\\", "(?<1a>x)", "[[:nope:]]", "\\u", "\\x{110000}", "(?"]
    {
        let error = refusal(regex).expect_err(regex);
        assert!(matches!(&error, CompileError::Invalid(_)), "{regex}: {error}");
    }
    for regex in [
        "(?=a)",
        "(?!a)",
        "(?<=a)b",
        "(?<!a)b",
        "(a)\\1",
        "\\101",
        "(?<n>a)\\k<n>",
        "(?>a)",
        "a++",
        "(?R)",
        "(a)(?1)",
        "(?(1)a)",
        "\\R",
        "\\X",
        "(*ACCEPT)",
        "a$b",
        "a{2}{3}",
        "a**",
        "a{,3}",
        "(?m)^",
        "\\p{Nonsense}",
    ] {
        let error = refusal(regex).expect_err(regex);
        assert!(matches!(&error, CompileError::Unsupported(_)), "{regex}: {error}");
        let CompileError::Unsupported(issue) = error else { continue };
        assert!(matches!(issue.rule(), PatternRule::UnsupportedRegex(_)), "{regex}: {issue}");
    }
    let error = refusal("((a{1000}){1000}){1000}").unwrap_err();
    assert!(matches!(&error, CompileError::RegexTooLarge(_)), "{error}");
    assert!(refusal(&"(".repeat(10_000)).is_err());
}

#[test]
fn binary_values_are_bytes() {
    // The bytes 61 e9 ff 00.
    let object = r#"{"type": "a", "x_hex": "61e9FF00", "x_bin": "Yen/AA==", "d": {"y_bin": "Yen/AA"}}"#;
    let cases = [
        ("a:x_hex = 'aéÿ\0'", true),
        ("a:x_hex = b'Yen/AA=='", true),
        ("a:x_bin = h'61e9ff00'", true),
        ("a:x_bin = '61e9ff00'", false),
        ("a:x_bin > h'61e9ff'", true),
        ("a:x_bin != 'a€'", true),
        ("a:x_bin LIKE 'aé__'", true),
        ("a:x_bin LIKE 'ae\u{301}%'", true),
        ("a:x_bin MATCHES '^a\\\\xe9[^a]\\\\x00$'", true),
        ("a:x_bin MATCHES '^a\\\\w'", false),
        ("a:x_hex MATCHES 'é'", true),
        ("a:x_hex NOT MATCHES '€|a'", true),
        // Data that cannot be had make every comparison false.
        ("a:d.y_bin = 'x'", false),
        ("a:d.y_bin != 'x'", false),
        ("a:d.y_bin NOT = 'x'", false),
    ];
    for (comparison, expected) in cases {
        assert_eq!(matches_object(&format!("[{comparison}]"), object), expected, "{comparison}");
    }
}

#[test]
fn hostile_patterns_and_data_end_quickly() {
    let long = "a".repeat(100_000);
    let object = format!(r#"{{"type": "a", "b": "{long}!"}}"#);
    for regex in ["(a+)+$", "^(a|aa)*$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$"] {
        assert!(!matches_object(&format!("[a:b MATCHES '{regex}']"), &object), "{regex}");
    }
    let like = format!("[a:b LIKE '{}!x']", "%a".repeat(500));
    assert!(!matches_object(&like, &object));

    // Nine elements, each reference leading to all of them again: 9^20 ways.
    let refs = (0..9).map(|at| format!("\"x--{at}\"")).collect::<Vec<_>>().join(",");
    let nodes = (0..9)
        .map(|at| format!(r#"{{"type": "x", "id": "x--{at}", "to_refs": [{refs}]}}"#))
        .collect::<Vec<_>>()
        .join(",");
    let bundle = format!(
        r#"{{"objects": [{nodes}, {{"type": "observed-data", "id": "observed-data--1", "object_refs": [{refs}]}}]}}"#
    );
    let document = Document::read(bundle.as_bytes(), Limits::default()).unwrap();
    let observations = Observations::from_bundles([document.root()]);
    let few = MatchLimits::default().steps(100_000);
    let path = format!("[x:{}missing = 1]", "to_refs[*].".repeat(20));
    let refused = Pattern::parse(&path).unwrap().compile(few).unwrap().matches(&observations).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no answer within 100000 steps; allow more, or give fewer observations at a time"
    );

    let repeats = format!("[EXISTS x:id] REPEATS {} TIMES", u64::MAX);
    assert_eq!(compile(&format!("({repeats}) REPEATS 5 TIMES")).matches(&observations).unwrap(), None);
}

#[test]
fn many_observations_are_combined_quickly() {
    let data = (0..2000).map(|at| {
        let time = format!("2020-01-01T{:02}:{:02}:{:02}Z", at / 3600, at / 60 % 60, at % 60);
        format!(
            r#"{{"type": "observed-data", "id": "observed-data--{at}", "first_observed": "{time}", "last_observed": "{time}",
             "number_observed": 1, "object_refs": ["a--{at}"]}}, {{"type": "a", "id": "a--{at}", "x": {}}}"#,
            at % 10
        )
    });
    let bundle = format!(r#"{{"objects": [{}]}}"#, data.collect::<Vec<_>>().join(","));
    let document = Document::read(bundle.as_bytes(), Limits::default()).unwrap();
    let observations = Observations::from_bundles([document.root()]);
    let cases = [
        ("[a:x >= 0] REPEATS 2000 TIMES", true),
        ("[a:x >= 0] REPEATS 2001 TIMES", false),
        ("[a:x = 1] REPEATS 7 TIMES WITHIN 60 SECONDS", true),
        ("[a:x = 1] REPEATS 8 TIMES WITHIN 60 SECONDS", false),
        ("[a:x = 1] REPEATS 100 TIMES AND [a:x < 2] REPEATS 300 TIMES", true),
        ("[a:x = 1] REPEATS 100 TIMES AND [a:x < 2] REPEATS 301 TIMES", false),
        ("([a:x = 9] AND [a:x = 5]) WITHIN 3.9 SECONDS", false),
        ("([a:x = 9] AND [a:x = 5]) WITHIN 4 SECONDS", true),
        ("([a:x = 9] FOLLOWEDBY [a:x = 5] FOLLOWEDBY [a:x = 1]) WITHIN 11 SECONDS", false),
        ("([a:x = 9] FOLLOWEDBY [a:x = 5] FOLLOWEDBY [a:x = 1]) WITHIN 12 SECONDS", true),
        ("([a:x = 2] FOLLOWEDBY [a:x = 1]) REPEATS 199 TIMES", true),
        ("([a:x = 2] FOLLOWEDBY [a:x = 1]) REPEATS 200 TIMES", false),
        ("([a:x = 1] AND [a:x = 3]) WITHIN 2 SECONDS REPEATS 50 TIMES", true),
        ("([a:x = 1] AND [a:x = 4]) WITHIN 2 SECONDS REPEATS 2 TIMES", false),
    ];
    for (text, expected) in cases {
        let found = compile(text).matches(&observations).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found.is_some(), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn no_regular_expression_makes_the_compiler_panic(
        regex in "[()\\[\\]{}*+?|^$.:\\\\<>=!,a-ePQExmis0-9#& -]{0,24}|\\PC{0,12}",
        subject in "[a-e0-9\n]{0,6}",
    ) {
        let literal = regex.replace('\\', "\\\\").replace('\'', "\\'");
        for property in ["s", "s_bin"] {
            let pattern = Pattern::parse(&format!("[a:{property} MATCHES '{literal}']")).unwrap();
            pattern.check();
            let Ok(compiled) = pattern.compile(MatchLimits::default()) else { continue };
            let object = serde_json::json!({"type": "a", "s": subject, "s_bin": "YWJj"}).to_string();
            let document = Document::read(object.as_bytes(), Limits::default()).unwrap();
            compiled.matches_object(document.root()).unwrap();
        }
    }
}
