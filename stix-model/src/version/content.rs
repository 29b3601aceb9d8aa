//! Whether two texts are the same version of an object.

use crate::Timestamp;
use crate::json::{Digest, Kind, Value, write_canonical, write_string};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

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

/// Digest that two objects share exactly when [`is_same_content`] holds for them. `digest` is that of the object
/// ([`Header::digest`](crate::Header::digest)).
///
/// It is the SHA-256 of the canonical form after default values are left out and timestamps of the standard are
/// written with at least three fraction digits, and beyond three with no zero at the end. Most objects are spelled so
/// already; then it is `digest`, and nothing is hashed. It is for comparison inside one program: no standard names it.
///
/// ```
/// use stix_model::json::{Digest, Document, Limits};
/// use stix_model::version::content_digest;
/// let usual = Document::read(br#"{"id": "x", "valid_from": "2020-01-01T00:00:00.000Z"}"#, Limits::default())?;
/// let other = Document::read(br#"{"id": "x", "valid_from": "2020-01-01T00:00:00Z"}"#, Limits::default())?;
/// let [usual, other] = [usual.root(), other.root()];
/// assert_eq!(content_digest(usual, Digest::of(usual)), Digest::of(usual));
/// assert_eq!(content_digest(other, Digest::of(other)), Digest::of(usual));
/// # Ok::<(), stix_model::json::JsonError>(())
/// ```
pub fn content_digest(object: Value<'_>, digest: Digest) -> Digest {
    let has_default = object.members().any(|(name, value)| is_default(object, &name, value));
    if !has_default && has_usual_instants(object) {
        return digest;
    }
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
            let mut separator = '{';
            for (name, member) in value.canonical_members() {
                let text = name.as_str().unwrap_or_default();
                if defaults.is_some_and(|object| is_default(object, &text, member)) {
                    continue;
                }
                out.push(separator);
                write_canonical(name, out);
                out.push(':');
                match usual_instant(&text, member) {
                    Some(instant) => write_string(&instant, out),
                    None => write_normal(member, None, out),
                }
                separator = ',';
            }
            out.push_str(if separator == '{' { "{}" } else { "}" });
        }
        Kind::Array => {
            let mut separator = '[';
            for element in value.elements() {
                out.push(separator);
                write_normal(element, None, out);
                separator = ',';
            }
            out.push_str(if separator == '[' { "[]" } else { "]" });
        }
        _ => write_canonical(value, out),
    }
}

/// Whether all timestamps in a value are spelled as usual.
fn has_usual_instants(value: Value<'_>) -> bool {
    let is_usual = |(name, member): (Cow<'_, str>, Value<'_>)| {
        usual_instant(&name, member).is_none() && has_usual_instants(member)
    };
    match value.kind() {
        Kind::Object => value.members().all(is_usual),
        Kind::Array => value.elements().all(has_usual_instants),
        _ => true,
    }
}

