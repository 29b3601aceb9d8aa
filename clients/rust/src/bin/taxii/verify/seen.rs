//! The object of a proof, as its text says it.

use consensus::evidence::Bundle;
use consensus::statement::Item;
use stix_model::json::{Document, Limits};
use stix_model::{Object, Tlp};
use taxii_client::network::Digest;

/// What stands in the text of an object.
pub(super) struct Seen {
    /// The object as organisations see it, with the level of the proof where the text has none.
    pub(super) item: Item,
    /// The level of its marking.
    pub(super) marked: Option<u8>,
    /// The version as it is written.
    pub(super) version: Option<String>,
}

impl Seen {
    /// Reads the object of a proof, within the limits that members keep.
    pub(super) fn of(bundle: &Bundle) -> Result<Self, String> {
        let text = bundle.object.as_bytes();
        let limits = Limits::default().bytes(consensus::MAX_OBJECT_BYTES);
        let document = Document::read(text, limits).map_err(|error| error.to_string())?;
        let bytes = bytes::Bytes::copy_from_slice(text);
        let object = Object::from_value(document.root(), &bytes).map_err(|error| error.to_string())?;
        let header = object.header();
        let marked = header.tlp.map(|tlp| tlp as u8 - Tlp::Clear as u8);
        let item = Item {
            id: header.id.as_str().to_owned(),
            version: header.version().map_or(String::new(), |version| version.sort_key().to_owned()),
            object_type: header.id.object_type().to_owned(),
            level: marked.unwrap_or(bundle.item.level),
            digest: Digest(header.digest.0),
        };
        let version = header.version().map(|version| version.as_str().to_owned());
        Ok(Self { item, marked, version })
    }
}
