//! STIX 2.1 for Rust: objects that keep every byte, a typed model, validation, patterns, markings, versions, graph;
//! and the resources of TAXII 2.1.
//!
//! # Read
//! An [`Object`] is the text that somebody wrote plus a parsed [`Header`]; the text is never re-serialised. The rest is
//! read on demand: one property, or the whole as one of the types of the standard.
//!
//! ```
//! use stix_model::{Object, sdo::Campaign};
//! let object = Object::parse(r#"{ "type": "campaign", "spec_version": "2.1", "name": "Bank attack", "x_rank": 1.50,
//!     "id": "campaign--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
//!     "created": "2024-04-06T20:03:00.000Z", "modified": "2024-04-06T20:03:00.000Z" }"#)?;
//! assert_eq!(object.header().id.object_type(), "campaign");
//!
//! assert_eq!(object.get::<String>("name")?.as_deref(), Some("Bank attack"));
//! let campaign: Campaign = object.read()?;
//! assert_eq!(campaign.name, "Bank attack");
//! assert_eq!(campaign.other.get("x_rank").unwrap().as_str(), "1.50");
//! # Ok::<(), stix_model::ObjectError>(())
//! ```
//!
//! # Build
//! What a type requires are the arguments of `new`; the rest are setters. Identifiers and times come from the caller
//! ([`Mint`]); those of cyber-observable objects follow from their content.
//!
//! ```
//! use stix_model::{Mint, Tlp, ToObject, sco::Ipv4Address, sdo::Indicator, vocab::PatternType};
//! # fn now_micros() -> i64 { 1_700_000_000_000_000 }
//! # fn random(bytes: &mut [u8; 16]) { bytes.fill(1) }
//! let mut mint = Mint::new(now_micros, random);
//! let stamp = mint.stamp();
//! let indicator = Indicator::new(&stamp, "[ipv4-addr:value = '198.51.100.3']", PatternType::Stix, &stamp)
//!     .name("C2 address")
//!     .tlp(Tlp::Green)
//!     .confidence(85)
//!     .to_object()?;
//! let address = Ipv4Address::new("198.51.100.3").to_object()?;
//! assert_eq!(address.header().id.as_str(), "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4");
//! # Ok::<(), stix_model::BuildError>(())
//! ```
//!
//! # Validate
//! Findings have a stable code, a JSON pointer, the number of the [rule](finding::Rule), a sentence and often a fix
//! ([`validate`]).
//!
//! ```
//! use stix_model::{Object, validate::{Profile, Validator}};
//! let address = Object::parse(r#"{"type": "ipv4-addr", "value": "300.1.1.1",
//!     "id": "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd"}"#)?;
//! let findings = Validator::new(Profile::Stix).check(&address);
//! assert_eq!((findings[0].code.as_str(), &*findings[0].pointer), ("format", "/value"));
//! # Ok::<(), stix_model::ObjectError>(())
//! ```
//!
//! # Match
//! A pattern is read, checked, printed and matched within a budget ([`pattern`]).
//!
//! ```
//! use stix_model::pattern::Pattern;
//! let pattern = Pattern::parse("[url:value LIKE 'http://%.example/_']")?;
//! assert!(pattern.check().is_empty());
//! let error = Pattern::parse("[url:value = http]").unwrap_err();
//! assert_eq!(error.offset(), 13);
//! # Ok::<(), stix_model::pattern::PatternError>(())
//! ```
//!
//! Many patterns at once are a [`pattern::PatternSet`], with a key of the caller for each.
//!
//! # Mark
//! [`marking`] says which TLP level and which other markings hold for an object or a part of it, and writes them.
//!
//! ```
//! use stix_model::{Object, Tlp, marking::set_tlp, version::new_version};
//! let tool = Object::parse(r#"{ "type": "tool", "spec_version": "2.1", "name": "PsExec",
//!     "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
//!     "created": "2024-04-06T20:03:00.000Z", "modified": "2024-04-06T20:03:00.000Z" }"#)?;
//! let change = set_tlp(tool.document().root(), Tlp::Amber).expect("it has no level");
//! let marked = new_version(&tool, &"2024-04-07T00:00:00.000Z".parse()?, &[change])?;
//! assert_eq!(Tlp::effective(marked.document().root()), Some(Tlp::Amber));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Version
//! [`version`] makes the next version by editing the text, and decides what an incoming object is beside stored ones.
//!
//! ```
//! use stix_model::version::{Decision, decide_among, revoke};
//! # use stix_model::Object;
//! # let tool = Object::parse(r#"{ "type": "tool", "spec_version": "2.1", "name": "PsExec",
//! #     "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
//! #     "created": "2024-04-06T20:03:00.000Z", "modified": "2024-04-06T20:03:00.000Z" }"#)?;
//! let revoked = revoke(&tool, &"2024-05-01T00:00:00.000Z".parse()?)?;
//! assert_eq!(decide_among(&revoked, [&tool]), Decision::Revocation);
//! assert_eq!(decide_among(&tool, [&revoked]), Decision::Older);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Relate
//! [`graph`] walks relationships, sightings and references; [`equivalence`] finds what is likely the same.
//!
//! ```
//! use stix_model::graph::{Filter, Graph};
//! use stix_model::{Mint, Ref, ToObject, sdo::{Campaign, Tool}, sro::Relationship};
//! # fn now_micros() -> i64 { 1_700_000_000_000_000 }
//! # let mut byte = 0;
//! # let random = |bytes: &mut [u8; 16]| { byte += 1; bytes.fill(byte) };
//! let mut mint = Mint::new(now_micros, random);
//! let campaign = Campaign::new(mint.stamp(), "Bank attack").to_object()?;
//! let tool = Tool::new(mint.stamp(), "PsExec").to_object()?;
//! let (source, target) = (Ref::try_from(&campaign)?, Ref::try_from(&tool)?);
//! let uses = Relationship::new(mint.stamp(), "uses", source, target).to_object()?;
//! let graph = Graph::new([&campaign, &tool, &uses], Default::default())?;
//! assert_eq!(graph.neighbours(campaign.id(), &Filter::default()), [tool.id()]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Carry
//! [`bundle`] reads texts with many objects and writes bundles, [`reader`] does so piece by piece, [`taxii`] holds the
//! resources of TAXII 2.1, and [`convert`] brings STIX 2.0 over.
//!
//! # What this crate does not do
//! No I/O, no async, no threads, no HTTP, and without the feature `std` no clock and no randomness; so it runs in a browser
//! as well. It depends on no other Concord package. All limits are parameters with safe defaults, and no input makes it
//! panic.
//!
//! # Features
//! - `validate` (on by default): [`validate`], and [`ToObject`], which validates what is built. Needs `pattern`.
//! - `pattern` (on by default): [`pattern`]. Without both, the crate reads, edits, marks, versions and relates; it builds too,
//!   but checks nothing: [`StixType::to_json`], then [`Object::parse`].
//! - `schemas`: the official JSON schemas as a second opinion of the validator. It needs a source of random numbers, so leave
//!   it off for `wasm32`.
//! - `openapi`: OpenAPI schemas for the TAXII resources.
//! - `std`: the clock and the random numbers of the operating system: `Mint::system`, `Timestamp::now`, and conversions from
//!   and to `SystemTime`.
//!
//! How the crate compares with others is told in
//! [`COMPARE.md`](https://github.com/concord-cti/concord/blob/main/stix-model/COMPARE.md).

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "validate"),
    allow(dead_code, reason = "the tables of properties say more than the model alone asks")
)]

