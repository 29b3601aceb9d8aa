//! The Traffic Light Protocol: levels, the fixed marking definitions of both editions, and what may claim to
//! be one.

use crate::StixId;
use crate::json::Value;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A level of the Traffic Light Protocol, from the least to the most restrictive.
///
/// Both editions fall on one scale: TLP 1.0 `white` is TLP 2.0 `clear`.
///
/// Serde writes the word of TLP 2.0, as `amber+strict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[non_exhaustive]
pub enum Tlp {
    /// May be disclosed without limit.
    Clear = 1,
    /// Within the community.
    Green = 2,
    /// Within the organisation and its clients, as needed.
    Amber = 3,
    /// Within the organisation only.
    #[serde(rename = "amber+strict")]
    AmberStrict = 4,
    /// For the named recipients only.
    Red = 5,
}

/// An edition of the Traffic Light Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlpEdition {
    /// TLP 1.0: four objects that STIX 2.1 prints (section 7.2.1.4).
    V1,
    /// TLP 2.0: five objects of the OASIS common objects, with the extension [`TLP_2_EXTENSION_ID`].
    V2,
}

/// The identifier of the extension definition behind TLP 2.0.
pub const TLP_2_EXTENSION_ID: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

/// The extension definition behind TLP 2.0, as OASIS publishes it in its common objects.
pub const TLP_2_EXTENSION: &str = r#"{"id":"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d","type":"extension-definition","spec_version":"2.1","name":"TLP 2.0","description":"This defines TLP 2.0 as a STIX extension","created":"2022-10-01T00:00:00.000Z","modified":"2022-10-01T00:00:00.000Z","created_by_ref":"identity--b3bca3c2-1f3d-4b54-b44f-dac42c3a8f01","schema":"https://github.com/oasis-open/cti-stix-common-objects/tree/master/extension-definition-specifications/tlp-2.0","version":"1.0.0","extension_types":["property-extension"]}"#;

struct Definition {
    level: Tlp,
    edition: TlpEdition,
    uuid: &'static str,
    name: &'static str,
    word: &'static str,
    json: &'static str,
}

macro_rules! tlp_1 {
    ($level:ident, $uuid:literal, $name:literal, $word:literal) => {
        Definition {
            level: Tlp::$level,
            edition: TlpEdition::V1,
            uuid: $uuid,
            name: concat!("TLP:", $name),
            word: $word,
            json: concat!(
                r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--"#,
                $uuid,
                r#"","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","name":"TLP:"#,
                $name,
                r#"","definition":{"tlp":""#,
                $word,
                r#""}}"#
            ),
        }
    };
}

macro_rules! tlp_2 {
    ($level:ident, $uuid:literal, $name:literal, $word:literal) => {
        Definition {
            level: Tlp::$level,
            edition: TlpEdition::V2,
            uuid: $uuid,
            name: concat!("TLP:", $name),
            word: $word,
            json: concat!(
                r#"{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--"#,
                $uuid,
                r#"","created":"2022-10-01T00:00:00.000Z","name":"TLP:"#,
                $name,
                r#"","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":"#,
                r#"{"extension_type":"property-extension","tlp_2_0":""#,
                $word,
                r#""}}}"#
            ),
        }
    };
}

static DEFINITIONS: [Definition; 9] = [
    tlp_1!(Clear, "613f2e26-407d-48c7-9eca-b8e91df99dc9", "WHITE", "white"),
    tlp_1!(Green, "34098fce-860f-48ae-8e50-ebd3cc5e41da", "GREEN", "green"),
    tlp_1!(Amber, "f88d31f6-486f-44da-b317-01333bde0b82", "AMBER", "amber"),
    tlp_1!(Red, "5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "RED", "red"),
    tlp_2!(Clear, "94868c89-83c2-464b-929b-a1a8aa3c8487", "CLEAR", "clear"),
    tlp_2!(Green, "bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "GREEN", "green"),
    tlp_2!(Amber, "55d920b0-5e8b-4f79-9ee9-91f868d9b421", "AMBER", "amber"),
    tlp_2!(AmberStrict, "939a9414-2ddd-4d32-a0cd-375ea402b003", "AMBER+STRICT", "amber+strict"),
    tlp_2!(Red, "e828b379-4e03-4974-9ac4-e53a884c97c1", "RED", "red"),
];

impl Definition {
    fn of_marking(id: &str) -> Option<&'static Self> {
        let uuid = id.strip_prefix("marking-definition--")?;
        DEFINITIONS.iter().find(|definition| definition.uuid == uuid)
    }

    fn created(&self) -> &'static str {
        match self.edition {
            TlpEdition::V1 => "2017-01-20T00:00:00.000Z",
            TlpEdition::V2 => "2022-10-01T00:00:00.000Z",
        }
    }
}

