//! `taxii push` to servers and through proxies that answer in their own way: what left is never called "not sent".

use crate::script::{JSON, Reply, Request, Script};
use crate::stub::{taxii, text};
use serde_json::{Value, json};
use std::time::Duration;
use taxii_client::{Client, Error, Options, Retry};

fn id(number: usize) -> String {
    format!("tool--7d45bfa7-9b83-4b0c-b5ae-{number:012x}")
}

/// A file with one object on each line; those numbers are bad.
pub(crate) fn file(folder: &tempfile::TempDir, count: usize, bad: &[usize]) -> std::path::PathBuf {
    let line = |number| {
        let name = if bad.contains(&number) { "bad" } else { "good" };
        let (id, time) = (id(number), "2026-03-01T10:00:00.000Z");
        format!(
            r#"{{"type":"tool","spec_version":"2.1","id":"{id}","created":"{time}","modified":"{time}","name":"{name}"}}"#
        )
    };
    let lines: Vec<String> = (0..count).map(line).collect();
    let path = folder.path().join("tools.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

/// A file of 300 objects of 4,000 bytes.
pub(crate) fn large_file(folder: &tempfile::TempDir) -> std::path::PathBuf {
    let path = file(folder, 300, &[]);
    let text = std::fs::read_to_string(&path).unwrap().replace("good", &"x".repeat(4000));
    std::fs::write(&path, text).unwrap();
    path
}

pub(crate) fn push(script: &Script, file: &std::path::Path, more: &[&str]) -> (i32, Value, String) {
    let mut command = taxii();
    command.args(["--url", &script.url, "--json", "push", "-c", "c", "--wait", "0"]).args(more).arg(file);
    let output = command.output().unwrap();
    let summary = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), summary, text(&output.stderr))
}

/// Success, failure, pending, unknown, not sent.
pub(crate) fn counts(summary: &Value) -> [u64; 5] {
    ["success", "failure", "pending", "unknown", "not_sent"].map(|name| summary[name].as_u64().unwrap())
}

pub(crate) fn all_added(request: &Request) -> Reply {
    let count = request.body.matches("spec_version").count();
    let status = json!({ "id": "s", "status": "complete", "total_count": count, "success_count": count,
                         "failure_count": 0, "pending_count": 0 });
    (202, JSON, status.to_string())
}

