//! `taxii push`: full envelopes, untouched objects, and every failure named.

use crate::stub::{Behaviour, COLLECTION, Stub, object, taxii, text};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
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
        let summary = json!({ "total": total, "success": total, "failure": 0, "pending": 0, "not_sent": 0, "failures": [] });
        assert_eq!(push(&stub, &[&file]), (0, summary), "{}", file.display());
        assert_eq!(received(&stub).0, expected, "{}", file.display());
    }
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
        { "id": "x", "version": "", "message": "not sent: /id: an identifier has the form type--UUID" },
        { "id": id(3), "version": "", "message": "not sent: the server takes at most 400 bytes" },
        { "id": id(2), "version": "v", "message": "it is bad" },
    ]);
    let expected =
        json!({ "total": 5, "success": 2, "failure": 3, "pending": 0, "not_sent": 0, "failures": failures });
    assert_eq!(summary, expected);

    let output = stub.command().arg("push").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains(&format!("failed  {}  v  it is bad\n", id(2))), "{said}");
    assert!(said.ends_with("2 of 5 objects added, 3 failed, 0 pending\n"), "{said}");
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
    let stub = Stub::start(Behaviour { max_content_length: limit, posts_left: 2, ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..5).map(|number| object(2 * number).replace('\n', " ")).collect();
    let file = write(&folder, "lines", lines.join("\n"));
    let output = stub.command().arg("push").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "2 of 5 objects added, 0 failed, 0 pending, 3 not sent\n");
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
