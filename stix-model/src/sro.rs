//! Relationship objects (STIX 2.1, section 5).

mod relationship;
mod sighting;

pub use relationship::Relationship;
pub use sighting::Sighting;
