//! NTFS: what the file system of Windows keeps beside the content (STIX 2.1, section 6.7.3).

use crate::model::data_type::Text;
use crate::model::hashes::Hashes;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// What NTFS, the file system of Windows, knows of a file; stands on a [`File`](crate::sco::File). At
    /// least one property must be there.
    part NtfsExt "ntfs-ext" "6.7.3" "_o6cweepfrsci"
    required {}
    optional {
        /// The security identifier (SID) that the file has.
        sid: Text<'a>;
    }
    lists {
        /// Streams beside the content, where malware likes to hide.
        alternate_data_streams: AlternateDataStream<'a>;
    }
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}

stix_type! {
    /// A named stream of an NTFS file beside its content.
    part AlternateDataStream "alternate-data-stream-type" "6.7.3" "_8i2ts0xicqea"
    required {
        /// The name of the stream.
        name: Text<'a>;
    }
    optional {
        /// Hashes of what is in the stream.
        hashes: Hashes<'a>;
        /// The size in bytes, 0 or more.
        size: i64 = 0..=9_007_199_254_740_991;
    }
    lists {}
}
