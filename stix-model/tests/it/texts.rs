//! The reader of files: forms, places, bounds, and formats that are something else.

use proptest::prelude::*;
use stix_model::bundle::{Form, Parts};
use stix_model::json::{Document, Limits};
use stix_model::reader::{Bounds, Expect, Foreign, Reader, Step, Unreadable, UnreadableKind};
use stix_model::validate::Code;

/// Texts as `line offset text`, and what is no text.
fn read(expect: Expect, bounds: Bounds, input: &[u8], piece: usize) -> Vec<Result<String, Unreadable>> {
    let mut reader = Reader::new(expect, bounds);
    let mut pieces = input.chunks(piece);
    let mut found = Vec::new();
    loop {
        match reader.step() {
            Step::More => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => reader.end(),
            },
            Step::Text(text) => {
                let end = text.offset + text.bytes.len();
                assert_eq!(input[text.offset..end], text.bytes[..]);
                let mark = if text.is_line { "line" } else { "text" };
                found.push(Ok(format!("{mark} {}: {}", text.line, String::from_utf8_lossy(&text.bytes))));
            }
            Step::Unreadable(unreadable) => found.push(Err(unreadable)),
            Step::End => return found,
        }
    }
}

fn texts(expect: Expect, input: &[u8]) -> Vec<String> {
    let all = read(expect, Bounds::default(), input, 3);
    assert_eq!(all, read(expect, Bounds::default(), input, usize::MAX));
    all.into_iter().map(Result::unwrap).collect()
}

