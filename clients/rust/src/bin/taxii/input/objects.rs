//! The objects of a text, for commands that keep them.

use super::{LIMITS, Parts, Text, text_of};
use stix_model::Object;
use stix_model::json::Document;
use stix_model::taxii::FilePlace;
use stix_model::validate::Finding;

/// An object, and where it begins.
pub(crate) struct Found {
    pub(crate) place: FilePlace,
    pub(crate) object: Object,
}

/// An element of a text that is no object.
pub(crate) struct Bad {
    /// Its `id`, if it has one.
    pub(crate) id: Option<String>,
    /// Its `modified` or `created`.
    pub(crate) version: Option<String>,
    /// The place of the fault.
    pub(crate) place: FilePlace,
    /// What is wrong, with a pointer that begins at the element.
    pub(crate) finding: Box<Finding>,
}

impl Text<'_> {
    /// The objects, each with the bytes of the text, and what is none. When the text cannot be read, that is all.
    pub(crate) fn objects(&self) -> Vec<Result<Found, Bad>> {
        let lines = self.lines();
        let place = |offset| {
            let (line, column) = lines.at(offset);
            FilePlace { file: self.file.clone(), line, column }
        };
        let document = match Document::read(&self.bytes, LIMITS) {
            Ok(document) => document,
            Err(error) => {
                let (place, finding) = (place(error.offset()), error.finding().into());
                return vec![Err(Bad { id: None, version: None, place, finding })];
            }
        };
        let object = |value| match Object::from_value(value, &self.bytes) {
            Ok(object) => Ok(Found { place: place(value.range().start), object }),
            Err(error) => {
                let text = |name| Some(text_of(value, name)?.into_owned());
                Err(Bad {
                    id: text("id"),
                    version: text("modified").or_else(|| text("created")),
                    place: place(value.nearest(error.pointer()).range().start),
                    finding: error.finding().into(),
                })
            }
        };
        Parts::of(document.root()).objects().map(object).collect()
    }
}
