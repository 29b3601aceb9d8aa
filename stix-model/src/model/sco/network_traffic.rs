//! Network traffic: a connection or flow between two ends (STIX 2.1, section 6.12).

use crate::Timestamp;
use crate::model::data_type::{Dictionary, IntegerOrText, Text};
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A connection or another flow from a source to a destination. `src_ref` or `dst_ref` must be there; the
    /// ports should be.
    ///
    /// What one protocol adds stands in extensions, such as
    /// [`HttpRequestExt`](crate::extension::HttpRequestExt).
    ///
    /// ```
    /// use stix_model::{Ref, ToObject, sco::{Ipv4Address, NetworkTraffic}};
    /// let server = Ipv4Address::new("203.0.113.1").to_object()?;
    /// let server = Ref::try_from(server.header().id.clone())?;
    /// let protocols = ["ipv4", "tcp", "https"].map(Into::into);
    /// let traffic = NetworkTraffic::new(protocols).dst_ref(server).dst_port(443);
    /// traffic.to_object()?;
    /// assert!(NetworkTraffic::new(["tcp".into()]).to_object().is_err(), "neither source nor destination");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sco NetworkTraffic "network-traffic" "6.12" "_rgnc3w40xy"
    required {
        /// The protocols, from the outermost to the innermost, such as `ipv4`, `tcp`, `http`; should be the
        /// names of IANA in lower case.
        protocols: Vec<Text<'a>>;
    }
    optional {
        /// When the traffic began.
        start: Timestamp;
        /// When the traffic ended. Not before `start`; not with `is_active` true.
        end: Timestamp;
        /// Whether the traffic was still going on; false when there is an `end`.
        is_active: bool;
        /// Where the traffic came from.
        src_ref: Ref<to::NetworkAddress>;
        /// Where the traffic went.
        dst_ref: Ref<to::NetworkAddress>;
        /// The port of the source, 0 to 65535.
        src_port: i64 = 0..=65_535;
        /// The port of the destination, 0 to 65535.
        dst_port: i64 = 0..=65_535;
        /// How many bytes the source sent.
        src_byte_count: i64 = 0..=9_007_199_254_740_991;
        /// How many bytes the destination sent.
        dst_byte_count: i64 = 0..=9_007_199_254_740_991;
        /// How many packets the source sent.
        src_packets: i64 = 0..=9_007_199_254_740_991;
        /// How many packets the destination sent.
        dst_packets: i64 = 0..=9_007_199_254_740_991;
        /// Data of IP Flow Information Export, by the names of its elements; integers or strings.
        ipfix: Dictionary<'a, IntegerOrText<'a>>;
        /// The bytes that the source sent.
        src_payload_ref: Ref<to::Artifact>;
        /// The bytes that the destination sent.
        dst_payload_ref: Ref<to::Artifact>;
        /// The traffic inside which this traffic travels, such as a tunnel.
        encapsulated_by_ref: Ref<to::NetworkTraffic>;
    }
    lists {
        /// The traffic that travels inside this traffic.
        encapsulates_refs: Ref<to::NetworkTraffic>;
    }
    constraints [
        Constraint::OneOf(&["src_ref", "dst_ref"], Rule::S218),
        Constraint::Order("start", "end", Rule::S218),
        Constraint::Check(Check::NetworkTraffic),
    ]
    extensions [HttpRequestExt, IcmpExt, SocketExt, TcpExt]
}
