//! How the program reads: one text or JSON lines, compressed or not, piece by piece.

use crate::program::{rows, run, said};
use crate::stub::{taxii, text};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

const URL: &str = r#"{"type":"url","id":"url--dc3c39a7-17a5-5899-8d1e-aa57279297f6","value":"u:x"}"#;

fn file(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn lines_of(arguments: &[&str], input: &str) -> Vec<u64> {
    rows(arguments, input).1.iter().map(|row| row["line"].as_u64().unwrap()).collect()
}

#[test]
fn the_form_is_seen_in_the_first_lines() {
    let canonicalize = |input: &str| lines_of(&["canonicalize", "--json"], input);
    assert_eq!(canonicalize("\n\n1\n\n\"x\"\r\n[2]\n"), [3, 5, 6]);
    assert_eq!(canonicalize("[\n1,\n2\n]\n"), [1]);
    assert_eq!(canonicalize("\n\n{\"a\": {}\n}"), [3]);
    assert_eq!(canonicalize("{\"a\": {}}"), [1]);
    assert_eq!(canonicalize(""), [0_u64; 0]);
    // A broken line does not hide the others, wherever it stands.
    assert_eq!(canonicalize("nonsense\n{}\n{}\n"), [1, 2, 3]);
    assert_eq!(canonicalize("{\"a\":}\n1\n"), [1, 2]);
    // Told to, everything is lines.
    assert_eq!(lines_of(&["canonicalize", "--json", "--lines"], "[\n1\n]\n"), [1, 2, 3]);
}

#[test]
fn a_file_on_one_line_is_one_text_unless_it_is_named_otherwise() {
    let bundle = format!(
        r#"{{"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","objects":[{URL},{URL}]}}"#
    );
    for (name, verdicts) in [("b.json", 3), ("b", 3), ("b.jsonl", 1), ("b.ndjson", 1)] {
        let (_folder, path) = file(name, &bundle);
        assert_eq!(rows(&["validate", "--json", &path], "").1.len(), verdicts, "{name}");
    }
    assert_eq!(rows(&["validate", "--json", "-"], &bundle).1.len(), 1);
}

#[test]
fn compression_shows_in_the_first_bytes() {
    let lines = format!("{URL}\n").repeat(3000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    // Compressed files may be joined like others.
    let twice = [&gzip[..], &gzip].concat();
    for (packed, expected) in [(&gzip, 3000), (&zstd, 3000), (&twice, 6000)] {
        let (code, found) = rows(&["validate", "--json", "-"], packed);
        assert_eq!((code, found.len()), (0, expected));
        let (_folder, path) = file("feed.jsonl.gz", packed);
        assert_eq!(said(&["id", &path], "").1.lines().count(), expected);
    }
    let (code, _, complaint) = said(&["validate", "-"], &gzip[..gzip.len() / 2]);
    assert_eq!(code, 2);
    assert!(complaint.starts_with("standard input: "), "{complaint}");
}

#[test]
fn lines_longer_than_any_buffer_are_read() {
    let long = format!(r#"{{"a":"{}"}}"#, "é".repeat(300_000));
    let output = run(&["canonicalize"], format!("{long}\n1\n{long}"));
    assert_eq!(text(&output.stdout), format!("{long}\n1\n{long}\n"));
}

#[test]
fn each_line_is_answered_before_the_next_is_sent() {
    let mut child = taxii()
        .args(["id", "--json", "--lines"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for number in 1..=3 {
        writeln!(stdin, "{URL}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert_eq!(
            answer,
            format!("{{\"line\":{number},\"id\":\"url--dc3c39a7-17a5-5899-8d1e-aa57279297f6\"}}\n")
        );
    }
    drop(stdin);
    stdout.read_to_string(&mut String::new()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_cannot_be_read_is_no_verdict() {
    for arguments in
        [&["validate", "missing.json"][..], &["id", "missing"], &["canonicalize", "/"], &["graph", "missing"]]
    {
        let (code, found, complaint) = said(arguments, "");
        assert_eq!((code, &*found), (2, ""), "{arguments:?}: {complaint}");
        assert!(complaint.starts_with(&format!("{}: ", arguments[1])), "{complaint}");
    }
}

#[test]
fn without_a_file_standard_input_is_read() {
    for arguments in
        [&["validate", "--json"][..], &["id", "--json"], &["canonicalize"], &["graph"], &["convert"]]
    {
        let (code, found, complaint) = said(arguments, format!("{URL}\n{URL}\n"));
        assert!(code == 0 && !found.is_empty(), "{arguments:?}: {complaint}");
    }
    let (code, found, _) = said(&["pattern", "match", "--objects", "--pattern", "[url:value = 'u:x']"], URL);
    assert_eq!((code, found.trim_end()), (0, "url--dc3c39a7-17a5-5899-8d1e-aa57279297f6"));
    assert_eq!(said(&["pattern", "parse"], "[url:value = 'u:x']\n").0, 0);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let marked = format!("\u{feff}{URL}\r\n");
    for name in ["b.json", "b.jsonl"] {
        let (_folder, path) = file(name, &marked);
        assert_eq!(rows(&["validate", "--json", &path], "").0, 0, "{name}");
        assert_eq!(said(&["canonicalize", &path], "").1, format!("{}\n", canonical()));
    }
    assert_eq!(rows(&["validate", "--json"], &marked).0, 0);
    assert_eq!(said(&["pattern", "parse"], "\u{feff}[url:value = 'u:x']\n").0, 0);
    let wide: Vec<u8> = format!("\u{feff}{URL}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (code, found) = rows(&["validate", "--json"], &wide);
    assert_eq!((code, &found[0]["findings"][0]["code"]), (1, &"other-format".into()));
    assert!(found[0]["findings"][0]["fix"].as_str().unwrap().contains("iconv"));
}

fn canonical() -> String {
    URL.replace(
        r#""type":"url","id":"url--dc3c39a7-17a5-5899-8d1e-aa57279297f6""#,
        r#""id":"url--dc3c39a7-17a5-5899-8d1e-aa57279297f6","type":"url""#,
    )
}

#[test]
fn names_of_compressed_files_may_be_wrong() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(URL.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    for (name, content) in
        [("plain.json.gz", URL.as_bytes()), ("packed.json", &gzip), ("plain.zst", URL.as_bytes())]
    {
        let (_folder, path) = file(name, content);
        assert_eq!(rows(&["validate", "--json", &path], "").0, 0, "{name}");
    }
    let (_folder, path) = file("cut.jsonl.gz", &gzip[..gzip.len() - 6]);
    let (code, _, complaint) = said(&["validate", &path], "");
    assert_eq!(code, 2);
    assert!(complaint.contains("the gzip data is cut off or damaged"), "{complaint}");
}

#[test]
fn other_formats_are_named_with_what_to_do() {
    let misp = r#"{"Event":{"info":"i","Attribute":[]}}"#;
    for (content, name, fix) in [
        ("id,type,value\n1,ip,198.51.100.3\n", "CSV", "indicator"),
        ("<?xml version=\"1.0\"?><stix:STIX_Package/>", "STIX 1.x", "stix2-elevator"),
        ("<!doctype html><title>Log in</title>", "HTML", "login"),
        ("<rss/>", "XML", "JSON"),
        ("---\ntitle: rule\n", "YAML", "JSON"),
        (misp, "MISP", "misp-stix"),
        ("PK\u{3}\u{4}....", "ZIP", "unpack"),
        (r#"{"title":"Unauthorized","http_status":"401"}"#, "refusal", "fetch"),
        (r#"{"collections":[]}"#, "a list of collections", "taxii pull"),
    ] {
        let (code, found) = rows(&["validate", "--json"], content);
        assert_eq!((code, found.len()), (1, 1), "{content}");
        let finding = &found[0]["findings"][0];
        assert_eq!(finding["code"], "other-format", "{content}");
        assert!(finding["message"].as_str().unwrap().contains(name), "{finding}");
        assert!(finding["fix"].as_str().unwrap().contains(fix), "{finding}");
        let (code, _, complaint) = said(&["graph"], content);
        assert!(code == 1 && complaint.contains(name), "{complaint}");
        let (code, found, complaint) = said(&["id"], content);
        assert!(code == 1 && found == "-\n" && complaint.contains(name), "{complaint}");
    }
}
