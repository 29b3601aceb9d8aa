//! `taxii pull`: whatever happens on the way, the file ends up the same.

use crate::stub::{Behaviour, COLLECTION, Paging, Stub, object, taxii, text};
use std::fs;
use std::io::Read;
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
                if pages == 0 {
                    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
                } else {
                    // The next page was half on the disk when the power failed.
                    let mut half = fs::read(&file).unwrap();
                    half.extend_from_slice(b"{\"type\":\"url\", \"id\"");
                    fs::write(&file, half).unwrap();
                }

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

    // A longer file of another program is not cut.
    let other = "x".repeat(100_000);
    fs::write(&file, &other).unwrap();
    refuse(&pull(&stub, &file, &["--type", "url"]), 2, "was changed by another program");
    assert_eq!(fs::read_to_string(&file).unwrap(), other);
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

#[test]
fn many_identifiers_are_pulled_once_from_a_server_without_dates() {
    let ids: Vec<_> = (0..200).map(|number| id_of(&object(number))).collect();
    let ids = ids.join(",");
    for paging in [Paging::NextWithoutDates, Paging::Next, Paging::Dates] {
        // Three requests of four pages each, and the end.
        for pages in 1..=12 {
            let objects = (0..300).map(object).collect();
            let stub = Stub::start(Behaviour { objects, page: 20, paging, ..Behaviour::default() });
            let folder = tempfile::tempdir().unwrap();
            let file = file(&folder);
            stub.behaviour().pages_left = pages;
            let is_whole = pull(&stub, &file, &["--id", &ids]).status.success();
            if is_whole {
                // Killed before the last step.
                let path = folder.path().join("feed.taxii-state");
                let state = fs::read_to_string(&path).unwrap();
                fs::write(&path, state.replace("\"finished\":true", "\"finished\":false")).unwrap();
            }
            stub.behaviour().pages_left = usize::MAX;
            succeed(&pull(&stub, &file, &["--id", &ids]));
            assert_eq!(fs::read_to_string(&file).unwrap(), lines(0..200), "{paging:?} {pages}");
            let again = pull(&stub, &file, &["--id", &ids]);
            if paging == Paging::NextWithoutDates {
                refuse(&again, 2, "the server does not tell when objects were added");
            } else {
                succeed(&again);
            }
            assert_eq!(fs::read_to_string(&file).unwrap(), lines(0..200), "{paging:?} {pages}");
            assert_eq!(is_whole, pages == 12);
        }
    }
}

#[test]
fn a_bundle_that_was_cut_before_its_end_is_closed() {
    let stub = Stub::start(Behaviour { paging: Paging::NextWithoutDates, ..Behaviour::default() });
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder);
    succeed(&pull(&stub, &file, &["--bundle"]));
    let path = folder.path().join("feed.taxii-state");
    let state = fs::read_to_string(&path).unwrap();
    fs::write(&path, state.replace("\"finished\":true", "\"finished\":false")).unwrap();
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.strip_suffix("\n]}\n").unwrap()).unwrap();
    succeed(&pull(&stub, &file, &["--bundle"]));
    assert_eq!(fs::read_to_string(&file).unwrap(), whole);
}

#[test]
fn a_wrong_name_or_filter_is_not_in_the_way_of_the_right_one() {
    let stub = Stub::start(Behaviour::default());
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder);
    refuse(&pull(&stub, &file, &["-c", "stbu"]), 1, "did you mean Stub?");
    refuse(&pull(&stub, &file, &["-c", "91a7b528-80eb-42ed-a74d-c6fbd5a26117"]), 1, "HTTP 404");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // Nothing came, so that another filter may have the file.
    let output = pull(&stub, &file, &["--type", "flie"]);
    succeed(&output);
    assert!(text(&output.stderr).contains("did you mean file?"), "{}", text(&output.stderr));
    succeed(&pull(&stub, &file, &["--type", "file"]));
    assert_eq!(fs::read_to_string(&file).unwrap(), lines([1, 3, 5, 7, 9]));
    // A type of one's own is no typing error.
    let output = pull(&stub, &folder.path().join("other"), &["--type", "x-acme-rule", "--quiet"]);
    assert_eq!((output.status.success(), text(&output.stderr).as_str()), (true, ""));
    refuse(&pull(&stub, &file, &["--version", "lst"]), 2, "did you mean last?");
}