#[macro_use]
mod setters;
#[macro_use]
mod word;

#[cfg(feature = "validate")]
mod build;
pub mod bundle;
mod class;
pub mod confidence;
pub mod convert;
pub mod equivalence;
pub mod finding;
pub mod graph;
mod id;
pub mod json;
pub mod marking;
mod model;
mod object;
#[cfg(feature = "pattern")]
pub mod pattern;
pub mod reader;
mod refs;
mod registry;
pub mod sco_id;
#[cfg(feature = "std")]
mod system;
pub mod taxii;
mod timestamp;
mod typed;
#[cfg(feature = "validate")]
pub mod validate;
pub mod version;

pub mod schema {
    //! The property tables of STIX 2.1 as data: what the typed model declares and the validator walks.
    //!
    //! ```
    //! use stix_model::schema::{self, Class, Presence};
    //! let indicator = schema::of("indicator").unwrap();
    //! assert_eq!((indicator.class, indicator.section), (Class::Sdo, "4.7"));
    //! assert_eq!(indicator.property("pattern").unwrap().presence, Presence::Required);
    //! assert!(schema::of("x-custom").is_none());
    //! ```

    pub(crate) mod check;
    pub(crate) mod places;
    pub(crate) mod rule;
    pub(crate) mod table;
    pub(crate) mod vocabulary;

    pub use crate::class::{Class, Target};
    pub use crate::registry::{of, of_extension, types};
    pub use table::{Format, Presence, Property, Schema, Shape};
}

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(feature = "validate")]
pub use build::{BuildError, ToObject};
pub use id::{IdError, StixId};
pub use marking::Tlp;
pub use model::common::{
    Common, Extensions, ExternalReference, GranularMarking, KillChainPhase, MarkingCommon, ScoCommon,
};
pub use model::data_type::{
    Binary, DataType, Dictionary, Hex, IntegerOrText, Json, ObservableContainer, Text,
};
pub use model::hashes::Hashes;
pub use model::reference::{Ref, Targets, to};
pub use model::stamp::{Mint, Stamp};
pub use model::stix_type::StixType;
pub use model::{extension, meta, sco, sdo, sro, vocab};
pub use object::{Header, MAX_CONTENT_LENGTH, Object, ObjectError, ObjectErrorKind, SpecVersion};
pub use registry::AnyObject;
pub use sco_id::{ScoId, sco_id};
#[cfg(feature = "std")]
pub use system::NoRandomness;
pub use timestamp::{Timestamp, TimestampError};
