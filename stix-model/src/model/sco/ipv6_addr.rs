//! IPv6 address: one address, or a network (STIX 2.1, section 6.9).

use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// One IPv6 address, or a network of them.
    ///
    /// ```
    /// use stix_model::{Object, StixType, sco::Ipv6Address};
    /// let object = Object::parse(r#"{"type": "ipv6-addr", "value": "2001:0db8::/96",
    ///     "id": "ipv6-addr--084d3b4c-7785-568a-a569-0c61c95754ab", "seen_by": "sensor-4"}"#)?;
    /// let document = object.document();
    /// let network = Ipv6Address::read(document.root())?;
    /// assert_eq!(network.value, "2001:0db8::/96");
    /// assert_eq!(network.other.get("seen_by").unwrap().as_str(), r#""sensor-4""#);
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    sco Ipv6Address "ipv6-addr" "6.9" "_oeggeryskriq"
    required {
        /// The address, or a network in CIDR notation, such as `2001:db8::/32`.
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
        Constraint::Check(Check::Ipv6Address),
    ]
}
