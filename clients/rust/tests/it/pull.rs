//! `taxii pull`: whatever happens on the way, the file ends up the same.

use crate::stub::{Behaviour, COLLECTION, Paging, Stub, object, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

fn pull(stub: &Stub, file: &Path, more: &[&str]) -> Output {
    stub.command().arg("pull").arg("-o").arg(file).args(more).output().unwrap()
}

fn succeed(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

fn refuse(output: &Output, code: i32, message: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(message), "{said}");
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("feed")
}

/// The objects as JSON lines.
fn lines(numbers: impl IntoIterator<Item = usize>) -> String {
    numbers.into_iter().map(|number| object(number).replace('\n', " ") + "\n").collect()
}

/// A bundle without its identifier, which is random.
fn anonymous(bundle: &str) -> String {
    let (head, objects) = bundle.split_once(",\"objects\":").unwrap();
    assert!(head.starts_with(r#"{"type":"bundle","id":"bundle--"#), "{head}");
    objects.to_owned()
}

fn bundle(numbers: std::ops::Range<usize>) -> String {
    format!("[\n{}\n]}}\n", numbers.map(object).collect::<Vec<_>>().join(",\n"))
}

#[test]
fn standard_output_gets_lines_or_a_bundle() {
    let stub = Stub::start(Behaviour::default());
    let output = stub.run(&["pull"]);
    succeed(&output);
    assert_eq!(text(&output.stdout), lines(0..10));
    let output = stub.run(&["pull", "--type", "file", "--limit", "2"]);
    assert_eq!(text(&output.stdout), lines([1, 3, 5, 7, 9]));
    let output = stub.run(&["pull", "--bundle"]);
    assert_eq!(anonymous(&text(&output.stdout)), bundle(0..10));
    let output = stub.run(&["pull", "--bundle", "--type", "tool"]);
    let empty: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(empty.as_object().unwrap().len(), 2);
}

#[test]
fn a_pull_that_was_cut_goes_on_where_it_stopped() {
    for paging in [Paging::Next, Paging::Dates] {
        for is_bundle in [false, true] {
            for pages in 0..=5 {
                let stub =
                    Stub::start(Behaviour { paging, page: 2, pages_left: pages, ..Behaviour::default() });
                let folder = tempfile::tempdir().unwrap();
                let file = file(&folder);
                let more: &[&str] = if is_bundle { &["--bundle"] } else { &[] };
                let cut = pull(&stub, &file, more);
                assert_eq!(cut.status.success(), pages == 5);
                // The next page was half on the disk when the power failed.
                let mut half = fs::read(&file).unwrap();
                half.extend_from_slice(b"{\"type\":\"url\", \"id\"");
                fs::write(&file, half).unwrap();

                stub.behaviour().pages_left = usize::MAX;
                succeed(&pull(&stub, &file, more));
                let got = fs::read_to_string(&file).unwrap();
                let case = format!("{paging:?}, bundle {is_bundle}, cut after {pages} pages");
                if is_bundle {
                    assert_eq!(anonymous(&got), bundle(0..10), "{case}");
                } else {
                    assert_eq!(got, lines(0..10), "{case}");
                }
            }
        }
    }
}

#[test]
fn a_killed_pull_goes_on_where_it_stopped() {
    let stub = Stub::start(Behaviour { page: 2, pages_left: 3, hangs: true, ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder);
    let mut child = stub.command().arg("pull").arg("-o").arg(&file).stderr(Stdio::null()).spawn().unwrap();
    let state = folder.path().join("feed.taxii-state");
    while !fs::read_to_string(&state).is_ok_and(|state| state.contains(r#""next":"at-6""#)) {
        std::thread::sleep(Duration::from_millis(10));
    }
    // Nobody else may write the file meanwhile.
    refuse(&pull(&stub, &file, &[]), 1, "another pull is writing it");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), lines(0..6));

    stub.behaviour().pages_left = usize::MAX;
    succeed(&pull(&stub, &file, &[]));
    assert_eq!(fs::read_to_string(&file).unwrap(), lines(0..10));
}

#[test]
fn a_later_pull_fetches_what_is_new() {
    for is_bundle in [false, true] {
        let stub = Stub::start(Behaviour::default());
        let folder = tempfile::tempdir().unwrap();
        let file = file(&folder);
        let more: &[&str] = if is_bundle { &["--json", "--bundle"] } else { &["--json"] };
        for (new, all) in [(10, 10), (0, 10), (5, 15)] {
            stub.behaviour().objects = (0..all).map(object).collect();
            let output = pull(&stub, &file, more);
            succeed(&output);
            let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!((&summary["objects"], &summary["new"]), (&all.into(), &new.into()));
            let got = fs::read_to_string(&file).unwrap();
            if is_bundle {
                assert_eq!(anonymous(&got), bundle(0..all));
            } else {
                assert_eq!(got, lines(0..all));
            }
        }
    }
}

#[test]
fn a_file_belongs_to_one_request() {
    let stub = Stub::start(Behaviour::default());
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder);
    succeed(&pull(&stub, &file, &[]));
    // The size of pages does not matter.
    succeed(&pull(&stub, &file, &["--limit", "1"]));
    let other = "holds the objects of another URL, collection, filter or format";
    refuse(&pull(&stub, &file, &["--type", "url"]), 2, other);
    refuse(&pull(&stub, &file, &["--bundle"]), 2, other);
    let elsewhere = Stub::start(Behaviour::default());
    refuse(&pull(&elsewhere, &file, &[]), 2, "or use --restart");
    assert_eq!(fs::read_to_string(&file).unwrap(), lines(0..10));
    succeed(&pull(&stub, &file, &["--type", "url", "--restart"]));
    assert_eq!(fs::read_to_string(&file).unwrap(), lines([0, 2, 4, 6, 8]));

    fs::write(&file, "short").unwrap();
    refuse(&pull(&stub, &file, &["--type", "url"]), 2, "is shorter than the last pull left it");
    let mine = folder.path().join("mine.txt");
    fs::write(&mine, "my own words").unwrap();
    refuse(&pull(&stub, &mine, &[]), 2, "was not written by a pull");
    assert_eq!(fs::read_to_string(&mine).unwrap(), "my own words");
}

#[test]
fn a_forgotten_place_is_explained() {
    let stub = Stub::start(Behaviour { pages_left: 1, ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder);
    refuse(&pull(&stub, &file, &[]), 1, "HTTP 500");
    let collection = format!("{}root/collections/{COLLECTION}/", stub.url);
    stub.behaviour().refusals = vec![(400, Vec::new(), String::new())];
    refuse(&pull(&stub, &file, &["--url", &collection]), 1, "--restart begins anew");
}

#[test]
fn a_server_without_dates_is_pulled_once() {
    let stub = Stub::start(Behaviour { paging: Paging::NextWithoutDates, ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder);
    succeed(&pull(&stub, &file, &[]));
    refuse(&pull(&stub, &file, &[]), 2, "the server does not tell when objects were added");
    succeed(&pull(&stub, &file, &["--restart"]));
    assert_eq!(fs::read_to_string(&file).unwrap(), lines(0..10));
}
