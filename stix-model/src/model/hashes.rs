//! The data type `hashes` (STIX 2.1, section 2.7).

use crate::ObjectError;
use crate::json::Value;
use crate::model::data_type::{DataType, Dictionary, Text, write_property};
use crate::model::vocab::HashAlgorithm;
use crate::schema::table::Shape;

/// `hashes` (section 2.7), in the order of the text.
///
/// ```
/// use stix_model::{Hashes, vocab::HashAlgorithm};
/// let mut hashes = Hashes::default();
/// hashes.set(HashAlgorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e");
/// assert_eq!(hashes.get(&HashAlgorithm::Md5), Some("d41d8cd98f00b204e9800998ecf8427e"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashes<'a>(Vec<(HashAlgorithm, Text<'a>)>);

impl HashAlgorithm {
    /// Whether a text has the form that hashes of the algorithm are written in.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let is_hex =
            |digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self {
            Self::Md5 => is_hex(32),
            Self::Sha1 => is_hex(40),
            Self::Sha256 | Self::Sha3_256 => is_hex(64),
            Self::Sha512 | Self::Sha3_512 => is_hex(128),
            Self::Ssdeep => {
                let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"/+:.".contains(&byte);
                (1..=150).contains(&text.len()) && text.bytes().all(is_part)
            }
            // TLSH is 70 digits; since version 4 the text `T1` stands before them.
            Self::Tlsh => {
                let digits = text.strip_prefix("T1").unwrap_or(text);
                digits.len() == 70 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
            }
            Self::_Unlisted(_) => true,
        }
    }
}

impl<'a> Hashes<'a> {
    /// The value for an algorithm.
    pub fn get(&self, algorithm: &HashAlgorithm) -> Option<&str> {
        self.iter().find(|(found, _)| *found == algorithm).map(|(_, value)| value)
    }

    /// Sets the value for an algorithm.
    pub fn set(&mut self, algorithm: HashAlgorithm, value: impl Into<Text<'a>>) {
        match self.0.iter_mut().find(|(found, _)| *found == algorithm) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((algorithm, value.into())),
        }
    }

    /// The entries in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&HashAlgorithm, &str)> {
        self.0.iter().map(|(algorithm, value)| (algorithm, &**value))
    }

    /// Whether there is no hash, which stands for an absent property.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> DataType<'a> for Hashes<'a> {
    const SHAPE: Shape = Shape::Hashes;

    type Owned = Hashes<'static>;

    fn read(value: Value<'a>) -> Result<Self, ObjectError> {
        let dictionary = Dictionary::<Text<'a>>::read(value)?;
        Ok(Self(dictionary.into_entries().into_iter().map(|(name, hash)| ((&*name).into(), hash)).collect()))
    }

    fn write(&self, out: &mut String) {
        out.push('{');
        self.0.iter().for_each(|(algorithm, hash)| write_property(algorithm.as_str(), hash, out));
        out.push('}');
    }

    fn into_owned(self) -> Self::Owned {
        Hashes(
            self.0.into_iter().map(|(algorithm, value)| (algorithm, DataType::into_owned(value))).collect(),
        )
    }
}
