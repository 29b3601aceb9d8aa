//! TODO-DOC (STIX 2.1, section 4.3).

use crate::data_type::Text;

stix_type! {
    /// TODO-DOC course-of-action
    sdo CourseOfAction "course-of-action" "4.3"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC string
        description: Text<'a>;
    }
    lists {}
    reserved [action]
}
