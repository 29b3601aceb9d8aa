//! TODO-DOC (STIX 2.1, section 6.7).

use crate::Timestamp;
use crate::data_type::{Hashes, Hex, Text};
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC file
    sco File "file" "6.7"
    required {}
    optional {
        /// TODO-DOC hashes
        hashes: Hashes<'a>;
        /// TODO-DOC integer
        size: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC string
        name: Text<'a>;
        /// TODO-DOC string
        name_enc: Text<'a>;
        /// TODO-DOC hex
        magic_number_hex: Hex<'a>;
        /// TODO-DOC string
        mime_type: Text<'a>;
        /// TODO-DOC timestamp
        ctime: Timestamp;
        /// TODO-DOC timestamp
        mtime: Timestamp;
        /// TODO-DOC timestamp
        atime: Timestamp;
        /// TODO-DOC identifier -> directory
        parent_directory_ref: Ref<to::Directory>;
        /// TODO-DOC identifier -> artifact
        content_ref: Ref<to::Artifact>;
    }
    lists {
        /// TODO-DOC identifier -> @sco
        contains_refs: Ref<to::Observable>;
    }
    rules [
        Rule::OneOf(&["hashes", "name"], "S-215"),
        Rule::Needs("name_enc", &["name"], "S-033"),
        Rule::Check(checks::file),
    ]
    extensions [ArchiveExt, NtfsExt, PdfExt, RasterImageExt, WindowsPeBinaryExt]
}