impl TlpEdition {
    /// The edition whose fixed marking definition has this identifier.
    ///
    /// ```
    /// use stix_model::marking::TlpEdition;
    /// let clear = TlpEdition::of_marking("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487");
    /// assert_eq!(clear, Some(TlpEdition::V2));
    /// ```
    pub fn of_marking(id: &str) -> Option<Self> {
        Definition::of_marking(id).map(|definition| definition.edition)
    }
}

impl Tlp {
    /// All levels, from the least to the most restrictive.
    pub const ALL: [Self; 5] = [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// The word of TLP 2.0 in lower case.
    ///
    /// ```
    /// use stix_model::Tlp;
    /// assert_eq!(Tlp::AmberStrict.as_str(), "amber+strict");
    /// assert_eq!("green".parse(), Ok(Tlp::Green));
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::AmberStrict => "amber+strict",
            Self::Red => "red",
        }
    }

    /// The level that one of the nine fixed marking definitions stands for (STIX 2.1, section 7.2.1.4, and
    /// the TLP 2.0 extension of the OASIS common objects).
    ///
    /// ```
    /// use stix_model::Tlp;
    /// let red = Tlp::of_marking("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed");
    /// assert_eq!(red, Some(Tlp::Red));
    /// ```
    pub fn of_marking(id: &str) -> Option<Self> {
        Definition::of_marking(id).map(|definition| definition.level)
    }

    /// The fixed marking definition of this level, as JSON text. TLP 1.0 has none for [`Tlp::AmberStrict`].
    ///
    /// ```
    /// use stix_model::marking::{Tlp, TlpEdition};
    /// let clear = stix_model::Object::parse(Tlp::Clear.definition(TlpEdition::V1).unwrap()).unwrap();
    /// assert_eq!(Tlp::of_marking(clear.header().id.as_str()), Some(Tlp::Clear));
    /// assert_eq!(Tlp::AmberStrict.definition(TlpEdition::V1), None);
    /// ```
    pub fn definition(self, edition: TlpEdition) -> Option<&'static str> {
        self.fixed(edition).map(|definition| definition.json)
    }

    /// The identifier of the fixed marking definition of TLP 2.0, which has all levels.
    ///
    /// ```
    /// use stix_model::Tlp;
    /// assert_eq!(Tlp::Green.id().as_str(), "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb");
    /// ```
    pub fn id(self) -> StixId {
        let uuid =
            self.fixed(TlpEdition::V2).and_then(|definition| uuid::Uuid::try_parse(definition.uuid).ok());
        let uuid = uuid.expect("TLP 2.0 has a marking definition for each level");
        StixId::new("marking-definition", uuid)
    }

    /// The name of its fixed marking definition, such as `TLP:WHITE`. TLP 1.0 has none for [`Tlp::AmberStrict`].
    ///
    /// ```
    /// use stix_model::marking::{Tlp, TlpEdition};
    /// assert_eq!(Tlp::Clear.name(TlpEdition::V1), Some("TLP:WHITE"));
    /// assert_eq!(Tlp::AmberStrict.name(TlpEdition::V2), Some("TLP:AMBER+STRICT"));
    /// ```
    pub fn name(self, edition: TlpEdition) -> Option<&'static str> {
        self.fixed(edition).map(|definition| definition.name)
    }

    fn fixed(self, edition: TlpEdition) -> Option<&'static Definition> {
        DEFINITIONS.iter().find(|definition| definition.level == self && definition.edition == edition)
    }

    /// The level of a marking definition that belongs to the Traffic Light Protocol; `None` when it makes no
    /// claim to.
    ///
    /// `name` may be missing: many tools write the fixed objects without it.
    ///
    /// # Errors
    /// When it claims to, but is none of the fixed objects: no others may be made (STIX 2.1, section
    /// 7.2.1.4).
    pub fn of_definition(marking_definition: Value<'_>) -> Result<Option<Self>, TlpError> {
        let text = |value: Option<Value<'_>>| value.and_then(Value::as_str).map(Cow::into_owned);
        let member = |name: &str| marking_definition.get(name);
        let fixed = Definition::of_marking(text(member("id")).unwrap_or_default().as_str());
        let extension = member("extensions").and_then(|extensions| extensions.get(TLP_2_EXTENSION_ID));
        let (edition, word) = if let Some(extension) = extension {
            (TlpEdition::V2, text(extension.get("tlp_2_0")))
        } else if text(member("definition_type")).as_deref() == Some("tlp") {
            (TlpEdition::V1, text(member("definition").and_then(|definition| definition.get("tlp"))))
        } else if let Some(fixed) = fixed {
            return Err(TlpError::OtherContent { word: fixed.word });
        } else {
            return Ok(None);
        };
        let word = word.unwrap_or_default();
        let is_it = |definition: &&Definition| definition.edition == edition && definition.word == word;
        let Some(expected) = DEFINITIONS.iter().find(is_it) else { return Err(TlpError::UnknownLevel(word)) };
        if fixed.is_none_or(|fixed| fixed.uuid != expected.uuid) {
            return Err(TlpError::OtherId { word, uuid: expected.uuid });
        }
        let is_instant =
            |text: String| Some(text.parse::<crate::Timestamp>()) == Some(expected.created().parse());
        if !text(member("created")).is_some_and(is_instant) {
            return Err(TlpError::OtherCreated { word, created: expected.created() });
        }
        if text(member("name")).is_some_and(|name| name != expected.name) {
            return Err(TlpError::OtherName { name: expected.name });
        }
        Ok(Some(expected.level))
    }

    /// The strictest level among the object markings and granular markings of an object; `None` when no TLP
    /// marking is on it.
    pub fn effective(object: Value<'_>) -> Option<Self> {
        super::refs(object).filter_map(|id| Self::of_marking(&id)).max()
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Tlp {
    type Err = TlpError;

    fn from_str(word: &str) -> Result<Self, TlpError> {
        let level = Self::ALL.into_iter().find(|level| level.as_str() == word);
        level.ok_or_else(|| TlpError::UnknownLevel(word.to_owned()))
    }
}

impl TryFrom<u8> for Tlp {
    type Error = TlpError;

    fn try_from(level: u8) -> Result<Self, TlpError> {
        let found = Self::ALL.into_iter().find(|tlp| *tlp as u8 == level);
        found.ok_or_else(|| TlpError::UnknownLevel(level.to_string()))
    }
}

/// Why a marking definition is none of the fixed objects of the Traffic Light Protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlpError {
    /// Neither edition has this level.
    #[error("`{0}` is no level of this edition of TLP")]
    UnknownLevel(String),
    /// Only the fixed object may say so.
    #[error("TLP `{word}` is the object marking-definition--{uuid}; no other may be made")]
    OtherId {
        /// The level.
        word: String,
        /// The UUID of the fixed object.
        uuid: &'static str,
    },
    /// The identifier of a fixed object with something else in it.
    #[error("this identifier belongs to TLP `{word}`, but the object says something else")]
    OtherContent {
        /// The level that the identifier stands for.
        word: &'static str,
    },
    /// The fixed object has one `created`.
    #[error("TLP `{word}` was created {created}")]
    OtherCreated {
        /// The level.
        word: String,
        /// When.
        created: &'static str,
    },
    /// The fixed object has one name, if it has any.
    #[error("this fixed marking has the name `{name}`")]
    OtherName {
        /// The name.
        name: &'static str,
    },
}
