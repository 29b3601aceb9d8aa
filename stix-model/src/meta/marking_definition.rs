//! TODO-DOC (STIX 2.1, section 7.2.1).

use crate::data_type::{Json, Text};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC marking-definition
    marking MarkingDefinition "marking-definition" "7.2.1"
    required {}
    optional {
        /// TODO-DOC string
        name: Text<'a>;
        /// TODO-DOC open-vocab
        definition_type: Text<'a>;
        /// TODO-DOC marking-object
        definition: Json<'a>;
    }
    lists {}
    rules [
        Rule::Check(checks::marking_definition),
    ]
}
