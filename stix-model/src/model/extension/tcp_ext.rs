//! TCP: the flags in network traffic (STIX 2.1, section 6.12.5).

use crate::model::data_type::Hex;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// Which flags of TCP were seen; stands on [`NetworkTraffic`](crate::sco::NetworkTraffic). At least one
    /// property must be there.
    part TcpExt "tcp-ext" "6.12.5" "_k2njqio7f142"
    required {}
    optional {
        /// All flags that the source has set in any packet, such as `02` for SYN.
        src_flags_hex: Hex<'a>;
        /// All flags that the destination has set in any packet.
        dst_flags_hex: Hex<'a>;
    }
    lists {}
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}
