//! The program as somebody at a terminal, or a build server, sees it.

use std::process::{Command, Output};

use axum::Router;

fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_taxii-conformance")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_has_examples() {
    let output = program(&["--help"]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("Examples:"));
}

#[test]
fn the_list_names_every_requirement() {
    let output = program(&["--list"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout).lines().count(), taxii_conformance::requirements::of_servers().len());
}

#[test]
fn mistakes_in_the_call_are_exit_code_2() {
    for args in [
        vec![],
        vec!["--url", "http://127.0.0.1:9"],
        vec!["--url", "http://127.0.0.1:9", "--auth", "basic:nobody"],
        vec!["--url", "http://127.0.0.1:9", "--only", "T-999"],
        vec!["--url", "http://127.0.0.1:9", "--ca", "/no/such/file"],
        vec!["hostile", "--url", "http://127.0.0.1:9"],
    ] {
        let output = program(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?} says nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_must_is_exit_code_1_and_the_reports_say_which() {
    let app = Router::new().fallback(|| async { "{}" });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api1/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let directory = tempfile::tempdir().unwrap();
    let junit = directory.path().join("report.xml");
    let args = ["--url", &url, "--only", "t-100,T-001", "--json", "-", "--junit", junit.to_str().unwrap()];
    let output = program(&args);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["rows"].as_array().unwrap().len(), 2);
    assert_eq!(json["rows"][1]["outcome"], "fail");
    assert!(std::fs::read_to_string(junit).unwrap().contains("<failure"));

    let output = program(&["--url", &url, "--only", "T-001"]);
    assert_eq!(output.status.code(), Some(0), "nothing failed: {}", text(&output.stdout));
}
