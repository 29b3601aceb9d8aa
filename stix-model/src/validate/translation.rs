//! Translations beside the object that they translate (STIX 2.1, section 7.1).

use super::members::{Member, Members};
use super::subject::Sink;
use crate::Timestamp;
use crate::finding::{Code, Severity};
use crate::json::{Kind, Path, Value};
use crate::schema::rule::Rule;

/// Checks language content against the version that it is for, when the bundle holds it.
pub(super) fn check(content: &Member<'_>, members: &Members<'_>, sink: &mut Sink) {
    let Some(object_ref) = content.text("object_ref") else { return };
    let Some(latest) = members.latest(&object_ref) else { return };
    let place = Path::root(Some(content.index));
    let original = match content.text("object_modified").and_then(|time| time.parse::<Timestamp>().ok()) {
        None => latest,
        Some(modified) => {
            let Some(version) = members.version(&object_ref, &modified) else {
                let message =
                    format!("no version of {object_ref} in this bundle has {modified} as its `modified`");
                let place = place.member("object_modified");
                sink.report(Severity::Warning, Code::ReferenceMissing, &place, Rule::S130, message);
                return;
            };
            version
        }
    };
    let Some(contents) = content.value.get("contents") else { return };
    let contents_path = place.member("contents");
    for (tag, translations) in contents.members() {
        compare_members(translations, original.value, &contents_path.member(&tag), sink);
    }
}

/// What the original does not have is for readers to ignore.
fn compare_members(translation: Value<'_>, original: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    for (name, member) in translation.members() {
        if let Some(original) = original.get(&name) {
            compare(member, original, &path.member(&name), sink);
        }
    }
}

/// A text for a text, a list of the same length for a list, an object for an object. An empty text stands for what is
/// not translated.
fn compare(translation: Value<'_>, original: Value<'_>, path: &Path<'_>, sink: &mut Sink) {
    let is_left_out = translation.as_str().is_some_and(|text| text.is_empty());
    let length = |value: Value<'_>| value.count();
    match (translation.kind(), original.kind()) {
        _ if is_left_out => {}
        (_, Kind::Bool | Kind::Number | Kind::Null) | (Kind::String, Kind::String) => {}
        (Kind::Object, Kind::Object) => compare_members(translation, original, path, sink),
        (Kind::Array, Kind::Array) if length(translation) == length(original) => {
            for (index, (translation, original)) in
                translation.elements().zip(original.elements()).enumerate()
            {
                compare(translation, original, &path.element(index), sink);
            }
        }
        _ => {
            let message = format!(
                "must have the form of what it translates, {}, and is {}",
                describe(original),
                describe(translation)
            );
            sink.report(Severity::Error, Code::PropertyType, path, Rule::S131, message);
        }
    }
}

/// What kind of thing a value is, for messages.
fn describe(value: Value<'_>) -> String {
    match value.kind() {
        Kind::Array => format!("a list of {}", value.count()),
        kind => kind.name().to_owned(),
    }
}
