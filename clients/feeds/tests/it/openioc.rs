//! Trees of terms.

use crate::{converted, feed};

fn ioc(definition: &str) -> String {
    format!(
        r#"<ioc id="0b879284-0c37-4bfa-9dd8-34505a9c5175" last-modified="2015-01-27T21:18:07Z"><short_description>Test</short_description>
        <authored_date>2015-01-27T19:56:21Z</authored_date><definition><Indicator operator="OR">{definition}</Indicator></definition></ioc>"#
    )
}

fn item(search: &str, condition: &str, content: &str) -> String {
    format!(
        r#"<IndicatorItem condition="{condition}"><Context search="{search}"/><Content>{content}</Content></IndicatorItem>"#
    )
}

/// The pattern and the text of the note.
fn made(definition: &str) -> (Option<String>, Option<String>) {
    let (found, objects) = converted(&feed("openioc"), ioc(definition).as_bytes()).unwrap();
    assert_eq!(found.rejected, []);
    let of = |kind: &str, name: &str| {
        let object = objects.iter().find(|object| object.id().object_type() == kind)?;
        object.get::<String>(name).unwrap()
    };
    (of("indicator", "pattern"), of("note", "content"))
}

#[test]
fn terms_of_one_object_share_an_observation() {
    let definition = format!(
        "{}<Indicator operator='AND'>{}{}</Indicator>{}",
        item("FileItem/FileName", "is", "a&amp;b.exe"),
        item("RegistryItem/Path", "contains", r"HKLM\Software"),
        item("RegistryItem/ValueName", "is", "Run"),
        item("FileItem/SizeInBytes", "greater-than", "10"),
    );
    let (pattern, note) = made(&definition);
    assert_eq!(
        pattern.unwrap(),
        r"[file:name = 'a&b.exe' OR file:size > 10] OR [windows-registry-key:key MATCHES 'HKEY_LOCAL_MACHINE\\\\Software' AND windows-registry-key:values[*].name = 'Run']"
    );
    assert_eq!(note, None);
}

#[test]
fn an_and_with_a_term_that_no_pattern_can_tell_is_a_note() {
    let definition = format!(
        "{}<Indicator operator='AND'>{}{}</Indicator>",
        item("FileItem/Md5sum", "is", "64A17F5177157BB8C4199D38C46EC93B"),
        item("FileItem/FileName", "is", "a.exe"),
        item("FileItem/PEInfo/Exports/DllName", "is", "b.dll"),
    );
    let (pattern, note) = made(&definition);
    assert_eq!(pattern.unwrap(), "[file:hashes.'MD5' = '64a17f5177157bb8c4199d38c46ec93b']");
    assert_eq!(note.unwrap(), "FileItem/FileName is `a.exe` AND FileItem/PEInfo/Exports/DllName is `b.dll`");
}

#[test]
fn what_like_would_take_for_others_is_an_expression() {
    let (pattern, _) = made(&item("FileItem/FileName", "contains", "a_b.c"));
    assert_eq!(pattern.unwrap(), r"[file:name MATCHES 'a_b\\.c']");
    let (pattern, _) = made(&item("FileItem/FileName", "containsnot", "it's"));
    assert_eq!(pattern.unwrap(), r"[file:name NOT LIKE '%it\'s%']");
}

#[test]
fn a_document_that_never_ends_is_refused() {
    assert!(converted(&feed("openioc"), "<ioc>".repeat(100_000).as_bytes()).is_err());
    assert!(converted(&feed("openioc"), b"<ioc id='1'><definition>").is_err());
}
