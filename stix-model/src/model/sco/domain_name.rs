//! Domain name: a name of the domain name system (STIX 2.1, section 6.4).

use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// A name of the domain name system.
    ///
    /// ```
    /// use stix_model::{Ref, ToObject, sco::{DomainName, Ipv4Address}};
    /// let address = Ipv4Address::new("198.51.100.3").to_object()?;
    /// let address = Ref::try_from(address.header().id.clone())?;
    /// let domain = DomainName::new("example.com").resolves_to_refs([address]).to_object()?;
    /// assert_eq!(domain.header().id.as_str(), "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7");
    /// assert!(DomainName::new("http://example.com/").to_object().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sco DomainName "domain-name" "6.4" "_prhhksbxbg87"
    required {
        /// The name (RFC 1034); labels have at most 63 characters (RFC 5890).
        value: Text<'a>;
    }
    optional {}
    lists {
        /// The addresses that it stands for, or the names that it is an alias of. A relationship
        /// `resolves-to` can say in addition for what time.
        resolves_to_refs: Ref<to::ResolvedAddress>;
    }
    constraints [
        Constraint::Check(Check::DomainName),
    ]
}
