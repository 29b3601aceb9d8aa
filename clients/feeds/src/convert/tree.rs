//! JSON: a document with records in it, or an object a line.

use super::ConvertError;
use super::document;
use super::lines::each_line;
use super::record::{Found, Record};
use crate::feed::Feed;
use serde_json::Value;
use std::io::BufRead;

pub(super) fn read(
    feed: &Feed,
    input: &mut dyn BufRead,
    take: &mut dyn FnMut(Found<'_>),
) -> Result<(), ConvertError> {
    let document: Value = document::parse(&document::bytes(input)?)?;
    let places = feed.records.iter().map(|place| place.split('/').filter(|step| !step.is_empty()).collect());
    let places: Vec<Vec<&str>> = places.collect();
    let steps = match places.iter().find(|steps| is_there(&document, steps)) {
        Some(steps) => steps.as_slice(),
        None if places.is_empty() && document.is_array() => &["*"],
        None if places.is_empty() => &[],
        None => {
            let places = feed.records.join(" or ");
            return Err(ConvertError::Form(format!("there are no records at {places}")));
        }
    };
    walk(&document, steps, &mut String::new(), &mut |place, value| {
        let record = match value {
            Value::Object(_) => Ok(Record::Object(value)),
            _ => Err("it is no object".to_owned()),
        };
        take(Found { place: place.to_owned(), record });
    });
    Ok(())
}

fn walk(value: &Value, steps: &[&str], place: &mut String, take: &mut dyn FnMut(&str, &Value)) {
    let Some((step, rest)) = steps.split_first() else { return take(place, value) };
    let length = place.len();
    let mut go = |name: &str, value: &Value| {
        place.push('/');
        place.push_str(name);
        walk(value, rest, place, take);
        place.truncate(length);
    };
    match (value, *step) {
        (Value::Array(values), "*") => {
            values.iter().enumerate().for_each(|(number, value)| go(&number.to_string(), value))
        }
        (Value::Object(members), "*") => members.iter().for_each(|(name, value)| go(name, value)),
        (Value::Object(members), name) => {
            if let Some(value) = members.get(name) {
                go(name, value);
            }
        }
        _ => {}
    }
}

/// Whether the place of records is there, though there may be none.
fn is_there(value: &Value, steps: &[&str]) -> bool {
    match (steps.split_first(), value) {
        (None, _) | (Some((&"*", _)), Value::Array(_) | Value::Object(_)) => true,
        (Some((name, rest)), Value::Object(members)) => {
            members.get(*name).is_some_and(|value| is_there(value, rest))
        }
        _ => false,
    }
}

pub(super) fn read_lines(
    input: &mut dyn BufRead,
    take: &mut dyn FnMut(Found<'_>),
) -> Result<(), ConvertError> {
    each_line(input, &mut |number, line| {
        let place = format!("line {number}");
        let value: Result<Value, String> = match line {
            Ok(line) if line.trim().is_empty() => return,
            Ok(line) => serde_json::from_str(line).map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        match value {
            Ok(value @ Value::Object(_)) => take(Found { place, record: Ok(Record::Object(&value)) }),
            Ok(_) => take(Found { place, record: Err("it is no object".to_owned()) }),
            Err(reason) => take(Found { place, record: Err(reason) }),
        }
    })
}
