//! TODO-DOC (STIX 2.1, section 4.16).

use crate::Timestamp;
use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::vocab::ReportType;

stix_type! {
    /// TODO-DOC report
    sdo Report "report" "4.16"
    required {
        /// TODO-DOC string
        name: Text<'a>;
        /// TODO-DOC timestamp
        published: Timestamp;
        /// TODO-DOC identifier -> @any
        object_refs: Vec<Ref<to::AnyObject>>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
    }
    lists {
        /// TODO-DOC open-vocab
        report_types: ReportType;
    }
}
