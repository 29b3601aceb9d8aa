//! Deterministic identifiers of cyber-observable objects (STIX 2.1, sections 2.9 and 3.4).
//!
//! ```
//! use stix_model::json::{Document, Limits};
//! use stix_model::sco_id;
//! let document = Document::read(br#"{"type": "ipv4-addr", "value": "198.51.100.3"}"#, Limits::default())?;
//! let id = sco_id(document.root())?;
//! assert_eq!(id.id().unwrap().as_str(), "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::json::{self, Kind, Value};
use crate::{IdError, StixId};
use uuid::{Uuid, uuid};

/// The namespace of deterministic identifiers (STIX 2.1, section 2.9).
pub const NAMESPACE: Uuid = uuid!("00abedb4-aa42-466c-9c01-fed23315a9b7");

/// Which identifier a cyber-observable object is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScoId {
    /// A UUIDv5: everybody who describes the same thing gets the same identifier.
    Deterministic {
        /// The identifier.
        id: StixId,
        /// The text that is hashed: the ID contributing properties in canonical form (RFC 8785).
        name: String,
    },
    /// The caller has to draw a UUIDv4: a `process`, an object without any ID contributing property, or one
    /// that its producer versions with `created` and `modified` (section 3.6).
    Random,
}

impl ScoId {
    /// The deterministic identifier, if there is one.
    pub fn id(&self) -> Option<&StixId> {
        match self {
            Self::Deterministic { id, .. } => Some(id),
            Self::Random => None,
        }
    }

    /// The text that is hashed, if there is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Deterministic { name, .. } => Some(name),
            Self::Random => None,
        }
    }
}

/// Computes the identifier of a cyber-observable object; its `id`, if it has one, is not looked at.
///
/// Of `hashes` one entry counts: the first of MD5, SHA-1, SHA-256 and SHA-512 that is there. With none of
/// these the standard is silent; the first entry of the text counts then, as in the reference library, so
/// that such an identifier changes when somebody reorders the hashes.
///
/// Values count as they are written: another spelling of the same address, or another precision of the same
/// instant, gives another identifier.
///
/// ```
/// use stix_model::json::{Document, Limits};
/// use stix_model::sco_id;
/// let document = Document::read(br#"{"type": "domain-name", "value": "example.com"}"#, Limits::default())?;
/// let sco_id = sco_id(document.root())?;
/// assert_eq!(sco_id.name(), Some(r#"{"value":"example.com"}"#));
/// assert_eq!(sco_id.id().unwrap().as_str(), "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the value is no object, or its `type` is none of the 18 types of STIX 2.1; for types of an extension
/// see [`sco_id_from`].
pub fn sco_id(object: Value<'_>) -> Result<ScoId, ScoIdError> {
    let (object_type, properties) = known_type(object)?;
    from(object, &object_type, properties)
}

/// Like [`sco_id()`], as if an object with versions had none.
pub(crate) fn of_content(object: Value<'_>) -> Result<ScoId, ScoIdError> {
    let (object_type, properties) = known_type(object)?;
    hashed(&object_type, canonical_name(object, properties))
}

/// Like [`sco_id()`], for a type of an extension whose definition names the ID contributing properties.
///
/// # Errors
/// When the value is no object, or its `type` is no type name.
pub fn sco_id_from(object: Value<'_>, contributing_properties: &[&str]) -> Result<ScoId, ScoIdError> {
    from(object, &object_type(object)?, contributing_properties)
}

/// The ID contributing properties of a type of STIX 2.1, in canonical order; `None` when it is no
/// cyber-observable type of the standard.
pub fn contributing_properties(object_type: &str) -> Option<&'static [&'static str]> {
    Some(match object_type {
        "artifact" => &["hashes", "payload_bin"],
        "autonomous-system" => &["number"],
        "directory" => &["path"],
        "domain-name" | "email-addr" | "ipv4-addr" | "ipv6-addr" | "mac-addr" | "url" => &["value"],
        "email-message" => &["body", "from_ref", "subject"],
        "file" => &["extensions", "hashes", "name", "parent_directory_ref"],
        "mutex" => &["name"],
        "network-traffic" => {
            &["dst_port", "dst_ref", "end", "extensions", "protocols", "src_port", "src_ref", "start"]
        }
        "process" => &[],
        "software" => &["cpe", "name", "swid", "vendor", "version"],
        "user-account" => &["account_login", "account_type", "user_id"],
        "windows-registry-key" => &["key", "values"],
        "x509-certificate" => &["hashes", "serial_number"],
        _ => return None,
    })
}

