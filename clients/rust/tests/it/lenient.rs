//! Servers that take the standard less seriously are understood all the same.

use crate::script::Script;
use crate::stub::{Behaviour, COLLECTION, Stub, taxii, text};
use stix_model::taxii::MEDIA_TYPE;

/// A stub whose next answers have these bodies.
fn saying(bodies: &[&str]) -> Stub {
    let answer = |body: &&str| (200, vec![("content-type", MEDIA_TYPE.to_owned())], (*body).to_owned());
    Stub::start(Behaviour { refusals: bodies.iter().map(answer).collect(), ..Behaviour::default() })
}

fn run(stub: &Stub, arguments: &[&str]) -> String {
    let (exit, shown, said) = outcome(stub, arguments);
    assert_eq!(exit, Some(0), "{said}");
    shown
}

/// Exit code, standard output, standard error.
fn outcome(stub: &Stub, arguments: &[&str]) -> (Option<i32>, String, String) {
    let root = format!("{}root/", stub.url);
    let output = stub.command().args(["--url", &root]).args(arguments).output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
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

const OBJECT: &str = r#"{"type":"x","id":"y"}"#;

#[test]
fn what_is_no_page_is_an_error_that_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("objects.jsonl");
    let pull = ["pull", "-c", COLLECTION, "-o", file.to_str().unwrap()];
    let manifest = ["manifest", "-c", COLLECTION];
    let error = r#"{"title":"Down","description":"come back later","http_status":"500"}"#;
    for (arguments, name) in
        [(&pull[..], "an envelope"), (&manifest, "a manifest"), (&["list"], "collections")]
    {
        for (body, expected) in [
            (r#"{"title":"error"}"#, "an error came with a status of success: error".to_owned()),
            (error, "an error came with a status of success: Down – come back later".to_owned()),
            (r#"{"message":"hi"}"#, format!(r#"{name} was asked for, and this came: {{"message":"hi"}}"#)),
            (r#""text""#, format!(r#"{name} was asked for, and this came: "text""#)),
            ("null", format!("{name} was asked for, and this came: null")),
            ("[7]", "at /0: ".to_owned()),
        ] {
            let (exit, shown, said) = outcome(&saying(&[body]), arguments);
            assert_eq!((exit, &*shown), (Some(1), ""), "{body} {said}");
            assert!(said.contains(&format!("not a TAXII 2.1 answer: {expected}")), "{body}: {said}");
        }
        for body in ["{}", "", r#"{"x_other":1}"#, r#"{"more":false,"title":"T"}"#] {
            run(&saying(&[body]), arguments);
            std::fs::remove_file(&file).ok();
            std::fs::remove_file(folder.path().join("objects.jsonl.taxii-state")).ok();
        }
    }
    let (exit, _, said) = outcome(&saying(&[r#"[{"id":"s","status":"complete"}]"#]), &["status", "s"]);
    assert!(exit == Some(1) && said.contains("a status was asked for, and this came: [{"), "{said}");
}

#[test]
fn a_bare_list_is_read_with_a_remark() {
    let remark = "the server sends a list without an object around it; it is read as";
    let list = format!("[{OBJECT}]");
    let (exit, shown, said) = outcome(&saying(&[&list]), &["pull", "-c", COLLECTION]);
    assert_eq!((exit, shown), (Some(0), format!("{OBJECT}\n")));
    assert_eq!(said, format!("{remark} an envelope\n1 objects\n"));
    let (exit, shown, said) =
        outcome(&saying(&[r#"["tool--a",{"id":"b"}]"#]), &["manifest", "-c", COLLECTION]);
    assert_eq!((exit, &*shown), (Some(0), "    tool--a\n    b\n"));
    let plain = "the manifest has identifiers only, without dates and versions";
    assert_eq!(said, format!("{remark} a manifest\n{plain}\n"));
    let collections = r#"[{"id":"365fed99-08fa-4dcd-a1b3-fb247eb41d01","title":"feed"}]"#;
    let (exit, shown, said) = outcome(&saying(&[collections]), &["list"]);
    assert!(exit == Some(0) && shown.contains("feed") && said.contains(remark), "{shown}{said}");
}

#[tokio::test]
async fn versions_are_read_from_a_bare_list_and_from_nothing_else() {
    let versions = async |body: &str| saying(&[body]).client_at("root").versions(COLLECTION, "tool--a").await;
    let read = versions(r#"["2026-03-01T10:00:00+00:00"]"#).await.unwrap();
    assert_eq!(read, ["2026-03-01T10:00:00Z"]);
    for (body, expected) in [
        (r#"{"title":"error"}"#, "an error came"),
        (r#"{"versions":[{"a":1}]}"#, r#"at /versions/0: a version belongs here, not {"a":1}"#),
        (r#"[["2026"]]"#, "at /0: "),
    ] {
        let said = versions(body).await.unwrap_err().to_string();
        assert!(said.contains(expected), "{body}: {said}");
    }
}

#[test]
fn nothing_that_is_no_object_is_written_as_one() {
    for (objects, expected) in [
        (r#"{"a":{"type":"x","id":"y"}}"#, r#"at /objects: a list belongs here, not {"a":{"#),
        (r#"{"type":{"type":"x"}}"#, "at /objects: a list belongs here"),
        (r#""x""#, r#"at /objects: a list belongs here, not "x""#),
        (r#"[{"type":"x"},"x"]"#, r#"at /objects/1: a JSON object belongs here, not "x""#),
        ("[null,[1]]", "at /objects/1: a JSON object belongs here, not [1]"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("objects.jsonl");
        let pull = ["pull", "-c", COLLECTION, "-o", file.to_str().unwrap()];
        let first = format!(r#"{{"more":true,"next":"2","objects":[{OBJECT}]}}"#);
        let second = format!(r#"{{"objects":{objects}}}"#);
        // The one that was read stays, and the walk goes on after it.
        let stub = saying(&[&first, &second]);
        let (exit, _, said) = outcome(&stub, &pull);
        assert!(exit == Some(1) && said.contains(expected), "{objects}: {said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{OBJECT}\n"));
        let last = format!(r#"{{"objects":[{OBJECT},null]}}"#);
        stub.behaviour().refusals = saying(&[&last]).behaviour().refusals.clone();
        let (exit, _, said) = outcome(&stub, &pull);
        assert!(
            exit == Some(0) && said.contains("elements of `objects` are null and were left out"),
            "{said}"
        );
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{OBJECT}\n{OBJECT}\n"));
        assert!(stub.behaviour().requests.last().unwrap().ends_with("next=2"));
    }
}

#[test]
fn what_discovery_cannot_show_is_told() {
    let script = |limit: &'static str| {
        Script::start(move |request| {
            let json = crate::script::JSON;
            match &*request.path {
                "/taxii2/" => (200, json, r#"{"title":"T","api_roots":["/root/"]}"#.to_owned()),
                "/root/" => (200, json, format!(r#"{{"title":"R","versions":["v"]{limit}}}"#)),
                _ => {
                    (200, json, r#"{"collections":[{"id":"c"},{"title":"no id"},{"id":null},7]}"#.to_owned())
                }
            }
        })
    };
    for limit in ["", r#","max_content_length":null"#] {
        let script = script(limit);
        let server = script.url.replace("root/", "");
        let output = taxii().args(["--url", &server, "discover"]).output().unwrap();
        let (shown, said) = (text(&output.stdout), text(&output.stderr));
        assert!(shown.contains("R (the server does not tell how large a request may be)\n"), "{shown}");
        let remark = "3 elements of `collections` left out: 2 without `id`, 1 not a JSON object";
        assert!(said.contains(remark), "{said}");
        let output = taxii().args(["--url", &server, "--json", "discover"]).output().unwrap();
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(shown["api_roots"][0]["api_root"], serde_json::json!({ "title": "R", "versions": ["v"] }));
        let output = taxii().args(["--url", &server, "list"]).output().unwrap();
        assert!(text(&output.stderr).contains(remark));
    }
}

#[test]
fn dates_go_back_in_utc_or_not_at_all() {
    let pulls = |date: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("objects.jsonl");
        let headers =
            vec![("content-type", MEDIA_TYPE.to_owned()), ("x-taxii-date-added-last", date.to_owned())];
        let page = (200, headers, format!(r#"{{"objects":[{OBJECT}]}}"#));
        let stub = Stub::start(Behaviour { refusals: vec![page], ..Behaviour::default() });
        let pull = ["pull", "-c", COLLECTION, "-o", file.to_str().unwrap()];
        let (exit, _, said) = outcome(&stub, &pull);
        assert_eq!(exit, Some(0), "{said}");
        outcome(&stub, &pull);
        let requests = stub.behaviour().requests.clone();
        (said, requests.get(1).cloned().unwrap_or_default())
    };
    for (date, expected) in [
        ("2026-03-01T10:00:00.1200+00:00", "2026-03-01T10%3A00%3A00.1200Z"),
        ("2026-03-01T11:00:00.123456789+01:00", "2026-03-01T10%3A00%3A00.123456789Z"),
        ("Sun, 01 Mar 2026 10:00:00 GMT", "2026-03-01T10%3A00%3A00Z"),
    ] {
        let (said, second) = pulls(date);
        assert!(second.ends_with(&format!("?added_after={expected}")), "{second}");
        assert!(!said.contains("cannot be read"), "{said}");
    }
    let (said, second) = pulls("yesterday");
    assert!(!second.contains("added_after"), "{second}");
    let remark = "the header x-taxii-date-added-last cannot be read as a date and is not used: \"yesterday\"";
    assert!(said.contains(remark), "{said}");
}
