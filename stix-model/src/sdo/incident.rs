//! TODO-DOC (STIX 2.1, section 4.6).

use crate::data_type::Text;

stix_type! {
    /// TODO-DOC incident
    sdo Incident "incident" "4.6"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
    }
    lists {}
}
