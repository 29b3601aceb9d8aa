//! TODO-DOC (STIX 2.1, section 6.8).

use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC ipv4-addr
    sco Ipv4Address "ipv4-addr" "6.8"
    required {
        /// TODO-DOC string
        value: Text<'a>;
    }
    optional {}
    lists {
        /// TODO-DOC identifier -> mac-addr
        resolves_to_refs: Ref<to::MacAddress>;
        /// TODO-DOC identifier -> autonomous-system
        belongs_to_refs: Ref<to::AutonomousSystem>;
    }
    rules [
        Rule::Check(checks::ipv4_addr),
    ]
}
