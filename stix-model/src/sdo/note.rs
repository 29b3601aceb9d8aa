//! TODO-DOC (STIX 2.1, section 4.13).

use crate::data_type::Text;
use crate::reference::{Ref, to};

stix_type! {
    /// TODO-DOC note
    sdo Note "note" "4.13"
    required {
        /// TODO-DOC string
        content: Text<'a>;
        /// TODO-DOC identifier -> @any
        object_refs: Vec<Ref<to::AnyObject>>;
    }
    optional {
        /// TODO-DOC string
        abstract_text "abstract": Text<'a>;
    }
    lists {
        /// TODO-DOC string
        authors: Text<'a>;
    }
}
