//! The objects of a text, for commands that keep them.

use super::{Fault, LIMITS, Text, text_of};
use stix_model::Object;
use stix_model::bundle::Parts;
use stix_model::json::Value;
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
        let whole = |Fault { line, column, finding, .. }: Fault| {
            let place = self.place((line, column));
            vec![Err(Bad { id: None, version: None, place, finding })]
        };
        let document = match self.read(LIMITS) {
            Ok(document) => document,
            Err(fault) => return whole(fault),
        };
        match self.parts(document.root()) {
            Ok(parts) => self.objects_of(&parts),
            Err(fault) => whole(fault),
        }
    }

    fn objects_of(&self, parts: &Parts<'_>) -> Vec<Result<Found, Bad>> {
        let lines = self.lines();
        let place = |offset| self.place(lines.at(offset));
        let object = |value: Value<'_>| match Object::from_value(value, &self.bytes) {
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
        parts.objects().map(object).collect()
    }
}
