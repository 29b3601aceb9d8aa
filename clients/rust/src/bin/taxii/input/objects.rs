//! The objects of a text, for commands that keep them.

use super::{LIMITS, Parts, Places, Text, text_of};
use stix_model::Object;
use stix_model::json::Document;

/// An element of a text that is no object.
pub(crate) struct Bad {
    /// Its `id`, if it has one.
    pub(crate) id: Option<String>,
    /// Its `modified` or `created`.
    pub(crate) version: Option<String>,
    /// FILE:LINE:COLUMN of the fault.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) message: String,
}

impl Text<'_> {
    /// The objects, each with the bytes of the text, and what is none. When the text cannot be read, that is all.
    pub(crate) fn objects(&self) -> Vec<Result<Object, Bad>> {
        let places = Places::of(self);
        let place = |offset| {
            let (line, column) = places.at(offset);
            format!("{}:{line}:{column}", self.file)
        };
        let document = match Document::read(&self.bytes, LIMITS) {
            Ok(document) => document,
            Err(error) => {
                let pointer = error.pointer();
                let separator = if pointer.is_empty() { "" } else { ": " };
                let message = format!("{pointer}{separator}{}", error.kind());
                return vec![Err(Bad { id: None, version: None, place: place(error.offset()), message })];
            }
        };
        let object = |value| {
            Object::from_value(value, &self.bytes).map_err(|error| {
                let text = |name| Some(text_of(value, name)?.into_owned());
                Bad {
                    id: text("id"),
                    version: text("modified").or_else(|| text("created")),
                    place: place(value.nearest(error.pointer()).range().start),
                    message: error.to_string(),
                }
            })
        };
        Parts::of(document.root()).objects().map(object).collect()
    }
}
