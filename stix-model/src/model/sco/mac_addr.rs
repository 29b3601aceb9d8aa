//! MAC address: the hardware address of a network card (STIX 2.1, section 6.10).

use crate::model::data_type::Text;
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// The hardware address of a network card.
    ///
    /// ```
    /// use stix_model::{ToObject, sco::MacAddress};
    /// assert!(MacAddress::new("d2:fb:49:24:37:18").to_object().is_ok());
    /// assert!(MacAddress::new("D2-FB-49-24-37-18").to_object().is_err());
    /// ```
    sco MacAddress "mac-addr" "6.10" "_f92nr9plf58y"
    required {
        /// Six octets in lower case with leading zeros and colons between them, such as `d2:fb:49:04:37:18`.
        value: Text<'a>;
    }
    optional {}
    lists {}
    constraints [
        Constraint::Check(Check::MacAddress),
    ]
}
