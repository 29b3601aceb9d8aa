//! URL: the address of a resource (STIX 2.1, section 6.15).

use crate::model::data_type::Text;
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// The address of a resource.
    ///
    /// ```
    /// use stix_model::{ToObject, sco::Url};
    /// let url = Url::new("https://example.com/research/index.html").to_object()?;
    /// assert_eq!(url.header().id.as_str(), "url--47c3cf9a-5027-5bf0-997a-017c7edc7c55");
    /// assert!(Url::new("example.com/research").to_object().is_err(), "no scheme");
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco Url "url" "6.15" "_ah3hict2dez0"
    required {
        /// The URL (RFC 3986), with its scheme.
        value: Text<'a>;
    }
    optional {}
    lists {}
    constraints [
        Constraint::Check(Check::Url),
    ]
}
