//! Relationship objects (STIX 2.1, section 5).
//!
//! ```
//! use stix_model::{Mint, Ref, StixId, ToObject, sro::Relationship};
//! # let mut mint = Mint::new(|| 1_700_000_000_000_000, |bytes: &mut [u8; 16]| bytes.fill(1));
//! let indicator: StixId = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".parse()?;
//! let malware: StixId = "malware--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061".parse()?;
//! let (source, target) = (Ref::try_from(indicator)?, Ref::try_from(&malware)?);
//! let indicates = Relationship::new(mint.stamp(), "indicates", source, target).to_object()?;
//! assert_eq!(indicates.get("target_ref")?, Some(malware));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod relationship;
mod relationship_table;
mod sighting;

pub use relationship::Relationship;
pub use relationship_table::{RelationshipDefinition, is_defined, specified_relationships};
pub use sighting::Sighting;
