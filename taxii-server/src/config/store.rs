//! Where collections are kept.

use super::{ConfigError, ListenAddress};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where collections are kept: the table `store`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The engine: `embedded` or `tikv`.
    pub engine: EngineName,
    /// TiKV: addresses of the placement drivers (PD), separated by commas, as `10.0.0.1:2379,10.0.0.2:2379`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pd: Option<String>,
    /// TiKV: keyspace of a cluster with API version 2, as `DEFAULT`; not set for API version 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyspace: Option<String>,
    /// TiKV: beginning of all keys, so that several deployments share a cluster.
    pub prefix: String,
    /// TiKV: address at which other servers of the same cluster hand over requests to write; not set: a free port of the
    /// address from which this machine reaches the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_listen: Option<ListenAddress>,
    /// TiKV: certificates of the authorities that signed those of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// TiKV: certificate chain of this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert: Option<PathBuf>,
    /// TiKV: private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// An engine of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EngineName {
    /// One file in the data folder.
    #[default]
    Embedded,
    /// A cluster of TiKV, which several servers share.
    Tikv,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            engine: EngineName::default(),
            pd: None,
            keyspace: None,
            prefix: "concord".to_owned(),
            replica_listen: None,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl StoreConfig {
    /// Where the store is, for people; `data` is the folder of the embedded one.
    pub fn place(&self, data: &Path) -> String {
        match (self.engine, &self.pd, &self.keyspace) {
            (EngineName::Embedded, ..) => data.display().to_string(),
            (EngineName::Tikv, pd, keyspace) => {
                let [pd, keyspace] = [pd, keyspace].map(|part| part.as_deref().unwrap_or_default());
                format!("tikv://{pd}/{keyspace}?prefix={}", self.prefix)
            }
        }
    }

    /// The addresses of the placement drivers.
    pub(crate) fn pd_addresses(&self) -> impl Iterator<Item = &str> {
        let parts = self.pd.as_deref().unwrap_or_default().split(',').map(str::trim);
        parts.filter(|address| !address.is_empty())
    }

    /// The three files for mutual TLS with the cluster, if they are set.
    #[cfg(feature = "tikv")]
    pub(crate) fn tls(&self) -> Option<[&PathBuf; 3]> {
        Some([self.ca.as_ref()?, self.cert.as_ref()?, self.key.as_ref()?])
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let files = [("ca", &self.ca), ("cert", &self.cert), ("key", &self.key)];
        let is_set = |(_, file): &&(&str, &Option<PathBuf>)| file.is_some();
        if self.engine == EngineName::Embedded {
            let texts = [("pd", &self.pd), ("keyspace", &self.keyspace)];
            let text = texts.iter().find(|(_, text)| text.is_some()).map(|(name, _)| *name);
            let key = text.or_else(|| files.iter().find(is_set).map(|(name, _)| *name));
            return key.map_or(Ok(()), |key| Err(ConfigError::NotOfEmbedded { key }));
        }
        if self.pd_addresses().next().is_none() {
            return Err(ConfigError::NoPlacementDriver);
        }
        let wrong = self.pd_addresses().find(|address| !is_address(address));
        if let Some(address) = wrong {
            return Err(ConfigError::PlacementDriver { address: address.to_owned() });
        }
        // The client of the cluster would speak plain text.
        match files.iter().find(|file| !is_set(file)) {
            Some((missing, _)) if files.iter().any(|file| is_set(&file)) => {
                Err(ConfigError::HalfOfTls { missing })
            }
            _ => Ok(()),
        }
    }
}

/// Whether this is a host and a port, without a scheme.
pub(super) fn is_address(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        let config: StoreConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())
    }

    #[test]
    fn half_a_configuration_is_refused() {
        let tikv = "engine = 'tikv'\npd = '10.0.0.1:2379, pd.example.org:2379'\n";
        assert_eq!(check(""), Ok(()));
        assert_eq!(check(tikv), Ok(()));
        assert_eq!(check(&format!("{tikv}ca = 'a'\ncert = 'b'\nkey = 'c'")), Ok(()));
        for (text, word) in [
            ("engine = 'tikv'".to_owned(), "store.pd"),
            ("engine = 'tikv'\npd = ','".to_owned(), "store.pd"),
            ("engine = 'tikv'\npd = 'http://10.0.0.1:2379'".to_owned(), "http://10.0.0.1:2379"),
            ("engine = 'tikv'\npd = '10.0.0.1'".to_owned(), "10.0.0.1"),
            (format!("{tikv}ca = 'a'"), "store.cert"),
            (format!("{tikv}cert = 'b'\nkey = 'c'"), "store.ca"),
            ("pd = '10.0.0.1:2379'".to_owned(), "store.pd"),
            ("ca = 'a'".to_owned(), "store.ca"),
            ("engine = 'rocksdb'".to_owned(), "embedded"),
        ] {
            let refused = check(&text).unwrap_err();
            assert!(refused.contains(word), "{text}: {refused}");
        }
    }
}
