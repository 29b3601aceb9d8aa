//! TODO-DOC (STIX 2.1, section 5.1).

use crate::Timestamp;
use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC relationship
    sro Relationship "relationship" "5.1"
    required {
        /// TODO-DOC string
        relationship_type: Text<'a>;
        /// TODO-DOC identifier -> @sdo,@sco
        source_ref: Ref<to::DomainObjectOrObservable>;
        /// TODO-DOC identifier -> @sdo,@sco
        target_ref: Ref<to::DomainObjectOrObservable>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
        /// TODO-DOC timestamp
        start_time: Timestamp;
        /// TODO-DOC timestamp
        stop_time: Timestamp;
    }
    lists {}
    rules [
        Rule::StrictOrder("start_time", "stop_time", "S-162"),
        Rule::Check(checks::relationship),
    ]
}
