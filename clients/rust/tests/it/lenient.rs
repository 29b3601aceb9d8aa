//! Servers that take the standard less seriously are understood all the same.

use crate::stub::{Behaviour, COLLECTION, Stub, text};
use stix_model::taxii::MEDIA_TYPE;

/// A stub whose next answers have these bodies.
fn saying(bodies: &[&str]) -> Stub {
    let answer = |body: &&str| (200, vec![("content-type", MEDIA_TYPE.to_owned())], (*body).to_owned());
    Stub::start(Behaviour { refusals: bodies.iter().map(answer).collect(), ..Behaviour::default() })
}

fn run(stub: &Stub, arguments: &[&str]) -> String {
    let root = format!("{}root/", stub.url);
    let output = stub.command().args(["--url", &root]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_collection_with_another_kind_of_id_hides_nothing() {
    let collections = r#"{"collections":[
        {"id":"mitre_attack_enterprise","title":"A","can_read":true,"can_write":false,"media_types":null},
        {"id":7,"title":null,"description":5,"can_read":"true","can_write":"false"},
        {"id":"365fed99-08fa-4dcd-a1b3-fb247eb41d01","title":"feed","alias":null}]}"#;
    let listed = run(&saying(&[collections]), &["list"]);
    let rows: Vec<Vec<_>> = listed.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let expected: [&[&str]; 3] = [
        &["mitre_attack_enterprise", "read", "A"],
        &["7", "read"],
        &["365fed99-08fa-4dcd-a1b3-fb247eb41d01", "read,", "write", "feed"],
    ];
    assert_eq!(rows, expected);
    assert_eq!(run(&saying(&[r#"{"collections":null}"#]), &["list"]).lines().count(), 1);
    assert_eq!(run(&saying(&[""]), &["list"]).lines().count(), 1);
}

#[test]
fn times_with_an_offset_are_read() {
    let id = "indicator--5d0b9a7e-1f2c-4a3d-8b4e-000000000001";
    let manifest = format!(
        r#"{{"more":"false","next":null,"objects":[
            {{"id":"{id}","date_added":"2026-03-01T11:00:00.183201+01:00","version":"2026-03-01T10:00:00.000Z"}},
            {{"id":"x","date_added":"yesterday","version":null,"media_type":null}}]}}"#
    );
    let listed = run(&saying(&[&manifest]), &["manifest", "-c", COLLECTION]);
    let expected = format!("2026-03-01T10:00:00.183201Z  2026-03-01T10:00:00.000Z  {id}\nyesterday    x\n");
    assert_eq!(listed, expected);
}

#[test]
fn pages_without_objects_are_empty() {
    for page in [r#"{"more":false,"objects":null}"#, r#"{"more":null,"next":null}"#, "{}", "", "\u{feff}{}"] {
        assert_eq!(run(&saying(&[page]), &["pull", "-c", COLLECTION]), "", "{page}");
    }
    let one = r#"{"more":"false","objects":{"type":"x", "id":"y"}}"#;
    assert_eq!(run(&saying(&[one]), &["pull", "-c", COLLECTION]), "{\"type\":\"x\", \"id\":\"y\"}\n");
}

#[test]
fn a_status_of_another_server_is_shown() {
    let status = r#"{"id":"work_6f1c_2026-03-01T10:00:00.000Z","status":"failed","total_count":"3","success_count":1.0,
        "request_timestamp":"2026-03-01T10:00:00+00:00","successes":["tool--a"],"failures":[{"id":"tool--b","message":7}],
        "pendings":null}"#;
    let stub = saying(&[status]);
    let mut command = stub.command();
    command.args(["status", "work_6f1c_2026-03-01T10:00:00.000Z", "--url"]);
    let output = command.arg(format!("{}root/", stub.url)).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "complete: 1 of 3 added, 1 failed, 0 pending\nfailed  tool--b    7\n");
    let asked = stub.behaviour().requests[0].clone();
    assert_eq!(asked, "GET /root/status/work_6f1c_2026-03-01T10:00:00.000Z/");
}
