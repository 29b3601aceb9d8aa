//! TODO-DOC (STIX 2.1, section 6.14).

use crate::data_type::Text;
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC software
    sco Software "software" "6.14"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        cpe: Text<'a>;
        /// TODO-DOC string
        swid: Text<'a>;
        /// TODO-DOC string
        vendor: Text<'a>;
        /// TODO-DOC string
        version: Text<'a>;
    }
    lists {
        /// TODO-DOC string
        languages: Text<'a>;
    }
    rules [
        Rule::Check(checks::software),
    ]
}
