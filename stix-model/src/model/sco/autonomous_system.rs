//! Autonomous system: a network with a routing policy of its own (STIX 2.1, section 6.2).

use crate::model::data_type::Text;

stix_type! {
    /// A network of the Internet with a routing policy of its own, known by its number.
    ///
    /// ```
    /// use stix_model::{ToObject, sco::AutonomousSystem};
    /// let object = AutonomousSystem::new(64496).name("Example Networks").rir("RIPE").to_object()?;
    /// // The identifier follows from the number alone, so everybody has the same.
    /// let same = AutonomousSystem::new(64496).to_object()?;
    /// assert_eq!(object.header().id, same.header().id);
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco AutonomousSystem "autonomous-system" "6.2" "_27gux0aol9e3"
    required {
        /// The number that was assigned to it, without the letters `AS`.
        number: i64;
    }
    optional {
        /// Its name.
        name: Text<'a>;
        /// The regional Internet registry that assigned the number.
        rir: Text<'a>;
    }
    lists {}
}
