//! TODO-DOC (STIX 2.1, section 6.5).

use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC email-addr
    sco EmailAddress "email-addr" "6.5"
    required {
        /// TODO-DOC string
        value: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        display_name: Text<'a>;
        /// TODO-DOC identifier -> user-account
        belongs_to_ref: Ref<to::UserAccount>;
    }
    lists {}
    rules [
        Rule::Check(checks::email_addr),
    ]
}
