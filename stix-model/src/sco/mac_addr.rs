//! TODO-DOC (STIX 2.1, section 6.10).

use crate::data_type::Text;
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC mac-addr
    sco MacAddress "mac-addr" "6.10"
    required {
        /// TODO-DOC string
        value: Text<'a>;
    }
    optional {}
    lists {}
    rules [
        Rule::Check(checks::mac_addr),
    ]
}