fn known_type(object: Value<'_>) -> Result<(String, &'static [&'static str]), ScoIdError> {
    let object_type = object_type(object)?;
    match contributing_properties(&object_type) {
        Some(properties) => Ok((object_type, properties)),
        None => Err(ScoIdError::UnknownType(object_type)),
    }
}

fn object_type(object: Value<'_>) -> Result<String, ScoIdError> {
    if object.kind() != Kind::Object {
        return Err(ScoIdError::NotAnObject(object.kind()));
    }
    let object_type = object.get("type").and_then(Value::as_str).ok_or(ScoIdError::NoType)?;
    Ok(object_type.into_owned())
}

fn from(object: Value<'_>, object_type: &str, properties: &[&str]) -> Result<ScoId, ScoIdError> {
    // STIX 2.1, section 3.6: objects that are versioned stay out of the namespace.
    let is_versioned = object.get("created").or(object.get("modified")).is_some();
    hashed(object_type, canonical_name(object, properties).filter(|_| !is_versioned))
}

fn hashed(object_type: &str, name: Option<String>) -> Result<ScoId, ScoIdError> {
    let Some(name) = name else { return Ok(ScoId::Random) };
    let uuid = Uuid::new_v5(&NAMESPACE, name.as_bytes());
    let id = format!("{object_type}--{uuid}").parse().map_err(ScoIdError::Type)?;
    Ok(ScoId::Deterministic { id, name })
}

fn canonical_name(object: Value<'_>, properties: &[&str]) -> Option<String> {
    let mut present: Vec<_> =
        object.members().filter(|(property, _)| properties.contains(&property.as_ref())).collect();
    present.sort_unstable_by(|(a, _), (b, _)| json::compare_names(a, b));
    let mut out = String::from("{");
    for (property, value) in present {
        let hash = contributing_hash(value);
        if property == "hashes" && hash.is_none() {
            continue;
        }
        if out.len() > 1 {
            out.push(',');
        }
        json::write_string(&property, &mut out);
        out.push(':');
        match hash.filter(|_| property == "hashes") {
            None => json::write_canonical(value, &mut out),
            Some((algorithm, hash)) => {
                out.push('{');
                json::write_string(&algorithm, &mut out);
                out.push(':');
                json::write_canonical(hash, &mut out);
                out.push('}');
            }
        }
    }
    if out.len() == 1 {
        return None;
    }
    out.push('}');
    Some(out)
}

/// The entry of `hashes` that contributes to the identifier (STIX 2.1, section 2.9).
fn contributing_hash(hashes: Value<'_>) -> Option<(std::borrow::Cow<'_, str>, Value<'_>)> {
    let rank =
        |algorithm: &str| ["MD5", "SHA-1", "SHA-256", "SHA-512"].iter().position(|&known| known == algorithm);
    // `min_by_key` takes the first of equals, which is the order of the text.
    hashes.members().min_by_key(|(algorithm, _)| rank(algorithm).unwrap_or(usize::MAX))
}

/// Why there is no identifier for a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScoIdError {
    /// Only objects have identifiers.
    #[error("a cyber-observable object is a JSON object, not {}", .0.name())]
    NotAnObject(Kind),
    /// `type` is missing or no string.
    #[error("the required property `type` is missing or not a string")]
    NoType,
    /// No cyber-observable type of STIX 2.1.
    #[error(
        "`{0}` is not a cyber-observable type of STIX 2.1, so its ID contributing properties are not known"
    )]
    UnknownType(String),
    /// `type` is no type name.
    #[error("/type: {0}")]
    Type(IdError),
}
