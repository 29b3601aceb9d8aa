//! Language content: a translation of an object (STIX 2.1, section 7.1).

use crate::Timestamp;
use crate::model::data_type::{Dictionary, Json};
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::table::Constraint;

stix_type! {
    /// A translation of the texts of another object, in one or more languages.
    ///
    /// ```
    /// use stix_model::{Dictionary, Json, Ref, StixId, ToObject, meta::LanguageContent};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let campaign: StixId = "campaign--12a111f0-b824-4baf-a224-83b80237a094".parse()?;
    /// let german = Dictionary::from_iter([("name", Json::parse(r#""Bankangriff""#)?)]);
    /// let contents = Dictionary::from_iter([("de", german)]);
    /// let translation = LanguageContent::new(mint.stamp(), Ref::try_from(campaign)?, contents);
    /// assert!(translation.contents.get("de").unwrap().get("name").is_some());
    /// translation.to_object()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    language LanguageContent "language-content" "7.1" "_z9r1cwtu8jja"
    required {
        /// The object that is translated.
        object_ref: Ref<to::AnyObject>;
        /// The translations: by language (a tag of RFC 5646), then by property. Each has the form of what it
        /// translates: a text, a list of the same length, an object; an empty text stands for one that is not
        /// translated.
        contents: Dictionary<'a, Dictionary<'a, Json<'a>>>;
    }
    optional {
        /// The version that is translated: exactly its `modified`.
        object_modified: Timestamp;
    }
    lists {}
    constraints [
        Constraint::Check(Check::LanguageContent),
    ]
}
