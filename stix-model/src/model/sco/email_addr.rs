//! Email address: the address of a mailbox (STIX 2.1, section 6.5).

use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// The address of a mailbox.
    ///
    /// ```
    /// use stix_model::{ToObject, sco::EmailAddress};
    /// EmailAddress::new("jo@example.com").display_name("Jo Doe").to_object()?;
    /// let error = EmailAddress::new("Jo Doe <jo@example.com>").to_object().unwrap_err();
    /// assert!(error.to_string().contains("must be a mail address alone"));
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco EmailAddress "email-addr" "6.5" "_wmenahkvqmgj"
    required {
        /// The address alone, such as `jo@example.com` (RFC 5322, `addr-spec`).
        value: Text<'a>;
    }
    optional {
        /// The name that mail programs show beside the address.
        display_name: Text<'a>;
        /// The account that the mailbox belongs to.
        belongs_to_ref: Ref<to::UserAccount>;
    }
    lists {}
    constraints [
        Constraint::Check(Check::EmailAddress),
    ]
}
