//! TODO-DOC (STIX 2.1, section 6.12).

use crate::Timestamp;
use crate::data_type::{Dictionary, IntegerOrText, Text};
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC network-traffic
    sco NetworkTraffic "network-traffic" "6.12"
    required {
        /// TODO-DOC string
        protocols: Vec<Text<'a>>;
    }
    optional {
        /// TODO-DOC timestamp
        start: Timestamp;
        /// TODO-DOC timestamp
        end: Timestamp;
        /// TODO-DOC boolean
        is_active: bool;
        /// TODO-DOC identifier -> ipv4-addr,ipv6-addr,mac-addr,domain-name
        src_ref: Ref<to::NetworkAddress>;
        /// TODO-DOC identifier -> ipv4-addr,ipv6-addr,mac-addr,domain-name
        dst_ref: Ref<to::NetworkAddress>;
        /// TODO-DOC integer
        src_port: i64 = 0..=65_535;
        /// TODO-DOC integer
        dst_port: i64 = 0..=65_535;
        /// TODO-DOC integer
        src_byte_count: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        dst_byte_count: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        src_packets: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        dst_packets: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC dictionary
        ipfix: Dictionary<'a, IntegerOrText<'a>>;
        /// TODO-DOC identifier -> artifact
        src_payload_ref: Ref<to::Artifact>;
        /// TODO-DOC identifier -> artifact
        dst_payload_ref: Ref<to::Artifact>;
        /// TODO-DOC identifier -> network-traffic
        encapsulated_by_ref: Ref<to::NetworkTraffic>;
    }
    lists {
        /// TODO-DOC identifier -> network-traffic
        encapsulates_refs: Ref<to::NetworkTraffic>;
    }
    rules [
        Rule::OneOf(&["src_ref", "dst_ref"], "S-218"),
        Rule::Order("start", "end", "S-218"),
        Rule::Check(checks::network_traffic),
    ]
    extensions [HttpRequestExt, IcmpExt, SocketExt, TcpExt]
}