#[test]
fn any_answer_to_objects_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, 2, &[]);
    let status = |rest: &str| {
        format!(
            r#"{{"id":"work_6f1c_2026-03-01T10:00:00.000Z","request_timestamp":"2026-03-01T10:00:00+00:00",{rest}}}"#
        )
    };
    let cases = [
        (
            202,
            status(
                r#""status":"pending","total_count":1,"success_count":0,"failure_count":0,"pending_count":1"#,
            ),
            [0, 0, 2, 0, 0],
        ),
        (200, status(r#""status":"processing""#), [0, 0, 2, 0, 0]),
        (
            200,
            status(
                r#""status":"failed","total_count":1,"success_count":0,"failure_count":0,"pending_count":1"#,
            ),
            [0, 0, 0, 2, 0],
        ),
        (201, status(r#""status":"failed","total_count":1"#), [0, 0, 0, 2, 0]),
        (
            200,
            status(r#""status":"complete","success_count":"1","successes":["tool--a"],"failures":null"#),
            [2, 0, 0, 0, 0],
        ),
        (
            200,
            status(r#""status":"complete","successes":null,"failures":[{"id":"x","message":"no"}]"#),
            [0, 2, 0, 0, 0],
        ),
        (200, String::new(), [0, 0, 0, 2, 0]),
        (204, String::new(), [0, 0, 0, 2, 0]),
        (200, "null".into(), [0, 0, 0, 2, 0]),
        (200, r#"{"welcome":"#.into(), [0, 0, 0, 2, 0]),
        (500, String::new(), [0, 0, 0, 2, 0]),
    ];
    for (code, body, expected) in cases {
        let answer = body.clone();
        let script = Script::of_posts(move |_| (code, JSON, answer.clone()));
        let (exit, summary, said) = push(&script, &file, &["--max-objects", "1"]);
        assert_eq!(counts(&summary), expected, "{code} {body} {said}");
        assert_eq!(exit, i32::from(expected[1] + expected[3] > 0), "{body}");
        if expected[3] > 0 {
            assert_eq!(summary["unknowns"][1]["line"], 2);
            assert_eq!(summary["unknowns"][1]["id"], id(1));
        }
        for asked in ["pending_status", "unknown_status"] {
            if summary[asked].is_array() {
                assert_eq!(summary[asked][0], "work_6f1c_2026-03-01T10:00:00.000Z");
            }
        }
    }
}

#[test]
fn what_is_pending_in_a_request_that_has_ended_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, 3, &[]);
    for word in ["complete", "failed"] {
        let status = json!({ "id": "s-1", "status": word, "total_count": 3, "success_count": 1, "failure_count": 0,
                             "pending_count": 1, "pendings": [{ "id": id(1) }] });
        let script = Script::of_posts(move |_| (202, JSON, status.to_string()));
        let (exit, summary, said) = push(&script, &file, &[]);
        assert_eq!((exit, counts(&summary)), (1, [1, 0, 0, 2, 0]), "{said}");
        assert_eq!(summary["unknowns"][0]["line"], 2);
        let output = taxii().args(["--url", &script.url, "push", "-c", "c"]).arg(&file).output().unwrap();
        let shown = text(&output.stdout);
        let last =
            "1 of 3 objects added, 0 failed, 0 pending, 2 with unknown outcome\nunknown: taxii status s-1\n";
        assert!(shown.ends_with(last), "{shown}");
    }
}

#[test]
fn what_arrived_without_an_answer_is_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, 3, &[]);
    for has_manifest in [true, false] {
        let script = Script::start(move |request| {
            let path = &request.path;
            // The second object did not arrive; of the third, there is another version.
            let (first, third) = (id(0), id(2));
            match request.method.as_str() {
                "POST" => (500, "", String::new()),
                _ if path.contains("/manifest/") && has_manifest => {
                    let records = json!([{ "id": first, "version": "2026-03-01T11:00:00+01:00", "date_added": null },
                                         { "id": third, "version": "2020-01-01T00:00:00Z" }]);
                    (200, JSON, json!({ "objects": records }).to_string())
                }
                _ if path.contains("/objects/") => {
                    let object = |id: &str, time: &str| json!({ "type": "tool", "spec_version": "2.1", "id": id, "created": time, "modified": time });
                    let objects = [
                        object(&first, "2026-03-01T10:00:00.000Z"),
                        object(&third, "2020-01-01T00:00:00.000Z"),
                    ];
                    (200, JSON, json!({ "objects": objects }).to_string())
                }
                _ if path.ends_with("/c/") => (200, JSON, r#"{"id":"c","title":"C"}"#.to_owned()),
                _ => (404, "", String::new()),
            }
        });
        let (exit, summary, said) = push(&script, &file, &[]);
        assert_eq!((exit, counts(&summary)), (1, [1, 0, 0, 2, 0]), "{said}");
        assert_eq!(script.posts().len(), 2, "a server that knows the key tells the outcome the second time");
        let keys: Vec<_> = script.posts().iter().map(|post| post.head.to_ascii_lowercase()).collect();
        let key =
            |head: &str| head.lines().find(|line| line.starts_with("idempotency-key:")).map(str::to_owned);
        assert_eq!(key(&keys[0]), key(&keys[1]));
        assert!(key(&keys[0]).is_some());
    }
}

#[test]
fn a_server_that_fails_all_the_time_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, 9, &[]);
    let script = Script::of_posts(|_| (500, "", String::new()));
    let (exit, summary, said) = push(&script, &file, &["--max-objects", "1"]);
    assert_eq!((exit, counts(&summary)), (1, [0, 0, 0, 3, 6]), "{said}");
    assert!(said.contains("HTTP 500"), "{said}");
}

#[test]
fn an_envelope_that_is_refused_is_halved_until_the_culprit_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, 100, &[0, 41, 42, 99]);
    for code in [400, 422] {
        let script = Script::of_posts(move |request| {
            if request.body.contains(r#""bad""#) {
                return (code, JSON, r#"{"title":"One is bad"}"#.to_owned());
            }
            all_added(request)
        });
        let (exit, summary, said) = push(&script, &file, &["--max-objects", "64"]);
        assert_eq!((exit, counts(&summary)), (1, [96, 4, 0, 0, 0]), "{said}");
        let lines: Vec<_> = summary["failures"].as_array().unwrap().iter().map(|row| &row["line"]).collect();
        assert_eq!(lines, [1, 42, 43, 100]);
        let message = summary["failures"][0]["message"].as_str().unwrap();
        assert!(message.ends_with(&format!("HTTP {code}: One is bad")), "{message}");
        assert!(script.posts().len() < 60, "{}", script.posts().len());
    }
}

