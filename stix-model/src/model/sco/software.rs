//! Software: a software product in a version (STIX 2.1, section 6.14).

use crate::model::data_type::Text;
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// A software product, perhaps in a certain version.
    ///
    /// ```
    /// use stix_model::{ToObject, sco::Software};
    /// let word = Software::new("Word").vendor("Microsoft").version("2002").languages(["en", "pt-BR"]);
    /// word.clone().cpe("cpe:2.3:a:microsoft:word:2002:*:*:*:*:*:*:*").to_object()?;
    /// assert!(word.cpe("cpe:/a:microsoft:word:2002").to_object().is_err(), "a name of CPE 2.2");
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco Software "software" "6.14" "_7rkyhtkdthok"
    required {
        /// The name of the product.
        name: Text<'a>;
    }
    optional {
        /// The name in Common Platform Enumeration, version 2.3, with eleven fields after `cpe:2.3:`.
        cpe: Text<'a>;
        /// The identifier in its software identification tag (SWID, `tagId`).
        swid: Text<'a>;
        /// Who makes the product.
        vendor: Text<'a>;
        /// The version.
        version: Text<'a>;
    }
    lists {
        /// The languages that the product is made for, as tags of RFC 5646.
        languages: Text<'a>;
    }
    constraints [
        Constraint::Check(Check::Software),
    ]
}
