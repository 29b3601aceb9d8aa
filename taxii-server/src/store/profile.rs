//! What a collection asks of the objects that are added to it.

use serde::{Deserialize, Serialize};
use stix_model::validate;

/// What an object must satisfy to be added to a collection. `header`: only what storing it needs. `stix`: STIX 2.1 as
/// it is; of an object of STIX 2.0, the header only. `interop`: also what the STIX 2.1 interoperability document asks of
/// producers. `strict`: STIX 2.1 for communities that share: a creator, one TLP marking, nothing deprecated or
/// undefined. `interop` and `strict` take no STIX 2.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Only what storing it needs: type, id, spec_version, created and modified can be read
    Header,
    /// STIX 2.1 as it is; of an object of STIX 2.0, the header only
    #[default]
    Stix,
    /// STIX 2.1, and what its interoperability document asks of producers; no STIX 2.0
    Interop,
    /// STIX 2.1 with a creator and one TLP marking, nothing deprecated and nothing undefined; no STIX 2.0
    Strict,
}

impl Profile {
    /// The profile of the validator; none when the header is enough.
    pub fn of_validator(self) -> Option<validate::Profile> {
        match self {
            Self::Header => None,
            Self::Stix => Some(validate::Profile::Stix),
            Self::Interop => Some(validate::Profile::Interop),
            Self::Strict => Some(validate::Profile::Strict),
        }
    }

    /// Whether objects of STIX 2.0 can be taken. The rules are those of 2.1, so a community that relies on more than the
    /// standard must not get unchecked objects.
    pub fn takes_stix_2_0(self) -> bool {
        matches!(self, Self::Header | Self::Stix)
    }

    /// The word for it in settings, on the command line and in messages.
    pub fn as_str(self) -> &'static str {
        self.of_validator().map_or("header", validate::Profile::as_str)
    }
}

/// What becomes of an object whose version is stored with other content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Conflicts {
    /// It is refused: one version of an object has one content (STIX 2.1, section 3.6.2)
    #[default]
    Refuse,
    /// It takes the place of what is stored, with a new date_added: for a mirror of a source that changes objects without
    /// raising `modified`. A marking definition never changes
    Newest,
}

impl Conflicts {
    /// The word for it in settings and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Newest => "newest",
        }
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn each_has_one_word_everywhere() {
        for profile in Profile::value_variants() {
            assert_eq!(serde_json::json!(profile), profile.as_str());
            assert_eq!(profile.to_possible_value().unwrap().get_name(), profile.as_str());
        }
        let of_validator: Vec<_> =
            Profile::value_variants().iter().filter_map(|profile| profile.of_validator()).collect();
        assert_eq!(of_validator, validate::Profile::ALL);
    }
}
