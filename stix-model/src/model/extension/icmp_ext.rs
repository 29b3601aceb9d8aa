//! ICMP: the message in network traffic (STIX 2.1, section 6.12.3).

use crate::model::data_type::Hex;

stix_type! {
    /// A message of the Internet Control Message Protocol; stands on
    /// [`NetworkTraffic`](crate::sco::NetworkTraffic).
    part IcmpExt "icmp-ext" "6.12.3" "_ozypx0lmkebv"
    required {
        /// The type of the message, one byte, such as `08` for an echo request.
        icmp_type_hex: Hex<'a>;
        /// The code within the type, one byte, such as `00`.
        icmp_code_hex: Hex<'a>;
    }
    optional {}
    lists {}
}
