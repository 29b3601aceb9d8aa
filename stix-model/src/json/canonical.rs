//! The canonical form of RFC 8785 (JCS) and the digest over it.

use super::{Document, JsonError, Kind, Limits, Value};
use sha2::{Digest as _, Sha256};
use std::cmp::Ordering;
use std::fmt;

/// Rewrites a JSON text in the canonical form of RFC 8785.
///
/// ```
/// let canonical = stix_model::json::canonicalize(br#"{ "b": 1.0, "a": "\u20ac" }"#)?;
/// assert_eq!(canonical, r#"{"a":"€","b":1}"#);
/// # Ok::<(), stix_model::json::JsonError>(())
/// ```
///
/// # Errors
/// When the text is not I-JSON. Integers beyond ±(2^53 − 1) are allowed here and rounded as RFC 8785 says.
pub fn canonicalize(bytes: &[u8]) -> Result<String, JsonError> {
    let document = Document::read(bytes, Limits { safe_integers: false, ..Limits::default() })?;
    let mut out = String::with_capacity(bytes.len());
    write_canonical(document.root(), &mut out);
    Ok(out)
}

/// Appends the canonical form of a value.
pub fn write_canonical(value: Value<'_>, out: &mut String) {
    match value.kind() {
        Kind::Null | Kind::Bool => out.push_str(value.raw()),
        Kind::Number => write_number(value, out),
        Kind::String => write_string_value(value, out),
        Kind::Array => {
            out.push('[');
            for (index, element) in value.elements().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(element, out);
            }
            out.push(']');
        }
        Kind::Object => {
            let mut members: Vec<_> = value.members().collect();
            members.sort_unstable_by(|(a, _), (b, _)| compare_names(a, b));
            out.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(&name, out);
                out.push(':');
                write_canonical(member, out);
            }
            out.push('}');
        }
    }
}

/// RFC 8785, section 3.2.3: names sort by UTF-16 code units, which differs from UTF-8 only beyond U+FFFF.
pub(crate) fn compare_names(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

fn write_number(value: Value<'_>, out: &mut String) {
    let raw = value.raw();
    let is_short_integer =
        raw.len() <= 15 && raw != "-0" && raw.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    if is_short_integer {
        out.push_str(raw);
        return;
    }
    let number = value.as_f64().unwrap_or_default();
    out.push_str(ryu_js::Buffer::new().format_finite(number));
}

fn write_string_value(value: Value<'_>, out: &mut String) {
    if value.node().escaped {
        write_string(&value.unescaped(), out);
    } else {
        // Nothing in it needed an escape, so it is canonical as it stands.
        out.push_str(value.raw());
    }
}

/// Appends a text as a JSON string in the canonical form: quoted, with no more escapes than JSON demands.
pub fn write_string(text: &str, out: &mut String) {
    use fmt::Write as _;
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x0C => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => write!(out, "\\u{other:04x}").expect("a String takes every write"),
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// SHA-256 over the canonical form: anybody can recompute it from the object alone, whatever its white space,
/// member order or escapes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of one value.
    pub fn of(value: Value<'_>) -> Self {
        let mut canonical = String::with_capacity(value.raw().len());
        write_canonical(value, &mut canonical);
        Self(Sha256::digest(canonical.as_bytes()).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}
