//! What sources with a form of their own have in common: documents whose records are read one by one, and objects that count
//! only when the whole of a record makes sense.

use super::ConvertError;
use crate::output::{Output, Rejected};
use crate::shared::{Part, SharedKey, merge};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::io::BufRead;
use stix_model::reader::{Bounds, Expect, Reader, Step, Text, Unreadable};
use stix_model::{BuildError, Object};

/// The most that is kept of a file: the largest that is published, ATT&CK, has 50 MB.
const MAX_TEXT: usize = 512 << 20;

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

    /// Takes a part that makes a valid object by itself, so that it spoils none of those that it is merged into. Its facts are
    /// left out of that, because they may be any JSON, and are mostly longer than all the rest.
    pub(super) fn part(&mut self, key: SharedKey, mut part: Part) -> Result<(), String> {
        let facts = std::mem::take(&mut part.facts);
        merge(&key, std::slice::from_ref(&part)).map_err(|error| error.to_string())?;
        self.parts.push((key, Part { facts, ..part }));
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

/// A document that is a text, without a byte order mark.
pub(super) fn text(input: &mut dyn BufRead) -> Result<String, ConvertError> {
    String::from_utf8(bytes(input)?).map_err(|_| ConvertError::Form("it is not UTF-8".to_owned()))
}

/// A document as a type, such as a frame whose records stay texts.
pub(super) fn parse<'d, T: Deserialize<'d>>(bytes: &'d [u8]) -> Result<T, ConvertError> {
    serde_json::from_slice(bytes).map_err(|error| ConvertError::Form(error.to_string()))
}

/// Reads the JSON texts of a file: one, or JSON lines.
pub(super) fn texts(
    input: &mut dyn BufRead,
    take: &mut dyn FnMut(Result<Text, Unreadable>) -> Result<(), ConvertError>,
) -> Result<(), ConvertError> {
    let mut reader = Reader::new(Expect::File, Bounds::default().text(MAX_TEXT));
    loop {
        match reader.step() {
            Step::More => {
                let piece = input.fill_buf()?;
                let length = piece.len();
                if length == 0 {
                    reader.end()
                } else {
                    reader.push(piece)
                }
                input.consume(length);
            }
            Step::Text(text) => take(Ok(text))?,
            Step::Unreadable(unreadable) => take(Err(unreadable))?,
            Step::End => return Ok(()),
        }
    }
}

/// Takes an object from a place, and gives what it becomes.
type TakeObject<'t> = &'t mut dyn FnMut(Map<String, Json>, &str, &mut dyn Output) -> Result<(), String>;

/// Makes objects of each JSON object of a file: one, a list, those in a list with this name, or one a line.
pub(super) fn each_object(
    input: &mut dyn BufRead,
    list: &str,
    out: &mut dyn Output,
    take: TakeObject<'_>,
) -> Result<(), ConvertError> {
    let mut has_lines = false;
    texts(input, &mut |text| {
        let (place, elements) = match &text {
            Ok(text) if text.is_line => (format!("line {}", text.line), elements(&text.bytes, list)),
            Ok(text) => (String::new(), Ok(elements(&text.bytes, list).map_err(ConvertError::Form)?)),
            Err(unreadable) if has_lines => {
                (format!("line {}", unreadable.line), Err(unreadable.to_string()))
            }
            Err(unreadable) => return Err(ConvertError::Form(unreadable.to_string())),
        };
        has_lines = true;
        let elements = match elements {
            Ok(elements) => elements,
            Err(reason) => {
                out.record();
                out.reject(Rejected { record: place, reason });
                return Ok(());
            }
        };
        for (pointer, element) in elements {
            out.record();
            let place = [place.as_str(), &pointer].join(if place.is_empty() || pointer.is_empty() {
                ""
            } else {
                " "
            });
            let record: Result<Map<String, Json>, _> = serde_json::from_str(element.get());
            let done = record.map_err(|error| error.to_string()).and_then(|record| take(record, &place, out));
            if let Err(reason) = done {
                out.reject(Rejected { record: place, reason });
            }
        }
        Ok(())
    })
}

/// The elements of a text, with their JSON pointers.
fn elements<'t>(text: &'t [u8], list: &str) -> Result<Vec<(String, &'t RawValue)>, String> {
    let wrong = |error: serde_json::Error| error.to_string();
    let numbered = |at: &str, values: Vec<&'t RawValue>| {
        values.into_iter().enumerate().map(|(number, value)| (format!("{at}/{number}"), value)).collect()
    };
    match text.trim_ascii_start().first() {
        Some(b'[') => Ok(numbered("", serde_json::from_slice(text).map_err(wrong)?)),
        Some(b'{') => {
            let whole: &RawValue = serde_json::from_slice(text).map_err(wrong)?;
            let members: BTreeMap<String, &RawValue> = serde_json::from_slice(text).map_err(wrong)?;
            match members.get(list) {
                Some(values) => {
                    Ok(numbered(&format!("/{list}"), serde_json::from_str(values.get()).map_err(wrong)?))
                }
                None => Ok(vec![(String::new(), whole)]),
            }
        }
        _ => Err("it is neither an object nor a list".to_owned()),
    }
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
