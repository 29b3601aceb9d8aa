//! STIX identifiers.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A STIX identifier, `type--UUID` (STIX 2.1, section 2.9), kept as it was written.
///
/// ```
/// use stix_model::StixId;
/// let id: StixId = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse()?;
/// assert_eq!(id.object_type(), "indicator");
/// assert!("indicator-8e2e2d2b".parse::<StixId>().is_err());
/// # Ok::<(), stix_model::IdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StixId(Box<str>);

/// Length of `--` and a UUID in its hyphenated form.
const TAIL: usize = 38;

impl StixId {
    /// The identifier of an object of one of the standard's types.
    pub(crate) fn new(object_type: &str, uuid: Uuid) -> Self {
        debug_assert!(is_type_name(object_type));
        Self(format!("{object_type}--{uuid}").into())
    }

    /// The identifier with a UUID of version 4 that is made of 16 random bytes (STIX 2.1, section 2.9).
    ///
    /// ```
    /// let id = stix_model::StixId::random("x-note", [7; 16])?;
    /// assert_eq!(id.as_str(), "x-note--07070707-0707-4707-8707-070707070707");
    /// # Ok::<(), stix_model::IdError>(())
    /// ```
    ///
    /// # Errors
    /// When the text is no name of a type: 3 to 250 characters a-z, 0-9 and single hyphens, a letter first (section
    /// 3.1).
    pub fn random(object_type: &str, bytes: [u8; 16]) -> Result<Self, IdError> {
        if !is_type_name(object_type) {
            return Err(IdError::Type);
        }
        Ok(Self::new(object_type, uuid::Builder::from_random_bytes(bytes).into_uuid()))
    }

    /// Checks a text without keeping it; the type that it names.
    pub(crate) fn check(text: &str) -> Result<&str, IdError> {
        let name = named_type(text).ok_or(IdError::Form)?;
        if !is_type_name(name) {
            return Err(IdError::Type);
        }
        if text.as_bytes().last_chunk().is_some_and(is_uuid) { Ok(name) } else { Err(IdError::Uuid) }
    }

    /// The part before the two hyphens.
    pub fn object_type(&self) -> &str {
        &self.0[..self.0.len() - TAIL]
    }

    /// The UUID.
    pub fn uuid(&self) -> Uuid {
        Uuid::try_parse(&self.0[self.0.len() - 36..]).expect("checked when it was parsed")
    }

    /// The whole identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands before the `--` of an identifier; the parts are not checked.
pub(crate) fn named_type(id: &str) -> Option<&str> {
    let (name, tail) = id.split_at_checked(id.len().checked_sub(TAIL)?)?;
    tail.starts_with("--").then_some(name)
}

/// The digit that tells the version of the UUID in a text that passed [`StixId::check`].
pub(crate) fn uuid_version(id: &str) -> u8 {
    id.as_bytes()[id.len() - 22]
}

impl std::str::FromStr for StixId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::check(text).map(|_| Self(text.into()))
    }
}

/// RFC 4122, sections 3 and 4.1: digits and hyphens, the digits of variant and version right, so the nil UUID is none.
fn is_uuid(text: &[u8; 36]) -> bool {
    let digits = text.iter().fold(0, |count, byte| count + u8::from(byte.is_ascii_hexdigit()));
    digits == 32
        && [8, 13, 18, 23].iter().all(|at| text[*at] == b'-')
        && matches!(text[14], b'1'..=b'5')
        && matches!(text[19], b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
}

/// STIX 2.1, section 3.1: 3 to 250 characters, lower case, words joined by single hyphens, a letter first.
pub(crate) fn is_type_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    // As if a hyphen stood before the name: no hyphen comes first, or after another.
    let mut is_behind_hyphen = true;
    let is_right = bytes.iter().all(|byte| {
        let is_hyphen = *byte == b'-';
        let is_right = byte.is_ascii_lowercase() || byte.is_ascii_digit() || is_hyphen && !is_behind_hyphen;
        is_behind_hyphen = is_hyphen;
        is_right
    });
    (3..=250).contains(&bytes.len()) && bytes[0].is_ascii_lowercase() && is_right && !is_behind_hyphen
}

/// Why a text is not a STIX identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Not `type--UUID` at all.
    #[error("an identifier has the form type--UUID")]
    Form,
    /// The part before the hyphens is no type name.
    #[error(
        "the type in an identifier has 3 to 250 characters a-z, 0-9 and single hyphens, and begins with a letter"
    )]
    Type,
    /// The part after the hyphens is no UUID of RFC 4122.
    #[error("the identifier does not end in a UUID of RFC 4122")]
    Uuid,
}

impl fmt::Display for StixId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StixId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for StixId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<StixId> for String {
    fn from(id: StixId) -> String {
        id.0.into()
    }
}
