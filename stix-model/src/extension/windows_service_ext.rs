//! TODO-DOC (STIX 2.1, section 6.13.3).

use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::vocab::{WindowsServiceStartType, WindowsServiceStatus, WindowsServiceType};

stix_type! {
    /// TODO-DOC windows-service-ext
    part WindowsServiceExt "windows-service-ext" "6.13.3"
    required {}
    optional {
        /// TODO-DOC string
        service_name: Text<'a>;
        /// TODO-DOC string
        display_name: Text<'a>;
        /// TODO-DOC string
        group_name: Text<'a>;
        /// TODO-DOC enum
        start_type: WindowsServiceStartType;
        /// TODO-DOC enum
        service_type: WindowsServiceType;
        /// TODO-DOC enum
        service_status: WindowsServiceStatus;
    }
    lists {
        /// TODO-DOC string
        descriptions: Text<'a>;
        /// TODO-DOC identifier -> file
        service_dll_refs: Ref<to::File>;
    }
    rules [
        Rule::AnyOwn("S-216"),
    ]
}
