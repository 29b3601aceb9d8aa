//! TODO-DOC (STIX 2.1, section 6.12.3).

use crate::data_type::Hex;

stix_type! {
    /// TODO-DOC icmp-ext
    part IcmpExt "icmp-ext" "6.12.3"
    required {
        /// TODO-DOC hex
        icmp_type_hex: Hex<'a>;
        /// TODO-DOC hex
        icmp_code_hex: Hex<'a>;
    }
    optional {}
    lists {}
}
