//! TODO-DOC (STIX 2.1, section 6.12.2).

use crate::data_type::{Dictionary, Text};
use crate::reference::{Ref, to};

stix_type! {
    /// TODO-DOC http-request-ext
    part HttpRequestExt "http-request-ext" "6.12.2"
    required {
        /// TODO-DOC string
        request_method: Text<'a>;
        /// TODO-DOC string
        request_value: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        request_version: Text<'a>;
        /// TODO-DOC dictionary
        request_header: Dictionary<'a, Vec<Text<'a>>>;
        /// TODO-DOC integer
        message_body_length: i64;
        /// TODO-DOC identifier -> artifact
        message_body_data_ref: Ref<to::Artifact>;
    }
    lists {}
}
