//! TODO-DOC (STIX 2.1, section 4.15).

use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::vocab::OpinionLevel;

stix_type! {
    /// TODO-DOC opinion
    sdo Opinion "opinion" "4.15"
    required {
        /// TODO-DOC enum
        opinion: OpinionLevel;
        /// TODO-DOC identifier -> @any
        object_refs: Vec<Ref<to::AnyObject>>;
    }
    optional {
        /// TODO-DOC string
        explanation: Text<'a>;
    }
    lists {
        /// TODO-DOC string
        authors: Text<'a>;
    }
}
