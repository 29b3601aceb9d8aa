//! TODO-DOC (STIX 2.1, section 4.2).

use crate::Timestamp;
use crate::data_type::Text;
use crate::schema::Rule;

stix_type! {
    /// TODO-DOC campaign
    sdo Campaign "campaign" "4.2"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
        /// TODO-DOC timestamp
        first_seen: Timestamp;
        /// TODO-DOC timestamp
        last_seen: Timestamp;
        /// TODO-DOC string
        objective: Text<'a>;
    }
    lists {
        /// TODO-DOC string
        aliases: Text<'a>;
    }
    rules [
        Rule::Order("first_seen", "last_seen", "S-200"),
    ]
}
