//! Archive: what is in an archive file (STIX 2.1, section 6.7.2).

use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};

stix_type! {
    /// What an archive holds, such as a ZIP or RAR file; stands on a [`File`](crate::sco::File).
    part ArchiveExt "archive-ext" "6.7.2" "_xi3g7dwaigs6"
    required {
        /// The files and directories in the archive; at least one.
        contains_refs: Vec<Ref<to::FileOrDirectory>>;
    }
    optional {
        /// The comment in the archive.
        comment: Text<'a>;
    }
    lists {}
}
