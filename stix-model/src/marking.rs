//! Data markings: the Traffic Light Protocol level of an object.

use crate::json::Value;

/// A level of the Traffic Light Protocol, from the least to the most restrictive.
///
/// Both editions fall on one scale: TLP 1.0 `white` is TLP 2.0 `clear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tlp {
    /// May be disclosed without limit.
    Clear = 1,
    /// Within the community.
    Green = 2,
    /// Within the organisation and its clients, as needed.
    Amber = 3,
    /// Within the organisation only.
    AmberStrict = 4,
    /// For the named recipients only.
    Red = 5,
}

impl Tlp {
    /// The level that one of the nine fixed marking definitions stands for (STIX 2.1, section 7.2.1.4, and the
    /// TLP 2.0 extension of the OASIS common objects).
    ///
    /// ```
    /// use stix_model::Tlp;
    /// let red = Tlp::of_marking("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed");
    /// assert_eq!(red, Some(Tlp::Red));
    /// ```
    pub fn of_marking(id: &str) -> Option<Self> {
        Some(match id.strip_prefix("marking-definition--")? {
            "613f2e26-407d-48c7-9eca-b8e91df99dc9" | "94868c89-83c2-464b-929b-a1a8aa3c8487" => Self::Clear,
            "34098fce-860f-48ae-8e50-ebd3cc5e41da" | "bab4a63c-aed9-4cf5-a766-dfca5abac2bb" => Self::Green,
            "f88d31f6-486f-44da-b317-01333bde0b82" | "55d920b0-5e8b-4f79-9ee9-91f868d9b421" => Self::Amber,
            "939a9414-2ddd-4d32-a0cd-375ea402b003" => Self::AmberStrict,
            "5e57c739-391a-4eb3-b6be-7d15ca92d5ed" | "e828b379-4e03-4974-9ac4-e53a884c97c1" => Self::Red,
            _ => return None,
        })
    }

    /// The strictest level among the object markings and granular markings of an object; `None` when no TLP
    /// marking is on it.
    pub fn effective(object: Value<'_>) -> Option<Self> {
        let whole = object.get("object_marking_refs").into_iter().flat_map(Value::elements);
        let granular = object.get("granular_markings").into_iter().flat_map(Value::elements);
        let granular = granular.filter_map(|marking| marking.get("marking_ref"));
        whole.chain(granular).filter_map(|id| Self::of_marking(&id.as_str()?)).max()
    }
}

impl TryFrom<u8> for Tlp {
    type Error = ();

    fn try_from(level: u8) -> Result<Self, ()> {
        [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red]
            .into_iter()
            .find(|tlp| *tlp as u8 == level)
            .ok_or(())
    }
}
