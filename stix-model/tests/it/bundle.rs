//! Texts that hold many objects, in every form.

use proptest::prelude::*;
use stix_model::StixId;
use stix_model::bundle::{self, Form};
use stix_model::json::Limits;

const URL: &str = r#"{"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "x"}"#;

/// The form, and for each element its place and its text or what is wrong.
fn read(text: &str) -> Result<(Form, Vec<String>), String> {
    let source = bytes::Bytes::copy_from_slice(text.as_bytes());
    let objects = bundle::read(source.clone(), Limits::default()).map_err(|error| error.to_string())?;
    let form = objects.form();
    let rows = objects.map(|element| {
        let place = format!("{} @{}", element.position, element.position.offset);
        match element.object {
            Ok(object) => {
                let start = element.position.offset;
                assert_eq!(source[start..start + object.json().len()], object.json()[..], "{text}");
                place
            }
            Err(error) => format!("{place}: {error}"),
        }
    });
    Ok((form, rows.collect()))
}

fn ok(form: Form, rows: &[&str]) -> Result<(Form, Vec<String>), String> {
    Ok((form, rows.iter().map(|row| (*row).to_owned()).collect()))
}

#[test]
fn every_form_is_recognised() {
    assert_eq!(read(URL), ok(Form::Object, &["line 1 @0"]));
    assert_eq!(
        read(&format!("[\n{URL},\n\n {URL}]")),
        ok(Form::List, &["line 2 (/0) @2", "line 4 (/1) @86"])
    );
    assert_eq!(read("[]"), ok(Form::List, &[]));
    let bundle = format!("{{\"type\":\"bundle\",\"id\":\"bundle--1\",\n\"objects\":[{URL}]}}");
    assert_eq!(read(&bundle), ok(Form::Bundle, &["line 2 (/objects/0) @46"]));
    assert_eq!(read(r#"{"type":"bundle","id":"bundle--1"}"#), ok(Form::Bundle, &[]));
    assert_eq!(
        read(&format!(r#"{{"more":true,"objects":[{URL}]}}"#)),
        ok(Form::Envelope, &["line 1 (/objects/0) @24"])
    );
    assert_eq!(read("{}"), ok(Form::Envelope, &[]));
    let observed =
        r#"{"type":"observed-data","id":"observed-data--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","objects":{}}"#;
    assert_eq!(read(observed), ok(Form::Object, &["line 1 @0"]));
}

#[test]
fn lines_are_read_one_by_one() {
    let text = format!("\n{URL}\r\n\n[{URL}, 7]\n{{\"a\": 1}}\n{{\"a\":\n{URL}");
    assert_eq!(
        read(&text),
        ok(
            Form::Lines,
            &[
                "line 2 @1",
                "line 4 (/0) @85",
                "line 4 (/1) @167: must be an object, not a number",
                "line 5 @170: neither a STIX object nor a bundle (`type` is missing or no string) nor an envelope (none of `objects`, `more` and `next`)",
                "line 6 @179: the text ends too early at line 1, column 6 (/a)",
                "line 7 @185",
            ]
        )
    );
}

#[test]
fn other_texts_are_refused() {
    for (text, message) in [
        ("7", "a bundle, an envelope or an object is a JSON object, or many are a list; not a number"),
        (r#"{"objects":{}}"#, "/objects: must be a list of STIX objects, not an object"),
        (
            r#"{"id":"x","next":"1"}"#,
            "neither a STIX object nor a bundle (`type` is missing or no string) nor an envelope (none of `objects`, `more` and `next`)",
        ),
        ("", "the text ends too early at line 1, column 1"),
        ("{\n}\n}", "more text after the end of the value at line 3, column 1"),
    ] {
        assert_eq!(read(text), Err(message.into()), "{text}");
    }
}

#[test]
fn only_the_identifier_of_a_bundle_names_one() {
    let id: StixId = "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse().unwrap();
    let refusal = bundle::write(&id, [""; 0]).unwrap_err().to_string();
    assert_eq!(refusal, "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f is not the identifier of a bundle");
    let id = "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse().unwrap();
    let empty = bundle::write(&id, [""; 0]).unwrap();
    assert_eq!(empty, br#"{"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}"#);
}

proptest! {
    #[test]
    fn what_is_written_reads_back_byte_for_byte(names in prop::collection::vec("\\PC{0,8}", 0..5)) {
        let texts: Vec<_> = names.iter().map(|name| {
            let mut quoted = String::new();
            stix_model::json::write_string(name, &mut quoted);
            URL.replace("\"x\"", &quoted)
        }).collect();
        let id = "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse().unwrap();
        let written = bundle::write(&id, texts.iter().map(|text| text.as_bytes())).unwrap();
        for source in [written, texts.join("\n").into_bytes(), format!("[{}]", texts.join(",")).into_bytes()] {
            if source.is_empty() {
                continue;
            }
            let read = bundle::read(source.into(), Limits::default()).unwrap();
            let read: Vec<_> = read.map(|element| element.object.unwrap().json().clone()).collect();
            prop_assert_eq!(&read, &texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}:,\"a0\n ]{0,24}|\\PC{0,24}") {
        let _ = read(&text);
    }
}