#[test]
fn an_envelope_that_is_too_large_for_a_proxy_is_made_smaller() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, 200, &[]);
    let mut text = std::fs::read_to_string(&file).unwrap();
    let long = format!("{}{}", "x".repeat(5000), "good");
    text = text.replacen("good", &long, 151).replacen(&long, "good", 150);
    std::fs::write(&file, text).unwrap();
    let script = Script::of_posts(|request| {
        if request.body.len() > 4000 {
            return (413, "Content-Type: text/html\r\n", "<html>413".to_owned());
        }
        all_added(request)
    });
    let (exit, summary, said) = push(&script, &file, &[]);
    assert_eq!((exit, counts(&summary)), (1, [199, 1, 0, 0, 0]), "{said}");
    let failure = &summary["failures"][0];
    assert_eq!((&failure["line"], &failure["code"]), (&json!(151), &json!("too-large")));
    assert!(failure["message"].as_str().unwrap().contains("bytes (HTTP 413)"), "{failure}");
    let refused = script.posts().iter().filter(|post| post.body.len() > 4000).count();
    assert!(refused < 16, "{refused}");

    let script = Script::of_posts(all_added);
    push(&script, &file, &["--max-bytes", "2000"]);
    let long = script.posts().iter().filter(|post| post.body.len() > 2000).count();
    assert_eq!(long, 1, "the object that is larger goes alone");
}

#[test]
fn an_envelope_at_which_the_connection_breaks_is_made_smaller() {
    let folder = tempfile::tempdir().unwrap();
    let file = large_file(&folder);
    let script = Script::of_posts(|request| {
        if request.body.len() > 700_000 { (0, "", String::new()) } else { all_added(request) }
    });
    let (exit, summary, said) = push(&script, &file, &[]);
    assert_eq!((exit, counts(&summary)), (0, [300, 0, 0, 0, 0]), "{said}");
    assert_eq!(script.posts().iter().filter(|post| post.body.len() > 700_000).count(), 2);
}

