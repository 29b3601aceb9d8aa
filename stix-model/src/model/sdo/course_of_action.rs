//! Course of action: what to do against an attack (STIX 2.1, section 4.3).

use crate::model::data_type::Text;

stix_type! {
    /// A measure against an attack, or a reaction to one, in words: a patch, a setting, a training.
    ///
    /// The name `action` is reserved for a form that machines can execute, and must not be used.
    ///
    /// ```
    /// use stix_model::{Json, ToObject, sdo::CourseOfAction};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let patch = CourseOfAction::new(mint.stamp(), "Update Log4j").description("To 2.17.1 or later.");
    /// assert!(patch.to_object().is_ok());
    /// assert!(patch.custom("action", Json::parse(r#""apt upgrade""#)?).to_object().is_err());
    /// # Ok::<(), stix_model::json::JsonError>(())
    /// ```
    sdo CourseOfAction "course-of-action" "4.3" "_a925mpw39txn"
    required {
        /// A short name of the measure.
        name: Text<'a>;
    }
    optional {
        /// What to do, and what is known about its effect.
        description: Text<'a>;
    }
    lists {}
    reserved [action]
}
