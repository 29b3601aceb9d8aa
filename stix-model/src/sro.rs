//! Relationship objects (STIX 2.1, section 5).

mod relationship;
mod sighting;

use crate::schema::Schema;

pub use relationship::Relationship;
pub use sighting::Sighting;

/// The table of the type with this name.
pub(crate) fn schema(name: &str) -> Option<&'static Schema> {
    Some(match name {
        "relationship" => Relationship::SCHEMA,
        "sighting" => Sighting::SCHEMA,
        _ => return None,
    })
}
