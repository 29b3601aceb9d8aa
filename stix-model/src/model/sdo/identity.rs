//! Identity: a person, an organisation, a system, or a class of these (STIX 2.1, section 4.5).

use crate::model::data_type::Text;
use crate::model::vocab::{IdentityClass, IndustrySector};

stix_type! {
    /// A person, an organisation, a system, or a class of these, such as the banks of a country: who makes
    /// objects, who is attacked, who has seen something.
    ///
    /// ```
    /// use stix_model::{ToObject, sdo::Identity, vocab::{IdentityClass, IndustrySector}};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let utilities = Identity::new(mint.stamp(), "Energy utilities in Austria")
    ///     .identity_class(IdentityClass::Class)
    ///     .sectors([IndustrySector::Energy, IndustrySector::Utilities]);
    /// assert!(utilities.to_object()?.header().id.as_str().starts_with("identity--"));
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sdo Identity "identity" "4.5" "_wh296fiwpklp"
    required {
        /// The name; for a class a short phrase that describes it.
        name: Text<'a>;
    }
    optional {
        /// What is good to know about it, such as what it does.
        description: Text<'a>;
        /// Whether it is a person, an organisation, a system, or a class of these.
        identity_class: IdentityClass;
        /// How to reach it, such as a mail address or a telephone number, in any form.
        contact_information: Text<'a>;
    }
    lists {
        /// The roles that it has, such as `CEO` or `Domain Administrators`; there is no vocabulary.
        roles: Text<'a>;
        /// The industries that it belongs to.
        sectors: IndustrySector;
    }
}
