//! Reads I-JSON (RFC 7493): what `serde_json` reads, without repeated names and unsafe integers.
//!
//! `serde_json::Value` alone keeps the last of two equal names, so a server that sends both would look fine.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// RFC 7493, 2.2: integers beyond this lose digits in many readers.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The body as JSON, or the reason why it is not I-JSON.
pub(crate) fn read(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Err("the body is empty".into());
    }
    if body.starts_with(b"\xEF\xBB\xBF") {
        return Err("the body starts with a byte order mark".into());
    }
    let text = std::str::from_utf8(body).map_err(|problem| format!("not UTF-8: {problem}"))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut reader).map_err(|problem| format!("not I-JSON: {problem}"))?;
    reader.end().map_err(|problem| format!("not I-JSON: {problem}"))?;
    match huge_integer(text) {
        Some(digits) => Err(format!("not I-JSON: integer {}… is beyond 2^53-1", &digits[..17])),
        None => Ok(value),
    }
}

/// Integers too long for 64 bits arrive at the visitor as floating point, so they are looked for in the text.
fn huge_integer(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c.is_ascii_digit()) {
        rest = &rest[at..];
        let end = if let Some(inside) = rest.strip_prefix('"') {
            // The text is valid JSON by now: each string ends.
            let mut escaped = false;
            let is_end = |c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            };
            inside.find(is_end)? + 2
        } else {
            let end = rest.find(|c: char| !matches!(c, '0'..='9' | '.' | 'e' | 'E' | '+' | '-'));
            let number = &rest[..end.unwrap_or(rest.len())];
            // The largest safe integer has 16 digits, and JSON allows no leading zeros.
            if number.len() >= 17 && number.bytes().all(|b| b.is_ascii_digit()) {
                return Some(number);
            }
            number.len()
        };
        rest = &rest[end..];
    }
    None
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("I-JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        if value > MAX_INTEGER {
            return Err(E::custom(format!("integer {value} is beyond 2^53-1")));
        }
        Ok(Value::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > MAX_INTEGER {
            return Err(E::custom(format!("integer {value} is beyond -(2^53-1)")));
        }
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<Name>()? {
            let value = entries.next_value_seed(Strict)?;
            if map.insert(name.0.clone(), value).is_some() {
                return Err(A::Error::custom(format!("the name {:?} occurs twice", name.0)));
            }
        }
        Ok(Value::Object(map))
    }
}

struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn plain_json_is_read() {
        assert_eq!(read(br#"{"a":[1,-2,0.5,null,true]}"#).unwrap()["a"][1], -2);
        let long = r#"{"a\"":"99999999999999999999999","b":1e300,"c":0.333333333333333333333333,"d":"\\"}"#;
        assert!(read(long.as_bytes()).is_ok(), "digits in strings and fractions are no integers");
    }

    #[test]
    fn what_i_json_forbids_is_refused() {
        for body in [
            r#"{"a":1,"a":1}"#,
            r#"[{"b":{"a":1,"\u0061":1}}]"#,
            "9007199254740992",
            "-9007199254740992",
            r#""\ud800""#,
            "1e400",
            r#"{"a\\\"1":"\"","b":[-18446744073709551616]}"#,
            "{} {}",
            "",
            "\u{feff}{}",
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(read(b"\"\xff\"").is_err());
    }
}
