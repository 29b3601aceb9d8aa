//! TODO-DOC (STIX 2.1, section 5.2).

use crate::Timestamp;
use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC sighting
    sro Sighting "sighting" "5.2"
    required {
        /// TODO-DOC identifier -> @sdo
        sighting_of_ref: Ref<to::DomainObject>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
        /// TODO-DOC timestamp
        first_seen: Timestamp;
        /// TODO-DOC timestamp
        last_seen: Timestamp;
        /// TODO-DOC integer
        count: i64 = 0..=999_999_999;
        /// TODO-DOC boolean
        summary: bool;
    }
    lists {
        /// TODO-DOC identifier -> observed-data
        observed_data_refs: Ref<to::ObservedData>;
        /// TODO-DOC identifier -> identity,location
        where_sighted_refs: Ref<to::IdentityOrLocation>;
    }
    rules [
        Rule::Order("first_seen", "last_seen", "S-165"),
        Rule::Check(checks::sighting),
    ]
}
