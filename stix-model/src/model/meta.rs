//! Meta objects (STIX 2.1, section 7).
//!
//! ```
//! use stix_model::{Object, Tlp, marking::TlpEdition, meta::MarkingDefinition};
//! let green = Object::parse(Tlp::Green.definition(TlpEdition::V2).expect("TLP 2.0 has all levels"))?;
//! let read: MarkingDefinition = green.read()?;
//! assert_eq!(read.name.as_deref(), Some("TLP:GREEN"));
//! # Ok::<(), stix_model::ObjectError>(())
//! ```

mod extension_definition;
mod language_content;
mod marking_definition;

pub use extension_definition::ExtensionDefinition;
pub use language_content::LanguageContent;
pub use marking_definition::MarkingDefinition;
