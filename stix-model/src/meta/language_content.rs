//! TODO-DOC (STIX 2.1, section 7.1).

use crate::Timestamp;
use crate::data_type::{Dictionary, Json};
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC language-content
    language LanguageContent "language-content" "7.1"
    required {
        /// TODO-DOC identifier -> @any
        object_ref: Ref<to::AnyObject>;
        /// TODO-DOC dictionary
        contents: Dictionary<'a, Dictionary<'a, Json<'a>>>;
    }
    optional {
        /// TODO-DOC timestamp
        object_modified: Timestamp;
    }
    lists {}
    rules [
        Rule::Check(checks::language_content),
    ]
}
