//! Meta objects (STIX 2.1, section 7).

mod extension_definition;
mod language_content;
mod marking_definition;

use crate::schema::Schema;

pub use extension_definition::ExtensionDefinition;
pub use language_content::LanguageContent;
pub use marking_definition::MarkingDefinition;

/// The table of the type with this name.
pub(crate) fn schema(name: &str) -> Option<&'static Schema> {
    Some(match name {
        "language-content" => LanguageContent::SCHEMA,
        "marking-definition" => MarkingDefinition::SCHEMA,
        "extension-definition" => ExtensionDefinition::SCHEMA,
        _ => return None,
    })
}
