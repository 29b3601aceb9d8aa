//! `taxii validate`: places, pointers, and one verdict for each object.

use crate::stub::{object, taxii, text};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Output, Stdio};

fn validate(arguments: &[&str], input: &str) -> Output {
    let mut command = taxii();
    command.arg("validate").args(arguments).arg("-");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn verdicts(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn good_objects_pass() {
    let lines = [object(0), object(1)].map(|object| object.replace('\n', " ")).join("\n");
    for input in [format!(r#"{{"objects":[{},{}]}}"#, object(0), object(1)), object(0), lines] {
        let output = validate(&[], &input);
        assert!(output.status.success(), "{input}");
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn faults_have_a_place() {
    let input = format!(
        "{{\"objects\": [\n{},\n {{\"type\": \"url\", \"id\": 7}},\n {{\"type\": \"url\",\n \"é\": 1, \"id\": \"url-1\"}}, 17]}}",
        object(0)
    );
    let output = validate(&[], &input);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "standard input:4:24: /id: must be a string, not a number\n\
         standard input:6:16: url-1: /id: an identifier has the form type--UUID\n\
         standard input:6:26: must be an object, not a number\n"
    );
    assert_eq!(text(&output.stderr), "4 objects, 3 of them invalid\n");
}

#[test]
fn each_line_has_a_verdict() {
    let good = object(0).replace('\n', " ");
    let input =
        format!("{good}\n\n{{\"type\":\"url\",\"type\":\"x\"}}\n{{\"type\":\"url\"}}\n{{\"a\":\n{good}\n");
    let output = validate(&["--json"], &input);
    assert_eq!(output.status.code(), Some(1));
    let id = "url--7d45bfa7-9b83-5b0c-b5ae-000000000000";
    let finding = |code: &str, pointer: &str, rule: &str, message: &str| json!([{ "code": code, "severity": "error", "pointer": pointer, "rule": rule, "message": message }]);
    let verdict = |line: usize, id: Option<&str>, findings: Value| {
        let valid = findings == json!([]);
        json!({ "file": "standard input", "line": line, "id": id, "valid": valid, "findings": findings })
    };
    let twice = "this member name occurs twice in one object";
    let missing = "the required property `id` is missing";
    let expected = [
        verdict(1, Some(id), json!([])),
        verdict(3, None, finding("json-duplicate-name", "/type", "RFC 7493, section 2.3", twice)),
        verdict(4, None, finding("missing-property", "", "STIX 2.1, section 3.2", missing)),
        verdict(5, None, finding("json-syntax", "/a", "RFC 8259", "the text ends too early")),
        verdict(6, Some(id), json!([])),
    ];
    assert_eq!(verdicts(&output), expected);
}

#[test]
fn a_text_that_cannot_be_read_is_one_fault() {
    for (input, code) in
        [("{\"objects\": [\n {\"a\": 01}]}", "json-syntax"), ("[]", "envelope"), ("{}", "envelope")]
    {
        let found = verdicts(&validate(&["--json"], input));
        assert_eq!(found.len(), 1, "{input}");
        assert_eq!(found[0]["findings"][0]["code"], code);
    }
    // Told that these are lines, the good one counts.
    let found =
        verdicts(&validate(&["--json", "--lines"], &format!("nonsense\n{}", object(1).replace('\n', " "))));
    assert_eq!([&found[0]["valid"], &found[1]["valid"]], [&json!(false), &json!(true)]);
}
