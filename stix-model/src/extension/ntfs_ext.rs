//! TODO-DOC (STIX 2.1, section 6.7.3).

use crate::data_type::{Hashes, Text};
use crate::schema::Rule;

stix_type! {
    /// TODO-DOC ntfs-ext
    part NtfsExt "ntfs-ext" "6.7.3"
    required {}
    optional {
        /// TODO-DOC string
        sid: Text<'a>;
    }
    lists {
        /// TODO-DOC alternate-data-stream-type
        alternate_data_streams: AlternateDataStream<'a>;
    }
    rules [
        Rule::AnyOwn("S-216"),
    ]
}

stix_type! {
    /// TODO-DOC alternate-data-stream-type
    part AlternateDataStream "alternate-data-stream-type" "6.7.3"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC hashes
        hashes: Hashes<'a>;
        /// TODO-DOC integer
        size: i64 = 0..=9_007_199_254_740_991;
    }
    lists {}
}
