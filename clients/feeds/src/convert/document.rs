//! What sources with a form of their own have in common: documents whose records are read one by one, and objects that count
//! only when the whole of a record makes sense.

use super::ConvertError;
use crate::output::{Output, Rejected};
use crate::shared::{Part, SharedKey, merge};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::BufRead;
use stix_model::{BuildError, Object};

/// What becomes of one record.
#[derive(Default)]
pub(super) struct Made {
    objects: Vec<Object>,
    parts: Vec<(SharedKey, Part)>,
    notes: Vec<String>,
}

impl Made {
    pub(super) fn object(&mut self, object: Result<Object, BuildError>) -> Result<(), String> {
        self.objects.push(object.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Takes a part that makes a valid object by itself, so that it spoils none of those that it is merged into.
    pub(super) fn part(&mut self, key: SharedKey, part: Part) -> Result<(), String> {
        merge(&key, std::slice::from_ref(&part)).map_err(|error| error.to_string())?;
        self.parts.push((key, part));
        Ok(())
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(super) fn emit(self, out: &mut dyn Output) {
        self.notes.into_iter().for_each(|note| out.note(note));
        self.objects.into_iter().for_each(|object| out.object(object));
        self.parts.into_iter().for_each(|(key, part)| out.part(key, part));
    }
}

/// All bytes of a document, without a byte order mark.
pub(super) fn bytes(input: &mut dyn BufRead) -> Result<Vec<u8>, ConvertError> {
    let mut bytes = Vec::new();
    if input.fill_buf()?.starts_with(b"\xEF\xBB\xBF") {
        input.consume(3);
    }
    input.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The frame of a document; its records stay texts.
pub(super) fn parse<'d, T: Deserialize<'d>>(bytes: &'d [u8]) -> Result<T, ConvertError> {
    serde_json::from_slice(bytes).map_err(|error| ConvertError::Form(error.to_string()))
}

/// Makes objects of each record; one that is wrong is rejected, and spoils no other.
pub(super) fn each<'d, R: Deserialize<'d>>(
    records: &[&'d RawValue],
    at: &str,
    out: &mut dyn Output,
    make: &mut dyn FnMut(R, &mut Made) -> Result<(), String>,
) {
    for (number, json) in records.iter().enumerate() {
        one(json, &format!("{at}/{number}"), out, make);
    }
}

/// Makes objects of one record, or rejects it.
pub(super) fn one<'d, R: Deserialize<'d>>(
    json: &'d RawValue,
    place: &str,
    out: &mut dyn Output,
    make: &mut dyn FnMut(R, &mut Made) -> Result<(), String>,
) {
    out.record();
    let mut made = Made::default();
    let record = serde_json::from_str(json.get()).map_err(|error| error.to_string());
    match record.and_then(|record| make(record, &mut made)) {
        Ok(()) => made.emit(out),
        Err(reason) => out.reject(Rejected { record: place.to_owned(), reason }),
    }
}