/// The usual spelling of a timestamp property of the standard; `None` for other properties, and when it is spelled so.
fn usual_instant(name: &str, value: Value<'_>) -> Option<String> {
    /// Length of `YYYY-MM-DDTHH:MM:SS.sssZ`.
    const USUAL: usize = 24;
    let text = value.as_str()?;
    let may_be_unusual = match text.len() {
        0..USUAL => text.ends_with('Z'),
        USUAL => false,
        _ => text.ends_with("0Z"),
    };
    if !may_be_unusual || TIMESTAMPS.binary_search(&name).is_err() {
        return None;
    }
    let instant: Timestamp = text.parse().ok()?;
    let (seconds, fraction) = instant.sort_key().split_once('.').unwrap_or((instant.sort_key(), ""));
    Some(format!("{seconds}.{fraction:0<3}Z"))
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
    use super::*;
    use crate::json::{Document, Limits};
    use crate::schema::table::{Schema, Shape};
    use proptest::prelude::{Strategy, prop, prop_oneof, proptest};
    use std::collections::{BTreeMap, BTreeSet};

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

    /// The normal form that this one takes the place of, kept as the measure: it is simpler, and no RFC 8785.
    fn former_normal_form(value: Value<'_>, defaults: Option<Value<'_>>, out: &mut String) {
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
                    let instant =
                        member.as_str().filter(|_| TIMESTAMPS.binary_search(&name.as_ref()).is_ok());
                    match instant.and_then(|text| text.parse::<Timestamp>().ok()) {
                        Some(instant) => write_string(&format!("{}Z", instant.sort_key()), out),
                        None => former_normal_form(member, None, out),
                    }
                }
                out.push('}');
            }
            Kind::Array => {
                for element in value.elements() {
                    out.push('[');
                    former_normal_form(element, None, out);
                }
                out.push(']');
            }
            _ => write_canonical(value, out),
        }
    }

    const FIXTURES: [&str; 3] = [
        include_str!("../../../conformance/fixtures/object_validation.jsonl"),
        include_str!("../../../conformance/fixtures/object_mutations.jsonl"),
        include_str!("../../../conformance/fixtures/versioning.jsonl"),
    ];

    /// Objects fall into the same classes as by the form before, and what is spelled as usual keeps its digest.
    fn compare_forms<'t>(texts: impl IntoIterator<Item = &'t str>) {
        let mut new_of_former = BTreeMap::new();
        let mut former_of_new = BTreeMap::new();
        for text in texts {
            let limits = Limits { safe_integers: false, ..Limits::default() };
            let Ok(document) = Document::read(text.as_bytes(), limits) else { continue };
            let object = document.root();
            let digest = Digest::of(object);
            let new = content_digest(object, digest);
            assert_eq!(new, Digest(Sha256::digest(normal_form(object).as_bytes()).into()), "{text}");
            let mut former = String::new();
            former_normal_form(object, Some(object), &mut former);
            assert_eq!(*new_of_former.entry(former.clone()).or_insert(new), new, "told apart: {text}");
            assert_eq!(
                *former_of_new.entry(new).or_insert_with(|| former.clone()),
                former,
                "mixed up: {text}"
            );
        }
    }

    #[test]
    fn the_fixtures_fall_into_the_same_classes_as_before() {
        let mut texts = Vec::new();
        for line in FIXTURES.iter().flat_map(|file| file.lines()) {
            let document = Document::read(line.as_bytes(), Limits::default()).unwrap();
            let row = document.root();
            let stored = row.get("stored").into_iter().flat_map(Value::elements);
            let objects = ["object", "incoming"].into_iter().filter_map(|name| row.get(name)).chain(stored);
            texts.extend(objects.map(|object| object.raw().to_owned()));
        }
        assert!(texts.len() > 300, "only {} objects", texts.len());
        // Each again with other spellings of its times and with a default written out.
        let other: Vec<_> = texts
            .iter()
            .flat_map(|text| {
                [
                    text.replace(".000Z", "Z"),
                    text.replace(".000Z", ".000000Z"),
                    text.replace("00Z", "0Z"),
                    text.replacen('{', r#"{"revoked":false,"#, 1),
                    text.replacen('{', r#"{"lang":"en","#, 1),
                ]
            })
            .collect();
        compare_forms(texts.iter().chain(&other).map(String::as_str));
    }

    proptest! {
        #[test]
        fn random_spellings_fall_into_the_same_classes_as_before(objects in prop::collection::vec(object(), 2..24)) {
            compare_forms(objects.iter().map(String::as_str));
        }
    }

    /// Few names and values, so that many objects say the same.
    fn object() -> impl Strategy<Value = String> {
        let time = prop::sample::select(vec![
            "2020-01-01T00:00:00Z",
            "2020-01-01T00:00:00.0Z",
            "2020-01-01T00:00:00.000Z",
            "2020-01-01T00:00:00.1Z",
            "2020-01-01T00:00:00.100Z",
            "2020-01-01T00:00:00.1000Z",
            "2020-01-01T00:00:00.1001Z",
            "2020-01-01T00:00:00.10010Z",
            "2020-13-01T00:00:00Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01t00:00:00Z",
            "0Z",
            "Z",
            "2020-01-01T00:00:00.0\\u0030\\u005a",
        ]);
        let text = time.prop_map(|time| format!("\"{time}\""));
        let plain = prop::sample::select(vec![
            "true",
            "false",
            "1",
            "1.0",
            "[]",
            "{}",
            "null",
            r#""en""#,
            r#""2.1""#,
            r#""stix""#,
            r#""sighting""#,
            r#""\u0065n""#,
        ]);
        let leaf = prop_oneof![text, plain.prop_map(str::to_owned)];
        let name = prop::sample::select(vec![
            "revoked",
            "defanged",
            "lang",
            "summary",
            "type",
            "pattern_type",
            "pattern_version",
            "spec_version",
            "created",
            "modified",
            "mtime",
            "name",
            "\\u006dtime",
            "\u{1F600}",
            "\u{FB00}",
        ]);
        let inner = leaf.prop_recursive(2, 8, 3, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("[{}]", list.join(", "))),
                prop::collection::btree_map(prop::sample::select(vec!["mtime", "revoked", "a"]), inner, 0..3)
                    .prop_map(written),
            ]
        });
        prop::collection::btree_map(name, inner, 0..5).prop_map(written)
    }

    fn written(members: BTreeMap<&str, String>) -> String {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn all_timestamps_of_the_tables_are_known() {
        let mut names = BTreeSet::new();
        let all = crate::registry::SCHEMAS.iter().copied().chain(crate::model::extension::SCHEMAS);
        all.for_each(|schema| collect(schema, &mut names));
        assert_eq!(names.into_iter().collect::<Vec<_>>(), TIMESTAMPS);
    }
}
