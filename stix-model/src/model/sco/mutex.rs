//! Mutex: a named lock of an operating system (STIX 2.1, section 6.11).

use crate::model::data_type::Text;

stix_type! {
    /// A named lock of an operating system. Malware holds one so as not to infect a machine twice.
    ///
    /// ```
    /// use stix_model::{ToObject, sco::Mutex};
    /// let mutex = Mutex::new("__CLEANSWEEP__").to_object()?;
    /// // The identifier is a UUIDv5 of the name: whoever sees this mutex gets the same one.
    /// assert_eq!(mutex.header().id.as_str(), "mutex--f93fe911-e545-5239-b9b0-597840d0c871");
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco Mutex "mutex" "6.11" "_84hwlkdmev1w"
    required {
        /// The name, exactly as the operating system has it.
        name: Text<'a>;
    }
    optional {}
    lists {}
}