#[test]
fn a_redirect_within_the_server_is_followed_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, 1, &[]);
    for code in [301, 302, 307, 308] {
        let script = Script::start(move |request| match &*request.path {
            path if path.starts_with("/root/") => {
                let to = "Location: /moved/root/collections/c/objects/\r\n";
                if request.method == "POST" {
                    (code, to, String::new())
                } else if path.ends_with("/collections/") {
                    (200, JSON, "{}".to_owned())
                } else {
                    (200, JSON, r#"{"id":"c","title":"C","can_read":true}"#.to_owned())
                }
            }
            _ => all_added(request),
        });
        let (exit, summary, said) = push(&script, &file, &[]);
        assert_eq!((exit, counts(&summary)), (0, [1, 0, 0, 0, 0]), "{code} {said}");
        let posts = script.posts();
        assert_eq!(posts.len(), 2);
        assert_eq!(posts[1].path, "/moved/root/collections/c/objects/");
        assert_eq!(posts[0].body, posts[1].body);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_open() {
    let script = Script::start(|_| (0, "", String::new()));
    let wait = Duration::from_millis(1);
    let retry = Retry::default().attempts(2).first_wait(wait).longest_wait(wait);
    let client = Client::new(Options::new(&script.url).retry(retry)).unwrap();
    let error = client.add_objects("c", r#"{"objects":[{}]}"#).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
    assert_eq!(script.posts().len(), 2);
    assert!(matches!(client.collection("c").await, Err(Error::Connection { .. })));
}

#[test]
fn this_machine_is_never_asked_through_a_proxy() {
    let proxy = Script::start(|_| (502, "", String::new()));
    let script = Script::start(|_| (200, JSON, r#"{"collections":[]}"#.to_owned()));
    let with_proxy = |url: &str| {
        let mut command = taxii();
        let at = proxy.url.replace("/root/", "").replace("http://", "http://alice:secret@");
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            command.env(name, &at);
        }
        command.args(["--allow-plain-http", "--user", "u", "--password", "p", "--url", url, "list"]);
        command
    };
    for host in ["127.0.0.1", "localhost", "0.0.0.0"] {
        let output = with_proxy(&script.url.replace("127.0.0.1", host)).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert!(proxy.requests().is_empty());
    let output = with_proxy("https://taxii.invalid/root/").output().unwrap();
    let (said, host) = (text(&output.stderr), proxy.url.replace("/root/", "/"));
    assert!(said.contains(&format!("through the proxy {host}")) && !said.contains("secret"), "{said}");
    assert!(!proxy.requests().is_empty());
    let before = proxy.requests().len();
    let output = with_proxy("http://taxii.invalid/root/").env("no_proxy", "taxii.invalid").output().unwrap();
    let said = text(&output.stderr);
    assert!(said.contains("taxii.invalid is not known") && !said.contains("proxy"), "{said}");
    assert_eq!(proxy.requests().len(), before);
}

#[test]
fn a_503_that_may_come_after_the_deletion_is_not_answered_by_another() {
    let script = Script::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("DELETE", _) => (503, "", String::new()),
        ("GET", "/root/collections/") => (200, JSON, "{}".to_owned()),
        _ => (200, JSON, r#"{"id":"c","title":"C","can_read":true,"can_write":true}"#.to_owned()),
    });
    let output = taxii().args(["--url", &script.url, "delete", "-c", "c", &id(1)]).output().unwrap();
    assert!(!output.status.success());
    let deletions = script.requests().into_iter().filter(|request| request.method == "DELETE");
    assert_eq!(deletions.count(), 1, "{}", text(&output.stderr));
}

#[test]
fn a_name_is_not_taken_for_that_of_another_api_root() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder, 1, &[]);
    let script = Script::start(|request| match request.path.as_str() {
        "/taxii2/" => (200, JSON, r#"{"title":"T","api_roots":["/a/","/b/"]}"#.to_owned()),
        "/b/collections/" => {
            let drafts = r#"{"id":"d","title":"drafts","can_read":true,"can_write":true}"#;
            (200, JSON, format!(r#"{{"collections":[{drafts}]}}"#))
        }
        _ if request.method == "POST" => all_added(request),
        _ => (500, "", String::new()),
    });
    let server = script.url.trim_end_matches("root/");
    for name in [&["-c", "drafts"][..], &[]] {
        let output = taxii().args(["--url", server, "push"]).args(name).arg(&file).output().unwrap();
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains("/a/collections/"), "{said}");
    }
    assert!(script.posts().is_empty());
}