#[test]
fn a_compressed_file_is_the_same_file() {
    for (name, pages) in [("feed.jsonl.gz", 5), ("feed.jsonl.zst", 5), ("feed.jsonl.gz", 2)] {
        let stub = Stub::start(Behaviour { page: 2, pages_left: pages, ..Behaviour::default() });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        let output = pull(&stub, &file, &[]);
        assert_eq!(output.status.success(), pages == 5);
        stub.behaviour().pages_left = usize::MAX;
        stub.behaviour().objects = (0..15).map(object).collect();
        succeed(&pull(&stub, &file, &[]));
        let packed = fs::read(&file).unwrap();
        let mut plain = String::new();
        if name.ends_with(".gz") {
            flate2::read::MultiGzDecoder::new(&packed[..]).read_to_string(&mut plain).unwrap();
        } else {
            zstd::Decoder::new(&packed[..]).unwrap().read_to_string(&mut plain).unwrap();
        }
        assert_eq!(plain, lines(0..15), "{name}");
        let output = taxii().args(["canonicalize", file.to_str().unwrap()]).output().unwrap();
        assert_eq!(text(&output.stdout).lines().count(), 15);
    }
    let stub = Stub::start(Behaviour::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("feed.json.gz");
    for all in [10, 12] {
        stub.behaviour().objects = (0..all).map(object).collect();
        succeed(&pull(&stub, &file, &["--bundle"]));
        let mut plain = String::new();
        let packed = fs::read(&file).unwrap();
        flate2::read::MultiGzDecoder::new(&packed[..]).read_to_string(&mut plain).unwrap();
        assert_eq!(anonymous(&plain), bundle(0..all));
    }
}

#[test]
fn times_are_taken_as_people_type_them() {
    let stub = Stub::start(Behaviour::default());
    let asked = |time: &str| {
        succeed(&stub.run(&["pull", "--added-after", time]));
        let request = stub.behaviour().requests.last().unwrap().clone();
        let (_, query) = request.split_once("added_after=").unwrap();
        query.split('&').next().unwrap().replace("%3A", ":")
    };
    assert_eq!(asked("2026-01-31T12:00:00Z"), "2026-01-31T12:00:00Z");
    assert_eq!(asked("2026-01-31T12:00:00+02:00"), "2026-01-31T10:00:00.000000Z");
    assert_eq!(asked("2026-01-31"), "2026-01-31T00:00:00.000000Z");
    let week = asked("7d").parse::<stix_model::Timestamp>().unwrap();
    assert!(asked("1h").parse::<stix_model::Timestamp>().unwrap() > week);
    refuse(&stub.run(&["pull", "--added-after", "yesterday"]), 2, "how long ago");

    // `7d` is another time tomorrow, but the same wish.
    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder);
    for more in [10, 12] {
        stub.behaviour().objects = (0..more).map(object).collect();
        succeed(&pull(&stub, &file, &["--added-after", "100000d"]));
        assert_eq!(fs::read_to_string(&file).unwrap(), lines(0..more));
    }
    refuse(&pull(&stub, &file, &["--added-after", "5d"]), 2, "holds the objects of another URL");
}

#[test]
fn many_identifiers_take_several_requests() {
    let stub = Stub::start(Behaviour { objects: (0..300).map(object).collect(), ..Behaviour::default() });
    let ids: Vec<_> = (0..200).map(|number| id_of(&object(number))).collect();
    let mut arguments = vec!["pull", "--quiet"];
    for id in &ids {
        arguments.extend(["--id", id]);
    }
    // The same one twice is there once.
    arguments.extend(["--id", &ids[0]]);
    let output = stub.run(&arguments);
    succeed(&output);
    assert_eq!(text(&output.stdout), lines(0..200));
    assert!(stub.behaviour().requests.iter().all(|request| request.len() < 4096));

    let folder = tempfile::tempdir().unwrap();
    let file = file(&folder);
    stub.behaviour().pages_left = 50;
    assert!(!pull(&stub, &file, &arguments[1..]).status.success());
    stub.behaviour().pages_left = usize::MAX;
    for _ in 0..2 {
        succeed(&pull(&stub, &file, &arguments[1..]));
        assert_eq!(fs::read_to_string(&file).unwrap(), lines(0..200));
    }

    // What goes wrong is told without all of them.
    stub.behaviour().refusals.push((500, Vec::new(), String::new()));
    let output =
        stub.run(&[&arguments[..], &["--url", &format!("{}root/", stub.url), "-c", COLLECTION]].concat());
    let said = text(&output.stderr);
    assert!(said.contains("HTTP 500") && said.len() < 400, "{said}");
}

fn id_of(object: &str) -> String {
    serde_json::from_str::<serde_json::Value>(object).unwrap()["id"].as_str().unwrap().to_owned()
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_as_standard_output_is() {
    let stub = Stub::start(Behaviour { objects: (0..3000).map(object).collect(), ..Behaviour::default() });
    // The reader has enough after the first line.
    let mut child = stub
        .command()
        .args(["pull", "-o", "/dev/stdout"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));

    stub.behaviour().objects.truncate(10);
    let output = stub.run(&["--json", "pull", "-o", "/dev/stdout"]);
    succeed(&output);
    assert_eq!(text(&output.stdout), lines(0..10));
    let output = stub.run(&["--json", "pull", "-o", "/dev/null"]);
    succeed(&output);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary, serde_json::json!({ "file": "/dev/null", "objects": 10, "new": 10 }));
    for device in ["/dev/null", "/dev/stdout", "-"] {
        refuse(&stub.run(&["pull", "--restart", "-o", device]), 2, "leave out --restart");
    }
}