#[test]
fn the_form_shows_in_the_content_or_in_the_name() {
    assert_eq!(texts(Expect::File, b"{\n}"), ["text 1: {\n}"]);
    assert_eq!(texts(Expect::File, b"\n\n{}\n\n{}\n"), ["line 3: {}", "line 5: {}"]);
    assert_eq!(texts(Expect::File, b"{}\n"), ["text 1: {}\n"]);
    assert_eq!(texts(Expect::Lines, b"{}\n"), ["line 1: {}"]);
    assert_eq!(texts(Expect::Stream, b"{}\n"), ["line 1: {}"]);
    assert_eq!(texts(Expect::Stream, b""), [""; 0]);
    assert_eq!(texts(Expect::File, b""), ["text 1: "]);
    assert_eq!(texts(Expect::PlainLines, b"a,b\n<x\r\n"), ["line 1: a,b", "line 2: <x\r"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    assert_eq!(texts(Expect::File, b"\xEF\xBB\xBF{\n}"), ["text 1: {\n}"]);
    let joined = b"\xEF\xBB\xBF{}\n\xEF\xBB\xBF{}\n";
    assert_eq!(texts(Expect::Lines, joined), ["line 1: {}", "line 2: {}"]);
    assert_eq!(texts(Expect::File, joined), ["line 1: {}", "line 2: {}"]);
}

#[test]
fn what_is_too_long_is_named_and_passed_over() {
    let bounds = Bounds::default().text(20).line(10);
    let long = format!("{{}}\n[{}]\n{{}}\n", "1,".repeat(500));
    let found = read(Expect::Lines, bounds, long.as_bytes(), 7);
    let too_long = Unreadable { line: 2, column: 1, kind: UnreadableKind::LineTooLong { bound: 10 } };
    assert_eq!(found, [Ok("line 1: {}".into()), Err(too_long), Ok("line 3: {}".into())]);
    assert_eq!(too_long.kind.finding().code, Code::TooLarge);
    // The last line has no end.
    assert_eq!(read(Expect::Lines, bounds, format!("{{}}\n{{}}\n{long}").as_bytes(), 7).len(), 5);
    for text in ["{".repeat(50), format!("{{\n{}", "\n".repeat(50))] {
        let found = read(Expect::File, bounds, text.as_bytes(), 7);
        assert_eq!(found.len(), 1, "{text}");
        assert!(matches!(found[0], Err(Unreadable { kind: UnreadableKind::TextTooLong { bound: 20 }, .. })));
    }
}

#[test]
fn other_formats_are_named() {
    let zip = b"PK\x03\x04\x14\0\0\0\x08\0";
    let utf_16: Vec<u8> = "{\"type\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xFF\xFE".as_slice(), &utf_16].concat();
    let big: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let cases: [(&[u8], Foreign); 24] = [
        (b"id,type,value\n1,ip,198.51.100.3\n", Foreign::Csv),
        (b"\xEF\xBB\xBF\"id\",\"type\"\n\"1\",\"ip\"\n", Foreign::Csv),
        (b"# from a feed\n\"2026-01-01\",\"u:x\",\"online\"\n", Foreign::Csv),
        (b"ip;score\n198.51.100.3;5\n", Foreign::Csv),
        (b"ip\tscore\n198.51.100.3\t5\n", Foreign::Csv),
        (b"\n <!DOCTYPE html><html><body>Login", Foreign::Html),
        (b"<html lang=en>", Foreign::Html),
        (b"<?xml version=\"1.0\"?>\n<stix:STIX_Package xmlns:stix=\"http://stix.mitre.org/stix-1\">", Foreign::Stix1),
        (b"<taxii_11:Poll_Response xmlns:taxii_11=\"http://taxii.mitre.org/messages/taxii_xml_binding-1.1\">", Foreign::Taxii1),
        (b"<ioc xmlns=\"http://schemas.mandiant.com/2010/ioc\">", Foreign::OpenIoc),
        (b"<rss version=\"2.0\">", Foreign::Xml),
        (b"---\ntitle: a rule\n", Foreign::Yaml),
        (b"title: a rule\nid: 7\ndetection:\n", Foreign::Yaml),
        (zip, Foreign::Zip),
        (b"BZh91AY&SY", Foreign::Archive),
        (b"\xFD7zXZ\0\0\x04", Foreign::Archive),
        (b"%PDF-1.7\n", Foreign::Pdf),
        (&utf_16, Foreign::WideText),
        (&marked, Foreign::WideText),
        (&big, Foreign::WideText),
        (b"\xFE\xFF\0{", Foreign::WideText),
        (b"\xFF\xFE\0\0{\0\0\0", Foreign::WideText),
        (b"{\0\0\0}\0\0\0", Foreign::WideText),
        (b"\0\0\0{\0\0\0}", Foreign::WideText),
    ];
    for (input, expected) in cases {
        for expect in [Expect::File, Expect::Stream, Expect::Lines] {
            for piece in [1, usize::MAX] {
                let found = read(expect, Bounds::default(), input, piece);
                let kinds: Vec<_> = found.into_iter().map(|found| found.unwrap_err().kind).collect();
                assert_eq!(kinds, [UnreadableKind::Foreign(expected)], "{}", String::from_utf8_lossy(input));
            }
        }
    }
    let unreadable = Unreadable { line: 1, column: 1, kind: UnreadableKind::Foreign(Foreign::Zip) };
    assert_eq!(unreadable.kind.finding().code, Code::Foreign);
    assert!(unreadable.to_string().starts_with("this is a ZIP archive; "), "{unreadable}");
}

#[test]
fn json_is_no_other_format() {
    for input in
        ["nonsense\n{}\n{}\n", "1\n2\n", "\"a,b\"\n", "-1.5", "true", "{\"a\":}\n1\n", "\"type\": 1,\n"]
    {
        let found = read(Expect::File, Bounds::default(), input.as_bytes(), 2);
        assert!(found.iter().all(Result::is_ok), "{input}: {found:?}");
    }
}

/// Prose before JSON, and JSON that is broken or cut, is no table and no YAML: the place of its fault is to be named.
#[test]
fn lines_of_stix_are_no_other_format_whatever_stands_among_them() {
    let line = r#"{"type":"tool","id":"tool--1","name":"a, b; c"}"#;
    for prose in [
        "Exported on 2026-01-01, by an analyst, for its members",
        "a, b",
        "a, b\nc, d",
        "note: exported today",
        "title: feed\nid: 7",
        "---",
        "id;name;value",
        "id\tname",
        "a|b",
        "# id,name\n# 1,x",
        "<info> 3 objects",
        "< HTTP/1.1 200 OK",
        "<2026-01-01> start, of export",
    ] {
        let input = format!("{prose}\n{line}\n{line}\n");
        let expected: Vec<_> =
            input.lines().enumerate().map(|(at, line)| format!("line {}: {line}", at + 1)).collect();
        for expect in [Expect::File, Expect::Stream, Expect::Lines] {
            assert_eq!(texts(expect, input.as_bytes()), expected, "{expect:?}");
        }
        // One line, and broken ones.
        for lines in
            [line.to_owned(), line.replace('"', "'"), line.replace("\"type\"", "type"), line[..30].into()]
        {
            let input = format!("{prose}\n{lines}\n");
            for expect in [Expect::File, Expect::Stream, Expect::Lines] {
                let found = read(expect, Bounds::default(), input.as_bytes(), 5);
                assert!(found.iter().all(Result::is_ok), "{input}: {found:?}");
            }
        }
    }
    for text in [
        "\"type\": \"tool\",\n\"id\": \"tool--1\",\n",
        "\"malware\",\n\"botnet\"\n],\n\"id\": \"tool--1\"\n}\n",
        "}, {\n  \"type\": \"tool\",\n  \"id\": \"tool--1\"\n}\n",
        "\0{\"type\": \"tool\"}",
        "{\0\"type\": \"tool\"}",
    ] {
        assert_eq!(texts(Expect::File, text.as_bytes()), [format!("text 1: {text}")]);
    }
}

#[test]
fn what_looks_a_little_like_json_is_still_named() {
    let cases: [(&str, Foreign); 6] = [
        ("guid,name\n{8E2E2D2B-17D4-4CBF-938F-98EE46B3CD3F},a\n", Foreign::Csv),
        ("id,object\n1,\"{\"\"type\"\": \"\"tool\"\"}\"\n", Foreign::Csv),
        ("rule: a\npattern: [a, b]\n", Foreign::Yaml),
        ("<html><script>\n{\n\"a\": 1}\n", Foreign::Html),
        ("<a><html/> http://stix.mitre.org/stix-1</a>", Foreign::Xml),
        ("<!-- mandiant --><stix:STIX_Package>\n<header/>", Foreign::Stix1),
    ];
    for (text, expected) in cases {
        let found = read(Expect::File, Bounds::default(), text.as_bytes(), 5);
        let kinds: Vec<_> = found.into_iter().map(|found| found.map_err(|found| found.kind)).collect();
        assert_eq!(kinds, [Err(UnreadableKind::Foreign(expected))], "{text}");
    }
    // Prose alone is nothing that has a name.
    for text in ["Error: not found\n", "Dear all, here they are\n"] {
        assert_eq!(texts(Expect::File, text.as_bytes()), [format!("text 1: {text}")]);
    }
}

/// What is meant for STIX is none of another format: its faults are to be named where they are.
#[test]
fn broken_stix_is_no_json_of_others() {
    for text in [
        r#"[{"type": "indicator", "uuid": "x", "event_id": "7"}]"#,
        r#"[{"id": "indicator--1", "uuid": "x", "Attribute": []}]"#,
        r#"[{"id": "indicator--1", "uuid": "x", "event_id": "7", "category": "c", "value": "v"}]"#,
        r#"[{"spec_version": "2.1", "type": "url", "uuid": "x", "event_id": "7", "category": "c", "value": "v"}]"#,
        r#"[{"uuid": "x", "event_id": "7", "category": "c", "value": "v"}, {"type": "tool"}]"#,
        r#"[{"uuid": "x", "event_id": "7"}]"#,
        r#"{"type": "report", "Event": {"info": "i"}}"#,
        r#"{"type": "bundle", "response": [{"Event": {"info": "i"}}]}"#,
        r#"{"type": "indicator", "total_count": 1, "status": "complete"}"#,
        r#"{"id": "bundle--1", "title": "t", "versions": [], "objects": []}"#,
        r#"{"id": "tool--1", "title": "t", "can_read": true, "can_write": false}"#,
        r#"{"id": "tool--1", "stix_header": {}}"#,
        r#"{"spec_version": "2.1", "collections": []}"#,
        r#"{"objects": [], "total_count": 7, "status": "complete"}"#,
        r#"{"more": false, "objects": [{"type": "tool"}], "versions": ["2.1"], "title": "t"}"#,
        r#"{"more": true, "total_count": 7}"#,
        r#"{"more": false, "objects": [{"id": "tool--1", "created": "c", "date_added": "d"}]}"#,
        r#"{"objects": [{"id": "tool--1", "date_added": "d"}, {"type": "tool"}]}"#,
        r#"{"objects": {"0": {"type": "url"}}, "title": "t", "api_roots": []}"#,
        r#"{"type": "tool", "title": "t", "error_code": "7"}"#,
    ] {
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        assert_eq!(Parts::of(document.root()).foreign(), None, "{text}");
    }
    let text = r#"[{"type": "tool", "uuid": "x", "event_id": "7"}]"#;
    let mut elements = stix_model::bundle::read(text.as_bytes().to_vec().into(), Limits::default()).unwrap();
    let element = elements.next().unwrap();
    assert_eq!(element.position.pointer, "/0");
    assert_eq!(element.object.unwrap_err().to_string(), "the required property `id` is missing");
}

#[test]
fn json_of_others_is_named() {
    let foreign = |text: &str| {
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        Parts::of(document.root()).foreign()
    };
    for text in [
        r#"{"Event": {"uuid": "x", "info": "i", "Attribute": []}}"#,
        r#"{"response": [{"Event": {"info": "i"}}]}"#,
        r#"[{"Event": {"info": "i"}}]"#,
        r#"{"response": {"Attribute": []}}"#,
        r#"{"response": {"Attribute": [{"type": "AS", "category": "c", "uuid": "x", "value": "AS1"}]}}"#,
        r#"{"response": [{"Object": {"name": "email", "Attribute": []}}]}"#,
        r#"{"Attribute": [{"type": "AS", "category": "c", "value": "AS1"}], "Object": []}"#,
        r#"[{"id": "1", "type": "url", "category": "c", "uuid": "x", "event_id": "7", "value": "u:x"}]"#,
        r#"{"response": {"Attribute": [{"type": "url", "category": "c", "uuid": "x", "event_id": "7", "value": "u:x"}]}}"#,
    ] {
        assert_eq!(foreign(text), Some(Foreign::Misp), "{text}");
    }
    assert_eq!(foreign(r#"{"stix_header": {}, "id": "package-1"}"#), Some(Foreign::Stix1));
    assert_eq!(foreign(r#"{"title": "Not found", "http_status": "404"}"#), Some(Foreign::TaxiiError));
    let named = |text| match foreign(text) {
        Some(Foreign::TaxiiResource(name)) => name,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(named(r#"{"collections": []}"#), "a list of collections");
    assert_eq!(named(r#"{"title": "t", "versions": [], "max_content_length": 1}"#), "an API root");
    assert_eq!(named(r#"{"title": "t", "can_read": true, "id": "x"}"#), "a collection");
    assert_eq!(named(r#"{"title": "t", "api_roots": []}"#), "a discovery resource");
    assert_eq!(named(r#"{"more": false, "versions": ["2020-01-01T00:00:00Z"]}"#), "a list of versions");
    assert_eq!(named(r#"{"id": "x", "status": "complete", "total_count": 1}"#), "the status of a request");
    assert_eq!(named(r#"{"objects": [{"id": "x", "date_added": "d"}]}"#), "a manifest");
    assert_eq!(named(r#"{"more": true, "objects": [{"id": "tool--1", "date_added": "d"}]}"#), "a manifest");
    for text in [r#"{"type": "tool", "id": "x", "collections": []}"#, "7", "{}", "[]", r#"{"objects": []}"#] {
        assert_eq!(foreign(text), None, "{text}");
    }
    let document = Document::read(b"{}", Limits::default()).unwrap();
    assert_eq!(Parts::of(document.root()).form, Form::Object);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        input in prop::collection::vec(prop::sample::select(&b"{}[]\",:1a\n\r \xEF\xBB\xBF\0\xFF<PK"[..]), 0..60),
        piece in 1_usize..9,
        bounds in (4_usize..80, 4_usize..80),
    ) {
        let bounds = Bounds::default().text(bounds.0).line(bounds.1);
        for expect in [Expect::File, Expect::Lines, Expect::PlainLines] {
            let whole = read(expect, Bounds::default(), &input, usize::MAX);
            prop_assert_eq!(read(expect, Bounds::default(), &input, piece), whole);
            // With bounds it ends, whatever comes.
            let _ = read(expect, bounds, &input, piece);
        }
    }
}
