//! TODO-DOC (STIX 2.1, section 6.15).

use crate::data_type::Text;
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC url
    sco Url "url" "6.15"
    required {
        /// TODO-DOC string
        value: Text<'a>;
    }
    optional {}
    lists {}
    rules [
        Rule::Check(checks::url),
    ]
}
