//! The canonical form of RFC 8785 (JCS) and the digest over it.

use super::string::plain_length;
use super::{Document, JsonError, Kind, Limits, Value};
use data_encoding::HEXLOWER;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

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
        _ if value.node().canonical => out.push_str(value.raw()),
        Kind::Null | Kind::Bool => out.push_str(value.raw()),
        Kind::Number => {
            let number = value.as_f64().unwrap_or_default();
            out.push_str(ryu_js::Buffer::new().format_finite(number));
        }
        Kind::String => write_string(&value.unescaped(), out),
        Kind::Array => {
            let mut separator = '[';
            for element in value.elements() {
                out.push(separator);
                write_canonical(element, out);
                separator = ',';
            }
            out.push_str(if separator == '[' { "[]" } else { "]" });
        }
        Kind::Object => {
            let mut separator = '{';
            for (name, member) in value.canonical_members() {
                out.push(separator);
                write_canonical(name, out);
                out.push(':');
                write_canonical(member, out);
                separator = ',';
            }
            out.push_str(if separator == '{' { "{}" } else { "}" });
        }
    }
}

/// Appends a text as a JSON string in the canonical form: quoted, with no more escapes than JSON demands.
pub fn write_string(text: &str, out: &mut String) {
    use fmt::Write as _;
    out.push('"');
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(plain_length(rest.as_bytes()));
        out.push_str(plain);
        let Some(byte) = special.bytes().next() else { break };
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
        rest = &special[1..];
    }
    out.push('"');
}

/// SHA-256 over the canonical form: anybody can recompute it from the object alone, whatever its white space,
/// member order or escapes.
///
/// As text it is 64 lower-case hexadecimal digits. Serde writes these to formats for people, and 32 bytes to others.
///
/// ```
/// use stix_model::json::{Digest, Document, Limits};
/// let digest = Digest::of(Document::read(b"{}", Limits::default())?.root());
/// assert!(digest.to_string().starts_with("44136fa355b3678a"));
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// # Ok::<(), stix_model::json::JsonError>(())
/// ```
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
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}

/// A text that is no [`Digest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 digits 0-9 and a-f")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(DigestError)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(DigestVisitor)
        } else {
            deserializer.deserialize_bytes(DigestVisitor)
        }
    }
}

struct DigestVisitor;

impl Visitor<'_> for DigestVisitor {
    type Value = Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest of 32 bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Digest, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Digest, E> {
        bytes.try_into().map(Digest).map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}
