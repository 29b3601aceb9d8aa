//! The values of an object as types of the model.

use crate::{AnyObject, DataType, Object, ObjectError, StixType};

impl Object {
    /// The value of one property, as the type that the caller names: `String`, `bool`, `i64`, `f64`,
    /// [`Timestamp`](crate::Timestamp), [`StixId`](crate::StixId), a [`Ref`](crate::Ref), a vocabulary, or a `Vec` of
    /// those. `None` when the property is absent.
    ///
    /// The whole text is read for it; to read many properties use [`read`](Self::read) or [`document`](Self::document).
    ///
    /// ```
    /// # use stix_model::Object;
    /// let object = Object::parse(r#"{"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "u:x"}"#)?;
    /// assert_eq!(object.get::<String>("value")?.as_deref(), Some("u:x"));
    /// assert_eq!(object.get::<bool>("defanged")?, None);
    /// let error = object.get::<i64>("value").unwrap_err();
    /// assert_eq!((error.id(), error.pointer()), (Some(object.id()), "/value"));
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    ///
    /// # Errors
    /// When the value has another type or form (STIX 2.1, section 2).
    pub fn get<T: for<'d> DataType<'d>>(&self, name: &str) -> Result<Option<T>, ObjectError> {
        let document = self.document();
        let Some(value) = document.root().get(name) else { return Ok(None) };
        T::read(value).map(Some).map_err(|error| error.within(name).about(self.id()))
    }

    /// The object as a type of the standard. The value owns its text, so it outlives the object.
    ///
    /// ```
    /// use stix_model::{Object, sco::Url};
    /// let object = Object::parse(r#"{"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "u:x"}"#)?;
    /// assert_eq!(object.read::<Url>()?.value, "u:x");
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    ///
    /// # Errors
    /// When the object is of another type, a required property is missing, or a value has another type or form (STIX
    /// 2.1, sections 4 to 7).
    pub fn read<T: StixType<'static>>(&self) -> Result<T, ObjectError> {
        T::read_owned(self.document().root()).map_err(|error| error.about(self.id()))
    }

    /// The object as the type that it names. The value owns its text, so it outlives the object.
    ///
    /// ```
    /// use stix_model::{AnyObject, Object};
    /// let object = Object::parse(r#"{"type": "url", "id": "url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1", "value": "u:x"}"#)?;
    /// let AnyObject::Url(url) = object.read_any()? else { panic!("a URL") };
    /// assert_eq!(url.value, "u:x");
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    ///
    /// # Errors
    /// As [`read`](Self::read), and when the standard does not define the type.
    pub fn read_any(&self) -> Result<AnyObject<'static>, ObjectError> {
        let read = AnyObject::read(self.document().root()).map(AnyObject::into_owned);
        read.map_err(|error| error.about(self.id()))
    }
}
