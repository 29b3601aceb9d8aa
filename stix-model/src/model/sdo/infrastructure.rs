//! Infrastructure: systems and services that serve an attack or its defence (STIX 2.1, section 4.8).

use crate::Timestamp;
use crate::model::common::KillChainPhase;
use crate::model::data_type::Text;
use crate::model::vocab::InfrastructureType;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// Systems, services and other resources that serve a purpose together, such as the command servers of a
    /// botnet, or the machines that are attacked.
    ///
    /// ```
    /// use stix_model::{Object, StixType, sdo::Infrastructure, vocab::InfrastructureType};
    /// let object = Object::parse(r#"{"type": "infrastructure", "spec_version": "2.1",
    ///     "id": "infrastructure--38c47d93-d984-4fd9-b87b-d69d0841628d", "name": "Relay 4",
    ///     "created": "2023-05-03T10:00:00.000Z", "modified": "2023-05-03T10:00:00.000Z",
    ///     "infrastructure_types": ["staging", "vpn"]}"#)?;
    /// let document = object.document();
    /// let relay = Infrastructure::read(document.root())?;
    /// assert_eq!(relay.infrastructure_types[0], InfrastructureType::Staging);
    /// assert_eq!(relay.infrastructure_types[1], "vpn".into());
    /// # Ok::<(), stix_model::ObjectError>(())
    /// ```
    sdo Infrastructure "infrastructure" "4.8" "_jo3k1o6lr9"
    required {
        /// The name by which it is known.
        name: Text<'a>;
    }
    optional {
        /// What it serves for, how it is built and used.
        description: Text<'a>;
        /// When it was first seen in malicious use.
        first_seen: Timestamp;
        /// When it was last seen in malicious use. Not before `first_seen`.
        last_seen: Timestamp;
    }
    lists {
        /// What it serves for.
        infrastructure_types: InfrastructureType;
        /// Other names of the infrastructure.
        aliases: Text<'a>;
        /// The phases of an attack in which it is used.
        kill_chain_phases: KillChainPhase<'a>;
    }
    constraints [
        Constraint::Order("first_seen", "last_seen", Rule::S200),
    ]
}
