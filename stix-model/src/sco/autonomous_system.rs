//! TODO-DOC (STIX 2.1, section 6.2).

use crate::data_type::Text;

stix_type! {
    /// TODO-DOC autonomous-system
    sco AutonomousSystem "autonomous-system" "6.2"
    required {
        /// TODO-DOC integer
        number: i64;
    }
    optional {
        /// TODO-DOC string
        name: Text<'a>;
        /// TODO-DOC string
        rir: Text<'a>;
    }
    lists {}
}
