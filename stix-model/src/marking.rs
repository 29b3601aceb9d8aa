//! Data markings: who may see an object or a part of it, and in which language it is written (STIX 2.1,
//! section 7.2).
//!
//! The standard leaves open how several markings combine. Here they add up, and of several TLP levels the
//! strictest counts.
//!
//! ```
//! use stix_model::json::{Document, Limits};
//! use stix_model::marking::{Markings, Selector, Tlp};
//! let document = Document::read(br#"{
//!     "type": "tool", "name": "n", "labels": ["a", "b"],
//!     "object_marking_refs": ["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"],
//!     "granular_markings": [{
//!         "marking_ref": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
//!         "selectors": ["labels.[1]"]
//!     }]
//! }"#, Limits::default())?;
//! let markings = Markings::of(document.root())?;
//! assert_eq!(markings.tlp_at(&"name".parse()?), Some(Tlp::Green));
//! assert_eq!(markings.tlp_at(&"labels.[1]".parse()?), Some(Tlp::Red));
//! assert_eq!(markings.tlp_within(&"labels".parse()?), Some(Tlp::Red));
//! assert_eq!(markings.tlp(), Some(Tlp::Red));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod edit;
mod markings;
mod selector;
mod set;
mod tlp;

use crate::json::Value;
use std::borrow::Cow;

pub use edit::{add_granular, remove_granular};
pub use markings::{DEFAULT_LANG, GranularMarking, Mark, MarkingError, MarkingErrorKind, Markings};
pub use selector::{Selector, SelectorError, Step, check_selectors};
pub use set::{add_marking, set_tlp};
pub use tlp::{TLP_2_EXTENSION, TLP_2_EXTENSION_ID, Tlp, TlpEdition, TlpError};

/// The markings that an object names, for the whole of it and for parts.
pub(crate) fn refs<'d>(object: Value<'d>) -> impl Iterator<Item = Cow<'d, str>> {
    let whole = object.get("object_marking_refs").into_iter().flat_map(Value::elements);
    let granular = object.get("granular_markings").into_iter().flat_map(Value::elements);
    whole.chain(granular.filter_map(|marking| marking.get("marking_ref"))).filter_map(Value::as_str)
}
