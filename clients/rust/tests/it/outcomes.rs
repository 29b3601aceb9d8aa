//! What a client says of a request to add or delete objects that may have been carried out although an error came back.

use crate::foreign::{all_added, counts, file, large_file, push};
use crate::script::{JSON, Reply, Request, Script};
use crate::stub::{Behaviour, COLLECTION, Stub};
use std::time::Duration;
use taxii_client::taxii::Status;
use taxii_client::{Client, Error, Options, Retry};

const COMPLETE: &str =
    r#"{"id":"s","status":"complete","total_count":1,"success_count":1,"failure_count":0,"pending_count":0}"#;

fn client(script: &Script) -> Client {
    let wait = Duration::from_millis(1);
    let retry = Retry::default().attempts(3).first_wait(wait).longest_wait(wait);
    Client::new(Options::new(&script.url).retry(retry)).unwrap()
}

async fn add(script: &Script) -> Result<Status, Error> {
    client(script).add_objects("c", r#"{"objects":[{}]}"#).await
}

/// A server that gives these answers, one after the other, and the last one again and again.
fn saying(answers: Vec<(u16, &'static str, &'static str)>) -> Script {
    let mut answers = answers.into_iter().peekable();
    let mut last = (500, "", "");
    Script::start(move |_| {
        last = answers.next().unwrap_or(last);
        (last.0, last.1, last.2.to_owned())
    })
}

const SEE: &str = "Location: /root/status/s/\r\n";

#[tokio::test]
async fn what_a_server_took_is_only_asked_for() {
    for method in ["POST", "DELETE"] {
        let change = async |script: &Script| match method {
            "POST" => add(script).await.map(drop),
            _ => client(script).delete_object("c", "tool--1", vec!["all".into()]).await,
        };
        let script = saying(vec![(303, SEE, ""), (503, "", ""), (0, "", ""), (200, JSON, COMPLETE)]);
        change(&script).await.unwrap();
        let asked: Vec<_> =
            script.requests().iter().map(|request| format!("{} {}", request.method, request.path)).collect();
        assert!(asked[0].starts_with(method) && asked.len() == 4, "{asked:?}");
        assert!(asked[1..].iter().all(|asked| asked == "GET /root/status/s/"), "{asked:?}");

        let elsewhere = "Location: http://127.0.0.1:1/status/s/\r\n";
        for (see, answer) in [
            (SEE, (0, "", "")),
            (SEE, (401, "", "")),
            (SEE, (404, "", "")),
            (SEE, (413, "", "")),
            (SEE, (422, "", "")),
            (SEE, (500, "", "")),
            (SEE, (503, "", "")),
            (SEE, (429, "Retry-After: 3600\r\n", "")),
            (SEE, (302, elsewhere, "")),
            (SEE, (303, SEE, "")),
            (elsewhere, (0, "", "")),
            ("", (0, "", "")),
        ] {
            let script = saying(vec![(303, see, ""), answer]);
            let error = change(&script).await.unwrap_err();
            let is_taken =
                matches!(&error, Error::OutcomeUnknown(cause) if matches!(**cause, Error::Taken(_)));
            assert!(is_taken, "{see} {answer:?}: {error:?}");
            assert!(!error.may_be_for_size(10 << 20), "smaller ones would be the same objects again");
            let changes = script.requests().iter().filter(|request| request.method == method).count();
            assert_eq!(changes, 1, "{see} {answer:?}");
        }
    }
    let script = saying(vec![(303, SEE, ""), (200, "Content-Type: text/html\r\n", "<html>")]);
    assert!(matches!(add(&script).await, Err(Error::OutcomeUnknown(_))));
}

#[tokio::test]
async fn an_error_behind_which_objects_may_have_been_taken_says_so() {
    let is_unknown = async |answers: Vec<(u16, &'static str, &'static str)>| {
        let script = saying(answers);
        matches!(add(&script).await.unwrap_err(), Error::OutcomeUnknown(_))
    };
    const NEXT: &str = "Location: /moved/\r\n";
    let late = "Retry-After: 3600\r\n";
    for answers in [
        vec![(0, "", "")],
        vec![(500, "", "")],
        vec![(502, "", "")],
        vec![(503, "", "")],
        vec![(503, late, "")],
        vec![(504, "", "")],
        vec![(200, JSON, "{")],
        vec![(200, "Content-Type: text/html\r\n", "<html>")],
        vec![(202, "Content-Encoding: gzip\r\n", "no gzip")],
        // What is said of a later attempt says nothing of an earlier one.
        vec![(0, "", ""), (401, "", "")],
        vec![(502, "", ""), (403, "", "")],
        vec![(504, "", ""), (404, "", "")],
        vec![(0, "", ""), (413, "", "")],
        vec![(503, "", ""), (429, late, "")],
        vec![(500, "", ""), (302, "Location: https://login.example/\r\n", "")],
        // Pages for people answer so when they have done it.
        vec![(302, NEXT, ""), (404, "", "")],
        vec![(301, NEXT, ""), (405, "", "")],
        vec![(307, NEXT, ""), (0, "", "")],
        vec![(308, NEXT, ""), (504, "", "")],
    ] {
        assert!(is_unknown(answers.clone()).await, "{answers:?}");
    }
    for answers in [
        vec![(400, "", "")],
        vec![(401, "", "")],
        vec![(403, "", "")],
        vec![(404, "", "")],
        vec![(413, "", "")],
        vec![(422, "", "")],
        vec![(429, late, "")],
        vec![(307, NEXT, ""), (403, "", "")],
        vec![(308, "Location: https://elsewhere.example/\r\n", "")],
        // The same content was refused each time.
        vec![(0, "", ""), (422, "", "")],
        vec![(502, "", ""), (400, "", "")],
    ] {
        assert!(!is_unknown(answers.clone()).await, "{answers:?}");
    }
    let retry = Retry::default().attempts(1);
    let client = Client::new(Options::new("http://127.0.0.1:1/root/").retry(retry)).unwrap();
    let error = client.add_objects("c", "{}").await.unwrap_err();
    assert!(matches!(error, Error::Connection { .. }), "what never left is not unknown: {error:?}");
}

#[tokio::test]
async fn a_refusal_with_a_long_text_is_a_refusal() {
    let script = Script::start(|_| (403, "Content-Type: text/html\r\n", "x".repeat(5000)));
    let client = Client::new(Options::new(&script.url).max_response(1000)).unwrap();
    let error = client.add_objects("c", "{}").await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 403, .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_falls_silent_may_have_taken_the_objects() {
    let stub = Stub::start(Behaviour { silent_posts: 9, ..Behaviour::default() });
    let wait = Duration::from_millis(1);
    let retry = Retry::default().attempts(2).first_wait(wait).longest_wait(wait);
    let url = format!("{}root/", stub.url);
    let options = Options::new(url).retry(retry).idle_timeout(Duration::from_millis(100));
    let client = Client::new(options).unwrap();
    // What never answered would be asked once.
    client.collection(COLLECTION).await.unwrap();
    let error = client.add_objects(COLLECTION, r#"{"objects":[{}]}"#).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error:?}");
    assert_eq!(stub.behaviour().bodies.len(), 2);
}

/// Breaks the connection for large envelopes, as if on the way back, and answers others so.
fn behind_a_lost_answer(status: u16) -> impl FnMut(&Request) -> Reply + Send + 'static {
    move |request| {
        if request.body.len() > 700_000 { (0, "", String::new()) } else { (status, "", String::new()) }
    }
}

#[test]
fn what_left_stays_unknown_whatever_is_said_of_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = large_file(&folder);
    for status in [401, 403, 404, 409, 413, 429] {
        let script = Script::of_posts(behind_a_lost_answer(status));
        let (exit, summary, said) = push(&script, &path, &[]);
        assert_eq!(counts(&summary), [0, 0, 0, 300, 0], "{status} {said}");
        let code = match status {
            401 | 403 => 4,
            429 => 3,
            _ => 1,
        };
        assert_eq!(exit, code, "{status} {said}");
        assert_eq!(summary["unknowns"].as_array().unwrap().len(), 300);
    }
    // The content of an object is refused as it was with the others.
    let script = Script::of_posts(behind_a_lost_answer(422));
    let (exit, summary, said) = push(&script, &path, &[]);
    assert_eq!((exit, counts(&summary)), (1, [0, 300, 0, 0, 0]), "{said}");
    let mut posts = 0;
    let script = Script::of_posts(move |request| {
        posts += 1;
        if posts < 3 { (0, "", String::new()) } else { all_added(request) }
    });
    let (exit, summary, said) = push(&script, &path, &[]);
    assert_eq!((exit, counts(&summary)), (0, [300, 0, 0, 0, 0]), "{said}");
}

#[test]
fn failures_that_are_not_named_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, 5, &[]);
    let status = r#"{"id":"s","status":"complete","total_count":5,"success_count":0,"failure_count":5,"pending_count":0,
        "x_concord_first_failures":[{"id":"tool--7d45bfa7-9b83-4b0c-b5ae-000000000000","version":"v","message":"bad"}]}"#;
    let script = Script::of_posts(move |_| (202, JSON, status.to_owned()));
    let (exit, summary, said) = push(&script, &path, &[]);
    assert_eq!((exit, counts(&summary)), (1, [0, 5, 0, 0, 0]), "{said}");
    assert_eq!((summary["failures"].as_array().unwrap().len(), &summary["unnamed_failures"]), (1, &4.into()));
    let output =
        crate::stub::taxii().args(["--url", &script.url, "push", "-c", "c"]).arg(&path).output().unwrap();
    let shown = crate::stub::text(&output.stdout);
    assert!(shown.contains("\n… and 4 more, which the server does not name"), "{shown}");

    let script = Script::start(move |_| (200, JSON, status.to_owned()));
    let output = crate::stub::taxii().args(["--url", &script.url, "status", "s"]).output().unwrap();
    let shown = crate::stub::text(&output.stdout);
    assert!(shown.ends_with("failed  … and 4 more, which the server does not name\n"), "{shown}");

    let none = r#"{"id":"s","status":"complete","total_count":5,"success_count":0,"failure_count":5,"pending_count":0}"#;
    let script = Script::of_posts(move |_| (202, JSON, none.to_owned()));
    let (_, summary, said) = push(&script, &path, &[]);
    assert_eq!(summary["failures"][4]["line"], 5, "{said}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_push_shows_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, 9, &[]);
    let (tell, told) = std::sync::mpsc::channel();
    let mut posts = 0;
    let script = Script::of_posts(move |request| {
        posts += 1;
        if posts == 2 {
            tell.send(()).unwrap();
            // The answer does not come.
            loop {
                std::thread::park();
            }
        }
        all_added(request)
    });
    let mut push = crate::stub::taxii();
    push.args(["--url", &script.url, "--json", "push", "-c", "c", "--max-objects", "3"]).arg(&path);
    let piped = std::process::Stdio::piped;
    let child = push.stdout(piped()).stderr(piped()).spawn().unwrap();
    told.recv().unwrap();
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = crate::stub::text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(counts(&summary), [3, 0, 0, 3, 3], "{summary}");
    assert_eq!(summary["unknowns"][0]["line"], 4);
    let error: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&error["error"]["kind"], &error["error"]["exit_code"]), (&"interrupted".into(), &130.into()));
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_a_push_that_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    // More failures than a pipe holds, so that showing them blocks while nothing reads.
    let path = file(&folder, 3000, &[]);
    let (tell, told) = std::sync::mpsc::channel();
    let mut posts = 0;
    let script = Script::of_posts(move |_| {
        posts += 1;
        if posts < 3 {
            return (500, "", String::new());
        }
        tell.send(()).unwrap();
        loop {
            std::thread::park();
        }
    });
    let mut push = crate::stub::taxii();
    push.args(["--url", &script.url, "--json", "push", "-c", "c", "--max-objects", "1500"]).arg(&path);
    let mut child =
        push.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    told.recv().unwrap();
    let id = child.id().to_string();
    let interrupt =
        || assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    interrupt();
    // What it shows begins to come, and cannot end.
    let mut out = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut out, &mut [0; 1]).unwrap();
    assert!(child.try_wait().unwrap().is_none());
    interrupt();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
