//! The node of this server, where several keep the log of a network together.

use super::{ConfigError, ListenAddress};
use serde::{Deserialize, Serialize};

/// The node of this server: the table `network`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Address for the nodes of other organisations, as `0.0.0.0:6102`. Not set: this server has no node, so a network that it
    /// founds is kept by it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<ListenAddress>,
    /// Host and port at which the others reach it, as `taxii.example.org:6102`; not set: `listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How long nodes wait for each other. All nodes of a network have the same.
    pub pace: Pace,
}

/// How long nodes wait for each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Pace {
    /// Nodes anywhere: another one leads within 15 s.
    #[default]
    Wan,
    /// Nodes in one building: another one leads within 2 s.
    Lan,
}

impl NetworkConfig {
    /// Port for other nodes where `listen` names none.
    pub(crate) const PORT: u16 = 6102;

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_none() && self.address.is_some() {
            return Err(ConfigError::NodeAddress);
        }
        match &self.address {
            Some(address) if !super::store::is_address(address) => {
                Err(ConfigError::NodeAddressForm { address: address.clone() })
            }
            _ => Ok(()),
        }
    }
}
