//! TODO-DOC (STIX 2.1, section 6.12.5).

use crate::data_type::Hex;
use crate::schema::Rule;

stix_type! {
    /// TODO-DOC tcp-ext
    part TcpExt "tcp-ext" "6.12.5"
    required {}
    optional {
        /// TODO-DOC hex
        src_flags_hex: Hex<'a>;
        /// TODO-DOC hex
        dst_flags_hex: Hex<'a>;
    }
    lists {}
    rules [
        Rule::AnyOwn("S-216"),
    ]
}
