//! STIX 2.1 objects and TAXII 2.1 resources.
//!
//! An [`Object`] is the text that somebody wrote plus a parsed [`Header`]; the text is never re-serialised. An
//! [`Envelope`](taxii::Envelope) or a STIX bundle is split into objects without copying them.
//!
//! ```
//! use bytes::Bytes;
//! use stix_model::taxii::{self, split};
//!
//! let body = Bytes::from_static(br#"{"objects": [
//!     {"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "http://x.example/"},
//!     {"type": "url", "id": 7}
//! ]}"#);
//! let objects = split(&body, Default::default())?;
//! let first = objects[0].as_ref().unwrap();
//! assert_eq!(first.header().id.object_type(), "url");
//! assert_eq!(objects[1].as_ref().unwrap_err().to_string(), "/objects/1/id: must be a string, not a number");
//!
//! // Writing keeps every byte of every object.
//! let page = taxii::write_envelope(None, [&first.json()[..]]);
//! assert!(page.ends_with(br#""value": "http://x.example/"}]}"#));
//! # Ok::<(), stix_model::taxii::SplitError>(())
//! ```
//!
//! # What this crate does not do
//! No I/O, no async, no threads, no clock, no randomness, no HTTP. It depends on no other Concord package.

#[macro_use]
mod macros;

mod any_object;
pub mod bundle;
mod common;
pub mod confidence;
pub mod convert;
mod data_type;
pub mod equivalence;
pub mod extension;
pub mod graph;
mod id;
pub mod json;
pub mod marking;
pub mod meta;
mod object;
pub mod pattern;
mod reference;
pub mod schema;
pub mod sco;
pub mod sco_id;
pub mod sdo;
pub mod sro;
mod stix_type;
pub mod taxii;
mod timestamp;
pub mod validate;
pub mod version;
pub mod vocab;

pub use any_object::AnyObject;
pub use common::{
    Common, Extensions, ExternalReference, GranularMarking, KillChainPhase, MarkingCommon, ScoCommon,
};
pub use data_type::{
    Binary, DataType, Dictionary, Hashes, Hex, IntegerOrText, Json, ObservableContainer, Text,
};
pub use id::{IdError, StixId};
pub use marking::Tlp;
pub use object::{Header, MAX_OBJECT_BYTES, Object, ObjectError, ObjectErrorKind, SpecVersion};
pub use reference::{Ref, Targets, to};
pub use sco_id::{ScoId, sco_id};
pub use stix_type::{BuildError, Mint, Stamp, StixType};
pub use timestamp::{Timestamp, TimestampError};
