//! Incident: a security incident, of which the standard defines only the outline (STIX 2.1, section 4.6).

use crate::model::data_type::Text;

stix_type! {
    /// A security incident. The standard defines no more than name and description; whatever else is to be
    /// said comes in an extension.
    ///
    /// ```
    /// use stix_model::{AnyObject, Object};
    /// let object = Object::parse(r#"{"type": "incident", "spec_version": "2.1", "name": "Outage of 3 May",
    ///     "id": "incident--1f1cdc5f-4bd1-4d3c-8dc4-4c6a1b6a7f5b", "created": "2023-05-03T10:00:00.000Z",
    ///     "modified": "2023-05-03T10:00:00.000Z", "labels": ["ransomware"]}"#)?;
    /// let document = object.document();
    /// let AnyObject::Incident(incident) = AnyObject::read(document.root())? else { panic!("an incident") };
    /// assert_eq!((&*incident.name, &*incident.common.labels[0]), ("Outage of 3 May", "ransomware"));
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    sdo Incident "incident" "4.6" "_sczfhw64pjxt"
    required {
        /// A short name of the incident.
        name: Text<'a>;
    }
    optional {
        /// What happened and what is known about it.
        description: Text<'a>;
    }
    lists {}
}
