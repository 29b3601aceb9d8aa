//! TODO-DOC (STIX 2.1, section 6.17).

use crate::Timestamp;
use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;
use crate::vocab::WindowsRegistryDatatype;

stix_type! {
    /// TODO-DOC windows-registry-key
    sco WindowsRegistryKey "windows-registry-key" "6.17"
    required {}
    optional {
        /// TODO-DOC string
        key: Text<'a>;
        /// TODO-DOC timestamp
        modified_time: Timestamp;
        /// TODO-DOC identifier -> user-account
        creator_user_ref: Ref<to::UserAccount>;
        /// TODO-DOC integer
        number_of_subkeys: i64;
    }
    lists {
        /// TODO-DOC windows-registry-value-type
        values: WindowsRegistryValue<'a>;
    }
    rules [
        Rule::AnyOwn("S-223"),
        Rule::Check(checks::windows_registry_key),
    ]
}

stix_type! {
    /// TODO-DOC windows-registry-value-type
    part WindowsRegistryValue "windows-registry-value-type" "6.17.2"
    required {}
    optional {
        /// TODO-DOC string
        name: Text<'a>;
        /// TODO-DOC string
        data: Text<'a>;
        /// TODO-DOC enum
        data_type: WindowsRegistryDatatype;
    }
    lists {}
    rules [
        Rule::AnyOwn("S-216"),
    ]
}
