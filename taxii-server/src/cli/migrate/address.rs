//! Where a store is, as one word on the command line.

use crate::config::{Config, ConfigError, EngineName, StoreConfig};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The place of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StoreAddress {
    /// A data folder.
    Folder(PathBuf),
    /// A cluster of TiKV.
    Tikv(StoreConfig),
}

const SCHEME: &str = "tikv://";

impl StoreAddress {
    /// Whether this is the same place as another one, also when it is written in another way.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder(one), Self::Folder(other)) => {
                one == other
                    || one
                        .canonicalize()
                        .is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
            }
            _ => self == other,
        }
    }

    /// The settings for this place.
    ///
    /// # Errors
    /// When something is missing in it.
    pub(super) fn config(&self, config: Config) -> Result<Config, ConfigError> {
        let config = match self.clone() {
            Self::Folder(data) => Config { data, store: StoreConfig::default(), ..config },
            Self::Tikv(store) => Config { store, ..config },
        };
        config.check()?;
        Ok(config)
    }
}

impl FromStr for StoreAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return match text.split_once("://") {
                Some((scheme, _)) => {
                    Err(format!("{scheme}:// is not known here; give a folder, or {SCHEME}…"))
                }
                None if text.is_empty() || text.starts_with("tikv:") => {
                    Err(format!("give a folder, or {SCHEME}…"))
                }
                None => Ok(Self::Folder(text.into())),
            };
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (pd, keyspace) = place.split_once('/').unwrap_or((place, ""));
        let mut store = StoreConfig {
            engine: EngineName::Tikv,
            pd: Some(pd.to_owned()),
            keyspace: (!keyspace.is_empty()).then(|| keyspace.to_owned()),
            ..StoreConfig::default()
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "prefix" => store.prefix = value,
                "ca" => store.ca = Some(value.into()),
                "cert" => store.cert = Some(value.into()),
                "key" => store.key = Some(value.into()),
                other => return Err(format!("{other} is none of prefix, ca, cert and key")),
            }
        }
        Ok(Self::Tikv(store))
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(out, "{}", path.display()),
            Self::Tikv(store) => out.write_str(&store.place(Path::new(""))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let folder = "/var/lib/concord".parse::<StoreAddress>().unwrap();
        assert_eq!(folder, StoreAddress::Folder("/var/lib/concord".into()));
        assert_eq!(folder.config(Config::default()).unwrap().data, PathBuf::from("/var/lib/concord"));
        let text = "tikv://10.0.0.1:2379,[::1]:2379/DEFAULT?prefix=a%20b&ca=ca.pem&cert=c.pem&key=k.pem";
        let store = StoreConfig {
            engine: EngineName::Tikv,
            pd: Some("10.0.0.1:2379,[::1]:2379".into()),
            keyspace: Some("DEFAULT".into()),
            prefix: "a b".into(),
            ca: Some("ca.pem".into()),
            cert: Some("c.pem".into()),
            key: Some("k.pem".into()),
            ..StoreConfig::default()
        };
        let cluster = text.parse::<StoreAddress>().unwrap();
        assert_eq!(cluster, StoreAddress::Tikv(store.clone()));
        assert_eq!(cluster.config(Config::default()).unwrap().store, store);
        for text in ["tikv://pd:2379", "tikv://pd:2379/"] {
            let cluster = text.parse::<StoreAddress>().unwrap().config(Config::default()).unwrap().store;
            assert_eq!((cluster.pd.as_deref(), cluster.keyspace), (Some("pd:2379"), None));
            assert_eq!(cluster.prefix, StoreConfig::default().prefix);
        }
        assert_eq!(cluster.to_string(), "tikv://10.0.0.1:2379,[::1]:2379/DEFAULT?prefix=a b");
        for text in ["", "tikv:pd:2379", "tikv://pd:2379?prefx=a", "http://pd:2379"] {
            assert!(text.parse::<StoreAddress>().is_err(), "{text}");
        }
        for text in ["tikv://", "tikv://pd", "tikv://pd:2379?ca=ca.pem"] {
            assert!(text.parse::<StoreAddress>().unwrap().config(Config::default()).is_err(), "{text}");
        }
    }
}
