//! What objects are held against.

use crate::finding::Code;
use std::fmt;
use std::str::FromStr;

/// What objects are held against.
///
/// ```
/// use stix_model::validate::Profile;
/// assert_eq!("interop".parse(), Ok(Profile::Interop));
/// assert_eq!(Profile::default().as_str(), "stix");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// `stix`: the standard, STIX 2.1, as it is.
    #[default]
    Stix,
    /// `interop`: what the STIX 2.1 interoperability document asks of a producer. Each object names its creator and
    /// has at most one TLP marking, the properties of its use case are there, and a bundle holds all that it refers
    /// to.
    Interop,
    /// `strict`: for communities that share. Each object names its creator and has one TLP marking; nothing is used
    /// that is deprecated or that nobody defined; identifiers of observables follow from their content.
    Strict,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stix, Self::Interop, Self::Strict];

    /// The word for it in settings and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stix => "stix",
            Self::Interop => "interop",
            Self::Strict => "strict",
        }
    }

    /// Whether the profile makes an error of what the standard only advises.
    pub(crate) fn forbids(self, code: Code) -> bool {
        let is_forbidden = matches!(
            code,
            Code::PropertyCustom | Code::PropertyClass | Code::Deprecated | Code::IdentifierContent
        );
        self == Self::Strict && is_forbidden
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name).ok_or(UnknownProfile)
    }
}

/// There is no profile of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the profiles are `stix`, `interop` and `strict`")]
pub struct UnknownProfile;
