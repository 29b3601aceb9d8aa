//! How objects stand in a file.

use crate::pretty::on_one_line;
use serde_json::value::RawValue;
use uuid::Uuid;

/// JSON lines or a bundle.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// One object on each line.
    Lines,
    /// One STIX bundle; the objects are in it as they came.
    Bundle {
        /// The UUID of the bundle's identifier.
        id: Uuid,
    },
}

impl Layout {
    /// The text of some more objects, after so many others.
    pub(super) fn page(&self, objects: &[Box<RawValue>], before: u64) -> Vec<u8> {
        let mut text = Vec::new();
        for (object, before) in objects.iter().zip(before..) {
            match self {
                Self::Lines => {
                    text.extend(on_one_line(object.get()));
                    text.push(b'\n');
                }
                Self::Bundle { id } => {
                    match before {
                        0 => text.extend_from_slice(head(*id, ",\"objects\":[\n").as_bytes()),
                        _ => text.extend_from_slice(b",\n"),
                    }
                    text.extend_from_slice(object.get().as_bytes());
                }
            }
        }
        text
    }

    /// What closes the text after so many objects.
    pub(super) fn end(&self, objects: u64) -> Vec<u8> {
        match self {
            Self::Lines => Vec::new(),
            // STIX 2.1, section 2.7: a list is never empty, so a bundle of nothing has none.
            Self::Bundle { id } if objects == 0 => head(*id, "}\n").into_bytes(),
            Self::Bundle { .. } => b"\n]}\n".to_vec(),
        }
    }
}

fn head(id: Uuid, rest: &str) -> String {
    format!(r#"{{"type":"bundle","id":"bundle--{id}"{rest}"#)
}
