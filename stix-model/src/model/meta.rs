//! Meta objects (STIX 2.1, section 7).

mod extension_definition;
mod language_content;
mod marking_definition;

pub use extension_definition::ExtensionDefinition;
pub use language_content::LanguageContent;
pub use marking_definition::MarkingDefinition;
