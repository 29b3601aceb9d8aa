//! TODO-DOC (STIX 2.1, section 6.13.2).

use crate::data_type::{Dictionary, Json, Text};
use crate::schema::Rule;
use crate::vocab::WindowsIntegrityLevel;

stix_type! {
    /// TODO-DOC windows-process-ext
    part WindowsProcessExt "windows-process-ext" "6.13.2"
    required {}
    optional {
        /// TODO-DOC boolean
        aslr_enabled: bool;
        /// TODO-DOC boolean
        dep_enabled: bool;
        /// TODO-DOC string
        priority: Text<'a>;
        /// TODO-DOC string
        owner_sid: Text<'a>;
        /// TODO-DOC string
        window_title: Text<'a>;
        /// TODO-DOC dictionary
        startup_info: Dictionary<'a, Json<'a>>;
        /// TODO-DOC enum
        integrity_level: WindowsIntegrityLevel;
    }
    lists {}
    rules [
        Rule::AnyOwn("S-216"),
    ]
}
