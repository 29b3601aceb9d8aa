//! HTTP request: the request in network traffic (STIX 2.1, section 6.12.2).

use crate::model::data_type::{Dictionary, Text};
use crate::model::reference::{Ref, to};

stix_type! {
    /// A request of HTTP; stands on [`NetworkTraffic`](crate::sco::NetworkTraffic).
    part HttpRequestExt "http-request-ext" "6.12.2" "_b0e376hgtml8"
    required {
        /// The method in lower case, such as `get`.
        request_method: Text<'a>;
        /// What is requested, mostly the path of a resource.
        request_value: Text<'a>;
    }
    optional {
        /// The version in lower case, such as `http/1.1`.
        request_version: Text<'a>;
        /// The fields of the header by name; each value is a list, as a field may come repeatedly.
        request_header: Dictionary<'a, Vec<Text<'a>>>;
        /// The length of the body in bytes.
        message_body_length: i64;
        /// The body, as an artifact.
        message_body_data_ref: Ref<to::Artifact>;
    }
    lists {}
}
