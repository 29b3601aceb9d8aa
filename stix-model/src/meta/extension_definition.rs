//! TODO-DOC (STIX 2.1, section 7.3).

use crate::data_type::Text;
use crate::schema::Rule;
use crate::validate::checks;
use crate::vocab::ExtensionType;

stix_type! {
    /// TODO-DOC extension-definition
    extension ExtensionDefinition "extension-definition" "7.3"
    required {
        /// TODO-DOC string
        name: Text<'a>;
        /// TODO-DOC string
        schema: Text<'a>;
        /// TODO-DOC string
        version: Text<'a>;
        /// TODO-DOC enum
        extension_types: Vec<ExtensionType>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
    }
    lists {
        /// TODO-DOC string
        extension_properties: Text<'a>;
    }
    rules [
        Rule::Check(checks::extension_definition),
    ]
}
