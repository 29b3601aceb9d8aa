//! TODO-DOC (STIX 2.1, section 6.16.2).

use crate::data_type::Text;
use crate::schema::Rule;

stix_type! {
    /// TODO-DOC unix-account-ext
    part UnixAccountExt "unix-account-ext" "6.16.2"
    required {}
    optional {
        /// TODO-DOC integer
        gid: i64;
        /// TODO-DOC string
        home_dir: Text<'a>;
        /// TODO-DOC string
        shell: Text<'a>;
    }
    lists {
        /// TODO-DOC string
        groups: Text<'a>;
    }
    rules [
        Rule::AnyOwn("S-216"),
    ]
}
