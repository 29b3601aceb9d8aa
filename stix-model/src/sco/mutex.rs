//! TODO-DOC (STIX 2.1, section 6.11).

use crate::data_type::Text;

stix_type! {
    /// TODO-DOC mutex
    sco Mutex "mutex" "6.11"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {}
    lists {}
}
