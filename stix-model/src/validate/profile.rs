//! What a community demands beyond the standard.

use super::path::Path;
use super::subject::Sink;
use crate::json::Value;
use std::fmt;
use std::str::FromStr;

/// What objects are held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// The standard: STIX 2.1.
    #[default]
    Stix,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Stix];

    /// The word for it in settings and on the command line.
    pub fn as_str(self) -> &'static str {
        "stix"
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
#[error("there is no such profile")]
pub struct UnknownProfile;

pub(crate) fn check_object(_: Profile, _: Value<'_>, _: &Path<'_>, _: &mut Sink) {}
pub(crate) fn check_bundle(_: Profile, _: Value<'_>, _: &Path<'_>, _: &mut Sink) {}
