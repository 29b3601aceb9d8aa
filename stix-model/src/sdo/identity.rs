//! TODO-DOC (STIX 2.1, section 4.5).

use crate::data_type::Text;
use crate::vocab::{IdentityClass, IndustrySector};

stix_type! {
    /// TODO-DOC identity
    sdo Identity "identity" "4.5"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
        /// TODO-DOC open-vocab
        identity_class: IdentityClass;
        /// TODO-DOC string
        contact_information: Text<'a>;
    }
    lists {
        /// TODO-DOC string
        roles: Text<'a>;
        /// TODO-DOC open-vocab
        sectors: IndustrySector;
    }
}
