//! Relationship objects (STIX 2.1, section 5).

mod relationship;
mod relationship_table;
mod sighting;

pub use relationship::Relationship;
pub use relationship_table::{RelationshipDefinition, is_defined, specified_relationships};
pub use sighting::Sighting;
