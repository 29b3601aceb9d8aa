//! `taxii push`: full envelopes, untouched objects, and every failure named.

use crate::stub::{Behaviour, COLLECTION, Stub, object, taxii, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use stix_model::taxii::write_envelope;

fn write(folder: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn push(stub: &Stub, files: &[&PathBuf]) -> (i32, Value) {
    let output = stub.command().args(["push", "--json"]).args(files).output().unwrap();
    let summary = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| text(&output.stderr).into());
    (output.status.code().unwrap(), summary)
}

/// All objects that the server was sent, and the lengths of the requests.
fn received(stub: &Stub) -> (Vec<String>, Vec<usize>) {
    let behaviour = stub.behaviour();
    let objects = behaviour.bodies.iter().flat_map(|body| {
        let rows = stix_model::taxii::split(body, Default::default()).unwrap();
        rows.into_iter().map(|row| text(row.unwrap().json())).collect::<Vec<_>>()
    });
    (objects.collect(), behaviour.bodies.iter().map(axum::body::Bytes::len).collect())
}

#[test]
fn every_kind_of_file_is_understood() {
    let stub = Stub::start(Behaviour::default());
    let folder = tempfile::tempdir().unwrap();
    let objects: Vec<String> = (0..4).map(object).collect();
    let flat: Vec<String> = objects.iter().map(|object| object.replace('\n', " ")).collect();
    let bundle = format!(r#"{{"type":"bundle","id":"bundle--x","objects":[{}]}}"#, objects.join(" ,\n"));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bundle.as_bytes()).unwrap();
    let files = [
        (write(&folder, "bundle.json", &bundle), &objects[..]),
        (write(&folder, "bundle.json.gz", gzip.finish().unwrap()), &objects[..]),
        (write(&folder, "envelope.json", format!(r#"{{"objects":[{}]}}"#, objects[1])), &objects[1..2]),
        (write(&folder, "object.json", &objects[2]), &objects[2..3]),
        (write(&folder, "lines", format!("{}\n\n", flat.join("\r\n"))), &flat[..]),
        (write(&folder, "one.jsonl", &flat[0]), &flat[..1]),
    ];
    for (file, expected) in files {
        stub.behaviour().bodies.clear();
        let total = expected.len();
        let summary = json!({ "total": total, "success": total, "failure": 0, "pending": 0, "unknown": 0, "not_sent": 0, "failures": [] });
        assert_eq!(push(&stub, &[&file]), (0, summary), "{}", file.display());
        assert_eq!(received(&stub).0, expected, "{}", file.display());
    }
}

#[test]
fn each_envelope_has_a_key_of_its_own() {
    let limit = object(0).len() as u64 + 30;
    let stub = Stub::start(Behaviour { max_content_length: limit, ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let objects: Vec<String> = (0..3).map(|number| object(2 * number)).collect();
    let file = write(&folder, "list.json", format!("[{}]", objects.join(",")));
    assert_eq!(push(&stub, &[&file]).0, 0);
    let behaviour = stub.behaviour();
    let posts =
        behaviour.requests.iter().zip(&behaviour.headers).filter(|(line, _)| line.starts_with("POST"));
    let keys: BTreeSet<_> = posts.map(|(_, headers)| headers["idempotency-key"].to_str().unwrap()).collect();
    assert_eq!(keys.len(), 3);
}

#[test]
fn envelopes_are_filled_to_the_last_byte() {
    // All of the same length.
    let objects: Vec<String> = (0..10).map(|number| object(2 * number)).collect();
    let length = |count| write_envelope(None, objects[..count].iter().map(String::as_bytes)).len();
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "bundle", write_envelope(None, objects.iter().map(String::as_bytes)));
    for (limit, sizes) in
        [(length(5), vec![5, 5]), (length(5) - 1, vec![4, 4, 2]), (length(1) + 9, vec![1; 10])]
    {
        let stub = Stub::start(Behaviour { max_content_length: limit as u64, ..Behaviour::default() });
        assert_eq!(push(&stub, &[&file]).0, 0);
        let (got, bytes) = received(&stub);
        assert_eq!(got, objects);
        assert!(bytes.iter().all(|bytes| *bytes <= limit), "{bytes:?}");
        assert_eq!(bytes.len(), sizes.len(), "{limit}");
    }
}

#[test]
fn failures_are_named_and_spoil_nothing_else() {
    let stub = Stub::start(Behaviour { max_content_length: 400, pending: 2, ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let id = |number: usize| format!("tool--7d45bfa7-9b83-4b0c-b5ae-{number:012x}");
    let tool = |number, name: &str| format!(r#"{{"type":"tool","id":"{}","name":"{name}"}}"#, id(number));
    let objects =
        [tool(1, "good"), tool(2, "bad"), tool(3, &"x".repeat(400)), r#"{"id":"x"}"#.into(), tool(4, "good")];
    let file = write(&folder, "tools.jsonl", objects.join("\n"));
    let (code, summary) = push(&stub, &[&file]);
    assert_eq!(code, 1);
    let failures = json!([
        { "file": file, "line": 4, "column": 7, "id": "x", "version": "", "pointer": "/id", "code": "identifier",
          "rule": "S-012", "message": "an identifier has the form type--UUID" },
        { "file": file, "line": 3, "column": 1, "id": id(3), "version": "", "pointer": "", "code": "too-large",
          "message": format!("not sent: the request has {} bytes with this object alone, and the server takes at most 400", write_envelope(None, [objects[2].as_bytes()]).len()) },
        { "file": file, "line": 2, "column": 1, "id": id(2), "version": "v", "message": "it is bad" },
    ]);
    let expected = json!({ "total": 5, "success": 2, "failure": 3, "pending": 0, "unknown": 0, "not_sent": 0, "failures": failures });
    assert_eq!(summary, expected);

    let output = stub.command().arg("push").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    let file = file.display();
    assert!(said.contains(&format!("failed  {file}:2:1  {}  v  it is bad\n", id(2))), "{said}");
    let unreadable =
        format!("failed  {file}:4:7  x  identifier at /id: an identifier has the form type--UUID (S-012)\n");
    assert!(said.contains(&unreadable), "{said}");
    assert!(said.ends_with("2 of 5 objects added, 3 failed, 0 pending\n"), "{said}");
}

#[test]
fn findings_of_the_server_are_shown_where_they_stand() {
    let finding = json!({ "pointer": "/aliases/1", "code": "property-type", "rule": "S-018",
                          "message": "must be a string", "fix": "quote it", "more": 2 });
    let folder = tempfile::tempdir().unwrap();
    let good = object(0).replace('\n', " ");
    let bad = |number: usize, break_: &str| {
        format!(
            r#"{{"type":"tool","id":"tool--7d45bfa7-9b83-4b0c-b5ae-{number:012x}",{break_}"name":"bad","aliases":["é", 7]}}"#
        )
    };
    let lines = format!("{good}\n\n  {}\n{{\"a\":1,\"a\":2}}\n", bad(1, ""));
    let bundle = format!("{{\"type\":\"bundle\",\n \"objects\":[{good},\n  {}]}}", bad(2, "\n"));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines.as_bytes()).unwrap();
    let packed = write(&folder, "lines.gz", gzip.finish().unwrap());
    let spread = write(&folder, "bundle.json.zst", zstd::encode_all(bundle.as_bytes(), 1).unwrap());
    // Found where it was, also when the server decides later, and whichever envelope an object was in.
    for pending in [0, 2] {
        let behaviour =
            Behaviour { finding: Some(finding.clone()), max_content_length: 300, ..Behaviour::default() };
        let stub = Stub::start(Behaviour { pending, ..behaviour });
        let mut command = stub.command();
        let command = command.args(["push", "--json"]).args([&packed, &spread]).arg("-");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(bad(3, "").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut places: Vec<_> = summary["failures"].as_array().unwrap().iter().collect();
        places.sort_by_key(|row| row["code"] != "json");
        let row = |file: Value, line, column, number: usize| {
            json!({ "file": file, "line": line, "column": column, "version": "v",
                    "id": format!("tool--7d45bfa7-9b83-4b0c-b5ae-{number:012x}"), "pointer": "/aliases/1",
                    "code": "property-type", "rule": "S-018", "message": "must be a string", "fix": "quote it",
                    "more": 2 })
        };
        let twice = json!({ "file": packed, "line": 4, "column": 8, "id": "", "version": "", "pointer": "/a",
                            "code": "json", "message": "this member name occurs twice in one object" });
        let expected = [
            twice,
            row(json!(packed), 3, 97, 1),
            row(json!(spread), 4, 30, 2),
            row(json!("standard input"), 1, 95, 3),
        ];
        assert_eq!(places, expected.iter().collect::<Vec<_>>(), "{pending}");
    }
    let stub = Stub::start(Behaviour { finding: Some(finding), ..Behaviour::default() });
    let output = stub.command().arg("push").arg(&spread).output().unwrap();
    let expected = "property-type at /aliases/1: must be a string (S-018); fix: quote it; 2 more errors\n";
    let row = format!(
        "failed  {}:4:30  tool--7d45bfa7-9b83-4b0c-b5ae-000000000002  v  {expected}",
        spread.display()
    );
    assert!(text(&output.stdout).starts_with(&row), "{}", text(&output.stdout));
}

#[test]
fn what_stays_pending_is_no_failure() {
    let stub = Stub::start(Behaviour { pending: usize::MAX, ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "object.json", object(0));
    let output = stub.command().args(["push", "--wait", "0"]).arg(&file).output().unwrap();
    assert!(output.status.success());
    let expected = "0 of 1 objects added, 0 failed, 1 pending\npending: taxii status 2d086da7-4bdc-4f91-900e-000000000000\n";
    assert_eq!(text(&output.stdout), expected);
    let output = stub.run(&["status", "2d086da7-4bdc-4f91-900e-000000000000"]);
    assert_eq!(text(&output.stdout), "pending: 0 of 1 added, 0 failed, 1 pending\n");
}

#[test]
fn what_was_done_is_told_when_the_server_goes_away() {
    let limit = object(0).len() as u64 + 30;
    let behaviour = Behaviour { objects: Vec::new(), posts_left: 2, ..Behaviour::default() };
    let stub = Stub::start(Behaviour { max_content_length: limit, ..behaviour });
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..6).map(|number| object(2 * number).replace('\n', " ")).collect();
    let file = write(&folder, "lines", lines.join("\n"));
    let output = stub.command().arg("push").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    let last = "2 of 6 objects added, 0 failed, 0 pending, 3 with unknown outcome, 1 not sent\n";
    assert!(said.ends_with(last), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("unknown  ")).count(), 3, "{said}");
    assert!(text(&output.stderr).contains("HTTP 500: Cut off"), "{}", text(&output.stderr));
}

#[test]
fn a_collection_that_is_not_writable_is_sent_nothing() {
    let stub = Stub::start(Behaviour { can_write: false, ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "object.json", object(0));
    let output = stub.command().args(["push", "-c", COLLECTION]).arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("this account may not add objects"));
    let output = stub.command().arg("push").arg(&file).output().unwrap();
    assert!(text(&output.stderr).contains("there is no collection that this account may write"));
    assert!(stub.behaviour().bodies.is_empty());
}

#[test]
fn a_missing_file_stops_everything_before_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let there = write(&folder, "object.json", object(0));
    let output = taxii()
        .args(["--url", "https://unused.example", "push", "-c", "x"])
        .args([&there, &folder.path().join("missing")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("missing: No such file"), "{}", text(&output.stderr));
}
