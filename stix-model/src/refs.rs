//! The references in a value: what stands in properties whose names end in `_ref` or `_refs` (STIX 2.1, section 3.1).

use crate::json::{Kind, Path, Value};
use std::convert::Infallible;

/// Whether a property of this name holds a reference or a list of them.
pub(crate) fn is_reference(name: &str) -> bool {
    name.ends_with("_ref") || name.ends_with("_refs")
}

/// Whether the keys of a dictionary are other people's words, so that one that ends in `_ref` refers to nothing.
pub(crate) fn has_foreign_keys(property: &str) -> bool {
    matches!(
        property,
        "additional_header_fields"
            | "document_info_dict"
            | "environment_variables"
            | "exif_tags"
            | "hashes"
            | "ipfix"
            | "options"
            | "request_header"
            | "startup_info"
    ) || property.ends_with("_hashes")
}

/// Shows each reference in a value, at any depth and in the order of the text, with its place: the text of a `_ref`,
/// each element of a `_refs`. [`Path::name`] is the property. Every part of the value is seen once. Recursion ends with
/// the nesting that the reader let through.
///
/// # Errors
/// The first that `see` returns; then the rest is not shown.
pub(crate) fn try_visit<'d, E>(
    value: Value<'d>,
    path: &Path<'_>,
    see: &mut impl FnMut(Value<'d>, &Path<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for (index, element) in value.elements().enumerate() {
        try_visit(element, &path.element(index), see)?;
    }
    for (name, member) in value.members() {
        let place = path.member(&name);
        try_visit_member(member, &place, see)?;
    }
    Ok(())
}

/// Like [`try_visit`], for the property at `place`, whose value is given.
pub(crate) fn try_visit_member<'d, E>(
    member: Value<'d>,
    place: &Path<'_>,
    see: &mut impl FnMut(Value<'d>, &Path<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let name = place.name();
    match member.kind() {
        Kind::String if name.ends_with("_ref") => see(member, place),
        Kind::Array if name.ends_with("_refs") => {
            member.elements().enumerate().try_for_each(|(index, element)| see(element, &place.element(index)))
        }
        Kind::Object if has_foreign_keys(name) => Ok(()),
        _ => try_visit(member, place, see),
    }
}

/// Like [`try_visit`], to the end.
pub(crate) fn visit<'d>(value: Value<'d>, path: &Path<'_>, mut see: impl FnMut(Value<'d>, &Path<'_>)) {
    let Ok(()) = try_visit(value, path, &mut |reference, place| {
        see(reference, place);
        Ok::<(), Infallible>(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Document, Limits};

    #[test]
    fn references_are_seen_at_any_depth_in_the_order_of_the_text() {
        let text = br#"{"a_refs": ["1", "2"], "name": "x", "b_ref": "3", "parts": [{"c_ref": "4"}, [{"d_ref": "5"}]],
            "e_ref": {"f_ref": "6"}, "g_refs": "no list", "environment_variables": {"HOME_ref": "no reference"}}"#;
        let document = Document::read(text, Limits::default()).unwrap();
        let mut seen = Vec::new();
        visit(document.root(), &Path::root(None), |value, place| {
            seen.push(format!("{} {} {}", value.as_str().unwrap(), place.name(), place.pointer()));
        });
        assert_eq!(
            seen,
            [
                "1 a_refs /a_refs/0",
                "2 a_refs /a_refs/1",
                "3 b_ref /b_ref",
                "4 c_ref /parts/0/c_ref",
                "5 d_ref /parts/1/0/d_ref",
                "6 f_ref /e_ref/f_ref",
            ]
        );
        let mut count = 0;
        let stopped = try_visit(document.root(), &Path::root(None), &mut |_, _| {
            count += 1;
            if count == 2 { Err(()) } else { Ok(()) }
        });
        assert_eq!((stopped, count), (Err(()), 2));
    }
}
