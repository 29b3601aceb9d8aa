//! TODO-DOC (STIX 2.1, section 6.7.4).

use crate::data_type::{Dictionary, Text};
use crate::schema::Rule;

stix_type! {
    /// TODO-DOC pdf-ext
    part PdfExt "pdf-ext" "6.7.4"
    required {}
    optional {
        /// TODO-DOC string
        version: Text<'a>;
        /// TODO-DOC boolean
        is_optimized: bool;
        /// TODO-DOC dictionary
        document_info_dict: Dictionary<'a, Text<'a>>;
        /// TODO-DOC string
        pdfid0: Text<'a>;
        /// TODO-DOC string
        pdfid1: Text<'a>;
    }
    lists {}
    rules [
        Rule::AnyOwn("S-216"),
    ]
}
