//! TODO-DOC (STIX 2.1, section 6.3).

use crate::Timestamp;
use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC directory
    sco Directory "directory" "6.3"
    required {
        /// TODO-DOC string
        path: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        path_enc: Text<'a>;
        /// TODO-DOC timestamp
        ctime: Timestamp;
        /// TODO-DOC timestamp
        mtime: Timestamp;
        /// TODO-DOC timestamp
        atime: Timestamp;
    }
    lists {
        /// TODO-DOC identifier -> file,directory
        contains_refs: Ref<to::FileOrDirectory>;
    }
    rules [
        Rule::Needs("path_enc", &["path"], "S-033"),
        Rule::Check(checks::directory),
    ]
}
