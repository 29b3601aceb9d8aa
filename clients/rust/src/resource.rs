//! Answers with a success status that may be something else than what was asked for.

use crate::error::said;
use crate::http::Answer;
use crate::{Error, Remark};
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use stix_model::taxii::{self, Collection, Envelope};

/// Characters of an answer that an error repeats.
const MOST_OF_ANSWER: usize = 80;

/// Members of an error resource (TAXII 2.1, section 3.6.1).
const OF_ERRORS: [&str; 7] =
    ["title", "description", "error_id", "error_code", "http_status", "external_details", "details"];

/// A resource that is a list with an object around it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Shape {
    /// What to call it.
    pub(crate) name: &'static str,
    /// The member that holds the list.
    pub(crate) member: &'static str,
    /// What belongs into the list.
    pub(crate) element: &'static str,
    /// The member that every object in the list has.
    pub(crate) mark: &'static str,
}

/// A list, before its elements are understood.
pub(crate) struct List {
    pub(crate) more: bool,
    pub(crate) next: Option<String>,
    /// Each element with its place, from 0.
    pub(crate) elements: Vec<(usize, Box<RawValue>)>,
    pub(crate) remarks: Vec<Remark>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// As the standard has it.
    Member,
    /// One element instead of a list.
    Single,
    /// Without an object around it.
    Bare,
}

/// Reads a resource that is one JSON object.
pub(crate) fn resource<T: DeserializeOwned>(answer: &Answer, name: &'static str) -> Result<T, Error> {
    let text = answer.json::<Box<RawValue>>()?;
    // What is made for an object takes a list too, member by member.
    if !is_object(&text) {
        return Err(unexpected(answer, name, &text));
    }
    serde_json::from_str(text.get()).map_err(|error| match error_resource(&text) {
        Some(_) => unexpected(answer, name, &text),
        None => answer.is_not(error.to_string()),
    })
}

/// Reads a resource that is a list with an object around it; the list may be missing when the object is one of those.
pub(crate) fn list(answer: &Answer, shape: &Shape) -> Result<List, Error> {
    let text = answer.json::<Box<RawValue>>()?;
    let wrong = |error: serde_json::Error| answer.is_not(error.to_string());
    let mut list =
        List { more: false, next: None, elements: Vec::new(), remarks: Vec::new(), form: Form::Member };
    if is_list(&text) {
        list.form = Form::Bare;
        list.remarks.push(Remark::BareList { read_as: shape.name });
        let elements: Vec<_> = serde_json::from_str(text.get()).map_err(wrong)?;
        list.elements = elements.into_iter().enumerate().collect();
        return Ok(list);
    }
    if !is_object(&text) {
        return Err(unexpected(answer, shape.name, &text));
    }
    let Members(members) = serde_json::from_str(text.get()).map_err(wrong)?;
    let is_known = ["more", "next", shape.member].iter().any(|name| members.contains_key(*name));
    if !is_known && !members.keys().all(|name| name.starts_with("x_")) {
        return Err(unexpected(answer, shape.name, &text));
    }
    let member = |name| members.get(name).map_or("null", |value| value.get());
    let head = format!(r#"{{"more":{},"next":{}}}"#, member("more"), member("next"));
    Envelope { more: list.more, next: list.next, .. } = serde_json::from_str(&head).map_err(wrong)?;
    match members.get(shape.member) {
        None => {}
        Some(value) if is_null(value) => {}
        Some(value) if is_list(value) => {
            let elements: Vec<Box<RawValue>> = serde_json::from_str(value.get()).map_err(wrong)?;
            list.elements = elements.into_iter().enumerate().collect();
            let count = list.elements.len();
            list.elements.retain(|(_, element)| !is_null(element));
            if list.elements.len() < count {
                list.remarks.push(Remark::Nulls { member: shape.member });
            }
        }
        Some(value) => {
            list.form = Form::Single;
            // Objects under names of their own are none of those that were asked for.
            let is_one = |Members(inner): Members<'_>| {
                inner.get(shape.mark).is_some_and(|mark| !is_object(mark) && !is_list(mark))
            };
            if is_object(value) && !serde_json::from_str(value.get()).is_ok_and(is_one) {
                return Err(list.unusable(answer, shape, 0, value));
            }
            list.elements.push((0, (*value).to_owned()));
        }
    }
    Ok(list)
}

impl List {
    /// The error that says that an element is not what belongs there.
    pub(crate) fn unusable(&self, answer: &Answer, shape: &Shape, index: usize, element: &RawValue) -> Error {
        let Shape { member, element: expected, .. } = shape;
        let (pointer, expected) = match self.form {
            Form::Member => (format!("/{member}/{index}"), *expected),
            Form::Single => (format!("/{member}"), "a list"),
            Form::Bare => (format!("/{index}"), *expected),
        };
        answer.is_not(format!("at {pointer}: {expected} belongs here, not {}", beginning(element)))
    }
}

/// The shape of the list of collections.
pub(crate) const COLLECTIONS: Shape =
    Shape { name: "collections", member: "collections", element: "a collection", mark: "id" };

/// Reads the collections of an API root, as far as they can be used.
pub(crate) fn collections(answer: &Answer) -> Result<(Vec<Collection>, Vec<Remark>), Error> {
    let mut list = list(answer, &COLLECTIONS)?;
    let mut collections = Vec::new();
    let (mut without_id, mut no_objects) = (0, 0);
    for (index, element) in &list.elements {
        if !is_object(element) {
            if list.form != Form::Member {
                return Err(list.unusable(answer, &COLLECTIONS, *index, element));
            }
            no_objects += 1;
            continue;
        }
        match serde_json::from_str::<Collection>(element.get()) {
            Ok(collection) if !collection.id.is_empty() => collections.push(collection),
            _ => without_id += 1,
        }
    }
    if without_id + no_objects > 0 {
        list.remarks.push(Remark::CollectionsLeftOut { without_id, no_objects });
    }
    Ok((collections, list.remarks))
}

/// The members of a JSON object, each there once.
struct Members<'t>(BTreeMap<String, &'t RawValue>);

impl<'de: 't, 't> Deserialize<'de> for Members<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = BTreeMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.contains_key(&name) {
                        return Err(A::Error::custom(format!("duplicate field `{name}`")));
                    }
                    members.insert(name, value);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Self)
    }
}

/// The error that says that another thing came.
fn unexpected(answer: &Answer, name: &str, text: &RawValue) -> Error {
    match error_resource(text) {
        Some(error) => answer.is_not(format!("an error came with a status of success{}", said(&error))),
        None => answer.is_not(format!("{name} was asked for, and this came: {}", beginning(text))),
    }
}

/// Reads an error resource, which has no other members.
fn error_resource(text: &RawValue) -> Option<taxii::Error> {
    let Members(members) = serde_json::from_str(text.get()).ok()?;
    let is_of_errors = |name: &String| OF_ERRORS.contains(&name.as_str()) || name.starts_with("x_");
    let error: taxii::Error = serde_json::from_str(text.get()).ok()?;
    (members.keys().all(is_of_errors) && !error.title.is_empty()).then_some(error)
}

/// The beginning of a JSON text.
fn beginning(text: &RawValue) -> String {
    let text = text.get();
    match text.char_indices().nth(MOST_OF_ANSWER) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(crate) fn is_object(text: &RawValue) -> bool {
    text.get().starts_with('{')
}

fn is_list(text: &RawValue) -> bool {
    text.get().starts_with('[')
}

fn is_null(text: &RawValue) -> bool {
    text.get() == "null"
}
