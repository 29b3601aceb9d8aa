//! What the strict reader refuses, and where it says the fault is.

use stix_model::json::{Document, JsonErrorKind as Kind, Limits};

fn refusal(text: &[u8]) -> (Kind, String) {
    let error = Document::read(text, Limits::default()).expect_err(&String::from_utf8_lossy(text));
    (error.kind(), error.pointer())
}

#[test]
fn refusals_name_the_rule_and_the_pointer() {
    let cases: &[(&[u8], Kind, &str)] = &[
        (b"", Kind::UnexpectedEnd, ""),
        (b"{", Kind::UnexpectedEnd, ""),
        (b"[1,", Kind::UnexpectedEnd, "/1"),
        (b"{} x", Kind::TrailingText, ""),
        (b"{\"a\":1,}", Kind::Expected("a member name in quotes"), ""),
        (b"[1 2]", Kind::Expected("`,` or `]`"), ""),
        (b"{\"a\" 1}", Kind::Expected("`:`"), "/a"),
        (b"\xef\xbb\xbf{}", Kind::ByteOrderMark, ""),
        (b"{\"a\":\"\xff\"}", Kind::NotUtf8, ""),
        (b"{\"a\":[{\"b\":1,\"c\":2,\"b\":3}]}", Kind::DuplicateName, "/a/0/b"),
        (b"{\"a\":1,\"\\u0061\":2}", Kind::DuplicateName, "/a"),
        (b"{\"a~/b\":[\"\\ud800\"]}", Kind::LoneSurrogate, "/a~0~1b/0"),
        (b"[\"\\udc00\"]", Kind::LoneSurrogate, "/0"),
        (b"[\"\\ud83d\\u0041\"]", Kind::LoneSurrogate, "/0"),
        (b"[\"\\x\"]", Kind::BadEscape, "/0"),
        (b"[\"\\u12g4\"]", Kind::BadEscape, "/0"),
        (b"[\"a\nb\"]", Kind::ControlCharacter, "/0"),
        (b"[9007199254740992]", Kind::UnsafeInteger, "/0"),
        (b"[-9007199254740992]", Kind::UnsafeInteger, "/0"),
        (b"[1e400]", Kind::NotFinite, "/0"),
        (b"[01]", Kind::Expected("`,` or `]`"), ""),
        (b"[1.]", Kind::BadNumber, "/0"),
        (b"[-]", Kind::BadNumber, "/0"),
        (b"[+1]", Kind::Expected("a value"), "/0"),
        (b"[nul]", Kind::Expected("true, false or null"), "/0"),
        (b"['a']", Kind::Expected("a value"), "/0"),
    ];
    for (text, kind, pointer) in cases {
        assert_eq!(refusal(text), (*kind, (*pointer).to_owned()), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn accepts_what_is_at_the_limits() {
    let deepest = format!("{}{}", "[".repeat(64), "]".repeat(64));
    Document::read(deepest.as_bytes(), Limits::default()).unwrap();
    let deeper = format!("{}{}", "[".repeat(65), "]".repeat(65));
    assert_eq!(refusal(deeper.as_bytes()).0, Kind::TooDeep);
    let text = b"[9007199254740991, -9007199254740991, 1e308, 123456789012345678.5, \"\\ud83d\\ude00\"]";
    let document = Document::read(text, Limits::default()).unwrap();
    assert_eq!(document.root().elements().last().unwrap().as_str().unwrap(), "😀");
    let short = Limits::default().bytes(3);
    assert!(Document::read(b"[1]", short).is_ok());
    let few = Limits::default().elements(2);
    assert!(Document::read(b"[[1, 2], [3, 4]]", few).is_ok());
    assert_eq!(Document::read(b"[1, 2, 3]", few).unwrap_err().kind(), Kind::TooMany);
    assert_eq!(Document::read(b"[12]", short).unwrap_err().kind(), Kind::TooLong);
}

#[test]
fn a_million_names_and_a_hundred_thousand_levels_end_quickly() {
    let names: String = (0..1_000_000).map(|n| format!("\"{n}\":0,")).collect();
    let object = format!("{{{names}\"7\":1}}");
    assert_eq!(refusal(object.as_bytes()), (Kind::DuplicateName, "/7".into()));
    assert_eq!(refusal("[".repeat(100_000).as_bytes()).0, Kind::TooDeep);
}

#[test]
fn lines_and_columns_count_characters() {
    let error = Document::read("{\n  \"ä\": ?".as_bytes(), Limits::default()).unwrap_err();
    assert_eq!((error.line(), error.column(), error.pointer()), (2, 8, "/ä".to_owned()));
    assert_eq!(error.to_string(), "expected a value at line 2, column 8 (/ä)");
}
