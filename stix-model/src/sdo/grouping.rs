//! TODO-DOC (STIX 2.1, section 4.4).

use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::vocab::GroupingContext;

stix_type! {
    /// TODO-DOC grouping
    sdo Grouping "grouping" "4.4"
    required {
        /// TODO-DOC open-vocab
        context: GroupingContext;
        /// TODO-DOC identifier -> @any
        object_refs: Vec<Ref<to::AnyObject>>;
    }
    optional {
        /// TODO-DOC string
        name: Text<'a>;
        /// TODO-DOC string
        description: Text<'a>;
    }
    lists {}
}
