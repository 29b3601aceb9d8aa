//! IPv4 address: one address, or a network (STIX 2.1, section 6.8).

use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// One IPv4 address, or a network of them.
    ///
    /// ```
    /// use stix_model::{ToObject, sco::Ipv4Address};
    /// Ipv4Address::new("198.51.100.3").to_object()?;
    /// let network = Ipv4Address::new("198.51.100.0/24").defanged(true).to_object()?;
    /// assert_eq!(network.header().version(), None); // Observables have no versions.
    /// assert!(Ipv4Address::new("198.51.100.300").to_object().is_err());
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco Ipv4Address "ipv4-addr" "6.8" "_ki1ufj1ku8s0"
    required {
        /// The address, or a network in CIDR notation, such as `198.51.100.0/24`.
        value: Text<'a>;
    }
    optional {}
    lists {
        /// The hardware addresses behind it.
        resolves_to_refs: Ref<to::MacAddress>;
        /// The autonomous systems that it belongs to.
        belongs_to_refs: Ref<to::AutonomousSystem>;
    }
    constraints [
        Constraint::Check(Check::Ipv4Address),
    ]
}
