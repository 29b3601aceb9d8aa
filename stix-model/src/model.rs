//! The types of STIX 2.1: data types, references, common properties, vocabularies, and one table for each object type,
//! predefined extension and embedded type.

#[macro_use]
mod macros;

pub(crate) mod common;
pub(crate) mod data_type;
pub mod extension;
pub(crate) mod hashes;
pub mod meta;
pub(crate) mod reference;
pub mod sco;
pub mod sdo;
pub mod sro;
pub(crate) mod stamp;
pub(crate) mod stix_type;
pub mod vocab;
