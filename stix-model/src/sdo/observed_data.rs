//! TODO-DOC (STIX 2.1, section 4.14).

use crate::Timestamp;
use crate::data_type::ObservableContainer;
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC observed-data
    sdo ObservedData "observed-data" "4.14"
    required {
        /// TODO-DOC timestamp
        first_observed: Timestamp;
        /// TODO-DOC timestamp
        last_observed: Timestamp;
        /// TODO-DOC integer
        number_observed: i64 = 1..=999_999_999;
    }
    optional {
        /// TODO-DOC observable-container
        objects: ObservableContainer<'a>;
    }
    lists {
        /// TODO-DOC identifier -> @sco,@sro
        object_refs: Ref<to::ObservableOrRelationship>;
    }
    rules [
        Rule::Order("first_observed", "last_observed", "S-205"),
        Rule::ExactlyOne(&["objects", "object_refs"], "S-205"),
        Rule::Check(checks::observed_data),
    ]
}
