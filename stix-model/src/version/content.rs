//! Whether two texts are the same version of an object.

use crate::Timestamp;
use crate::json::{Digest, Kind, Value, write_canonical, write_string};
use sha2::{Digest as _, Sha256};

/// Whether two representations of one version say the same.
///
/// White space, member order, escapes and spellings of numbers do not count, nor do the fraction digits of an
/// instant in a timestamp property of the standard, nor whether a property that has its default value is
/// written out: to leave it out is no change (STIX 2.1, section 3.6). Defaults are `revoked` and `defanged`
/// false, `lang` `en`, `summary` of a sighting false, `pattern_version` `2.1` of a STIX pattern, and
/// `spec_version` `2.1` of a cyber-observable object.
///
/// ```
/// use stix_model::json::{Document, Limits};
/// use stix_model::version::is_same_content;
/// let a = Document::read(br#"{"id": "x", "valid_from": "2020-01-01T00:00:00Z"}"#, Limits::default())?;
/// let b = Document::read(
///     br#"{"valid_from": "2020-01-01T00:00:00.000Z", "revoked": false, "id": "x"}"#,
///     Limits::default(),
/// )?;
/// assert!(is_same_content(a.root(), b.root()));
/// # Ok::<(), stix_model::json::JsonError>(())
/// ```
pub fn is_same_content(a: Value<'_>, b: Value<'_>) -> bool {
    a.raw() == b.raw() || normal_form(a) == normal_form(b)
}

/// A digest that two objects share when [`is_same_content`] holds for them. For comparison inside one
/// program: it is not the digest of the header, and no standard names it.
pub fn content_digest(object: Value<'_>) -> Digest {
    Digest(Sha256::digest(normal_form(object).as_bytes()).into())
}

/// The properties of type timestamp, in byte order.
const TIMESTAMPS: [&str; 33] = [
    "account_created",
    "account_expires",
    "account_first_login",
    "account_last_login",
    "analysis_ended",
    "analysis_started",
    "atime",
    "created",
    "created_time",
    "credential_last_changed",
    "ctime",
    "date",
    "end",
    "first_observed",
    "first_seen",
    "last_observed",
    "last_seen",
    "modified",
    "modified_time",
    "mtime",
    "object_modified",
    "private_key_usage_period_not_after",
    "private_key_usage_period_not_before",
    "published",
    "start",
    "start_time",
    "stop_time",
    "submitted",
    "time_date_stamp",
    "valid_from",
    "valid_until",
    "validity_not_after",
    "validity_not_before",
];

fn normal_form(object: Value<'_>) -> String {
    let mut out = String::with_capacity(object.raw().len());
    write_normal(object, Some(object), &mut out);
    out
}

/// Members of `defaults` that have their default value are left out. Recursion ends with the nesting that the
/// reader let through.
fn write_normal(value: Value<'_>, defaults: Option<Value<'_>>, out: &mut String) {
    match value.kind() {
        Kind::Object => {
            let is_left_out =
                |name: &str, value| defaults.is_some_and(|object| is_default(object, name, value));
            let mut members: Vec<_> =
                value.members().filter(|(name, value)| !is_left_out(name, *value)).collect();
            members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            for (name, member) in members {
                out.push('{');
                write_string(&name, out);
                let instant = member.as_str().filter(|_| TIMESTAMPS.binary_search(&name.as_ref()).is_ok());
                match instant.and_then(|text| text.parse::<Timestamp>().ok()) {
                    Some(instant) => write_string(&format!("{}Z", instant.sort_key()), out),
                    None => write_normal(member, None, out),
                }
            }
            out.push('}');
        }
        Kind::Array => {
            for element in value.elements() {
                out.push('[');
                write_normal(element, None, out);
            }
            out.push(']');
        }
        _ => write_canonical(value, out),
    }
}

fn is_default(object: Value<'_>, name: &str, value: Value<'_>) -> bool {
    let is_text =
        |value: Option<Value<'_>>, text: &str| value.and_then(Value::as_str).as_deref() == Some(text);
    let is = |text: &str| is_text(Some(value), text);
    let is_false = value.as_bool() == Some(false);
    match name {
        "revoked" | "defanged" => is_false,
        "lang" => is("en"),
        "summary" => is_false && is_text(object.get("type"), "sighting"),
        "pattern_version" => is("2.1") && is_text(object.get("pattern_type"), "stix"),
        // Only cyber-observable objects may leave it out, and those alone have no `created`.
        "spec_version" => is("2.1") && object.get("created").is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::TIMESTAMPS;
    use crate::schema::{Schema, Shape};
    use std::collections::BTreeSet;

    fn collect(schema: &Schema, names: &mut BTreeSet<&'static str>) {
        for property in schema.properties() {
            let mut shape = &property.shape;
            while let Shape::List(inner) | Shape::Dictionary(inner) = shape {
                shape = inner;
            }
            match shape {
                Shape::Timestamp | Shape::PreciseTimestamp => drop(names.insert(property.name)),
                Shape::Part(part) => collect(part, names),
                _ => {}
            }
        }
    }

    #[test]
    fn all_timestamps_of_the_tables_are_known() {
        let mut names = BTreeSet::new();
        let all = crate::any_object::SCHEMAS.iter().copied().chain(crate::extension::SCHEMAS);
        all.for_each(|schema| collect(schema, &mut names));
        assert_eq!(names.into_iter().collect::<Vec<_>>(), TIMESTAMPS);
    }
}
