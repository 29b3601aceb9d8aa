//! PDF: what a PDF file says of itself (STIX 2.1, section 6.7.4).

use crate::model::data_type::{Dictionary, Text};
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// What a PDF file says of itself; stands on a [`File`](crate::sco::File). At least one property must be
    /// there.
    part PdfExt "pdf-ext" "6.7.4" "_8xmpb2ghp9km"
    required {}
    optional {
        /// The version of the format in the header of the file, such as `1.7`.
        version: Text<'a>;
        /// Whether the file is arranged for reading page by page from the network.
        is_optimized: bool;
        /// The document information, such as `Title` or `Producer`, as texts.
        document_info_dict: Dictionary<'a, Text<'a>>;
        /// The first part of the identifier of the file: that of the document since it was made.
        pdfid0: Text<'a>;
        /// The second part of the identifier: that of this state of the document.
        pdfid1: Text<'a>;
    }
    lists {}
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}
