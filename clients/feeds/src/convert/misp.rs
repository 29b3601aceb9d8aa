//! MISP: events with attributes and objects. Identifiers of MISP are kept: the indicator of an attribute has its UUID.

mod attribute;
mod event;
mod galaxy;
mod object;
mod observable;
mod tag;

use super::ConvertError;
use super::document;
use crate::indicator::Maker;
use crate::output::{Output, Rejected};
use crate::time;
use event::Event;
use serde_json::Value;
use std::borrow::Cow;
use std::io::BufRead;
use stix_model::Timestamp;

pub(super) use galaxy::shared;
pub(super) use observable::{Seen, Shape, shape, spelled_out};

pub(super) fn read(
    maker: &Maker<'_>,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let document: Value = document::parse(&document::bytes(input)?)?;
    let whole = document.get("response").unwrap_or(&document);
    let all: Vec<&Value> = match whole {
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    };
    if !all.is_empty() && !all.iter().any(|one| is_known(one)) {
        return Err(ConvertError::Form("it has no events, objects or attributes of MISP".to_owned()));
    }
    for (number, one) in all.into_iter().enumerate() {
        let event = one.get("Event").unwrap_or(one);
        if event.get("info").is_some() {
            out.record();
            let name = text(event, "uuid")
                .map_or_else(|| format!("event {}", number + 1), |uuid| format!("event {uuid}"));
            let made = Event::new(maker, event, name.clone(), out);
            if let Err(reason) = made.and_then(|made| made.read(event, out)) {
                out.reject(Rejected { record: name, reason });
            }
        } else if is_known(one) {
            // Attributes and objects that were asked for without their events.
            let mut loose = Event::loose(maker, format!("result {}", number + 1));
            loose.contents(one, out);
            loose.links(out);
        } else {
            out.record();
            let reason = "it is no event, object or attribute of MISP".to_owned();
            out.reject(Rejected { record: format!("result {}", number + 1), reason });
        }
    }
    Ok(())
}

fn is_known(one: &Value) -> bool {
    one.get("Event").is_some_and(|event| event.get("info").is_some())
        || ["info", "Attribute", "Object"].iter().any(|name| one.get(name).is_some())
}

/// A text; numbers count as texts, since instances write both.
fn text<'v>(value: &'v Value, name: &str) -> Option<Cow<'v, str>> {
    match value.get(name)? {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

fn is_true(value: &Value, name: &str) -> bool {
    match value.get(name) {
        Some(Value::Bool(is_true)) => *is_true,
        Some(Value::String(text)) => text == "1" || text == "true",
        Some(Value::Number(number)) => number.as_i64() == Some(1),
        _ => false,
    }
}

/// The members of a list; an object alone is a list of one.
fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    let found = match value.get(name) {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => &[],
    };
    found.iter()
}

fn at(value: &Value, name: &str) -> Option<Timestamp> {
    text(value, name).and_then(|text| time::read(&text))
}
