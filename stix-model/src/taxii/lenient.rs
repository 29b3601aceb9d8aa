//! Reading resources as servers write them in life: `null` for what is left out, numbers as strings and strings as
//! numbers, one value instead of a list. What cannot be read is taken as left out, so that one odd member hides nothing
//! else. Each function reads one member; writing stays as the standard has it.

use crate::Timestamp;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

/// A text; of a number or a truth value, what stands there. Empty when there is none.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(text_of(&raw(deserializer)?).unwrap_or_default())
}

/// A text, if there is one.
pub(super) fn maybe_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text_of(&raw(deserializer)?))
}

/// A list of texts.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(elements(&raw(deserializer)?).iter().filter_map(|element| text_of(element)).collect())
}

/// A truth value, if it can be understood.
pub(super) fn maybe_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let text = text_of(&raw(deserializer)?).unwrap_or_default();
    Ok(match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    })
}

/// A truth value that is false unless it is said to be true.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(maybe_flag(deserializer)?.unwrap_or_default())
}

/// A count, if there is one.
pub(super) fn maybe_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = text_of(&raw(deserializer)?).unwrap_or_default();
    let text = text.trim();
    // `1e6` and `3.0` are whole numbers too.
    let whole = || text.parse::<f64>().ok().filter(|number| *number >= 0.0 && number.fract() == 0.0);
    Ok(text.parse().ok().or_else(|| whole().map(|number| number as u64)))
}

/// A time in any form of RFC 3339, if it can be understood.
pub(super) fn maybe_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(text_of(&raw(deserializer)?).and_then(|text| Timestamp::from_any_form(&text)))
}

/// A time as STIX writes it, or the text of the server when that is no time; see [`time_of`].
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(time_of(text_of(&raw(deserializer)?).unwrap_or_default()))
}

/// A list of times, each as [`time`] reads it.
pub(super) fn times<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(texts(deserializer)?.into_iter().map(time_of).collect())
}

/// A list of resources; elements that are none are passed over.
pub(super) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let elements = elements(&raw(deserializer)?);
    Ok(elements.iter().filter_map(|element| serde_json::from_str(element.get()).ok()).collect())
}

/// A list of JSON texts, each as it stands; `null` is none.
pub(super) fn raws<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    let mut elements = elements(&raw(deserializer)?);
    elements.retain(|element| element.get() != "null");
    Ok(elements)
}

fn raw<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<RawValue>, D::Error> {
    Box::<RawValue>::deserialize(deserializer)
}

/// The text of a value that is not `null`, a list or an object.
pub(super) fn text_of(value: &RawValue) -> Option<String> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).ok(),
        Some(b'n' | b'[' | b'{') | None => None,
        Some(_) => Some(text.to_owned()),
    }
}

fn elements(value: &RawValue) -> Vec<Box<RawValue>> {
    match value.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(value.get()).unwrap_or_default(),
        Some(b'n') | None => Vec::new(),
        Some(_) => vec![value.to_owned()],
    }
}

fn time_of(text: String) -> String {
    Timestamp::from_any_form(&text).map_or(text, String::from)
}
