//! TODO-DOC (STIX 2.1, section 6.4).

use crate::data_type::Text;
use crate::reference::{Ref, to};
use crate::schema::Rule;
use crate::validate::checks;

stix_type! {
    /// TODO-DOC domain-name
    sco DomainName "domain-name" "6.4"
    required {
        /// TODO-DOC string
        value: Text<'a>;
    }
    optional {}
    lists {
        /// TODO-DOC identifier -> ipv4-addr,ipv6-addr,domain-name
        resolves_to_refs: Ref<to::ResolvedAddress>;
    }
    rules [
        Rule::Check(checks::domain_name),
    ]
}
