//! TODO-DOC (STIX 2.1, section 6.7.2).

use crate::data_type::Text;
use crate::reference::{Ref, to};

stix_type! {
    /// TODO-DOC archive-ext
    part ArchiveExt "archive-ext" "6.7.2"
    required {
        /// TODO-DOC identifier -> file,directory
        contains_refs: Vec<Ref<to::FileOrDirectory>>;
    }
    optional {
        /// TODO-DOC string
        comment: Text<'a>;
    }
    lists {}
}
