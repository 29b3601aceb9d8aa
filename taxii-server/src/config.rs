//! Settings: one TOML file; environment variables and flags override it.
//!
//! By hand: `figment` guesses the types of variables, and does not tell of mistyped names.

mod connections;
mod error;
mod listen;
mod network;
mod networks;
mod store;

pub use connections::Timeouts;
pub use error::{ConfigError, ParseError};
pub(crate) use listen::Unnamed;
pub use listen::{ListenAddress, MetricsListen, NotAnAddress};
pub use network::{NetworkConfig, Pace};
pub use networks::{Networks, NotANetwork};
pub use store::{EngineName, StoreConfig};

use serde::{Deserialize, Serialize};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// All settings. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address for TAXII. Without a host it is every address with TLS or behind a proxy, else that of this machine.
    pub listen: ListenAddress,
    /// Folder of the embedded store, and of the files of this process.
    pub data: PathBuf,
    /// Where collections are kept.
    pub store: StoreConfig,
    /// The node of this server, where several keep the log of a network together.
    pub network: NetworkConfig,
    /// Whether a store is taken that was copied while a server had it open.
    pub accept_copy: bool,
    /// Address that clients use, as `https://taxii.example.org`, without the base path. When it is not set, discovery
    /// repeats the host that a request names if the certificate is valid for it or it is this machine, and gives relative
    /// URLs else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Path below which everything is served, as `/cti`; empty for the root.
    pub base_path: String,
    /// Whether a proxy in front terminates TLS. This allows plain HTTP on an address other than loopback.
    pub behind_tls_proxy: bool,
    /// Proxies that begin each connection to `listen` with a header (PROXY protocol, version 2), which tells the address
    /// of the client. From these addresses no connection is taken without one, and from others none with one.
    pub proxy_protocol_from: Networks,
    /// Certificate chain and key; read again when the files change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Name of the server in discovery.
    pub title: String,
    /// Purpose of the server in discovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Contact in discovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Maximum size of a request body in bytes, before and after decompression.
    pub max_content_length: u64,
    /// Maximum number of objects on a page; also the default.
    pub max_page: usize,
    /// How exact the media types of requests must be.
    pub header_policy: HeaderPolicy,
    /// Header that may carry an API token instead of `Authorization`.
    pub api_key_header: String,
    /// Hours for which a status is kept (TAXII 2.1, section 4.3, asks for 24).
    pub status_hours: u32,
    /// Address for `/metrics` without credentials, by default of this machine. Administrators can also get `/metrics` at
    /// the address for TAXII.
    pub metrics_listen: MetricsListen,
    /// Maximum number of open connections; fewer where the system allows fewer open files.
    pub max_connections: usize,
    /// Maximum number of open connections from one address (IPv6: one network of 64 bits). This machine has no such bound,
    /// and there is none behind a proxy that does not tell addresses, where all come from one.
    pub max_connections_per_address: usize,
    /// Seconds for which a server that was told to stop still takes connections, while `/readyz` says that it does not, so
    /// that proxies turn to others.
    pub shutdown_delay: u32,
    /// Times that clients have for each step; not in the file.
    #[serde(skip)]
    pub timeouts: Timeouts,
}

/// PEM files for TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
    /// The oldest version of TLS that is spoken.
    #[serde(default)]
    pub min_version: TlsVersion,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V1_3,
}

impl std::str::FromStr for TlsVersion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "1.2" => Ok(Self::V1_2),
            "1.3" => Ok(Self::V1_3),
            _ => Err("a version is 1.2 or 1.3"),
        }
    }
}

/// How exact the media types of requests must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeaderPolicy {
    /// Those of the standard, and those that clients in the field send: `application/json`, and STIX types on POST.
    #[default]
    Lenient,
    /// Only those of the standard.
    Strict,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: ListenAddress::loopback(Self::PORT),
            data: PathBuf::from("concord-data"),
            store: StoreConfig::default(),
            network: NetworkConfig::default(),
            accept_copy: false,
            public_url: None,
            base_path: String::new(),
            behind_tls_proxy: false,
            proxy_protocol_from: Networks::default(),
            tls: None,
            title: "Concord".to_owned(),
            description: None,
            contact: None,
            max_content_length: stix_model::MAX_CONTENT_LENGTH as u64,
            max_page: 1000,
            header_policy: HeaderPolicy::default(),
            api_key_header: "X-API-Key".to_owned(),
            status_hours: 48,
            metrics_listen: MetricsListen::At(ListenAddress::loopback(Self::METRICS_PORT)),
            max_connections: 1000,
            max_connections_per_address: 100,
            shutdown_delay: 0,
            timeouts: Timeouts::default(),
        }
    }
}

impl Config {
    /// Port for TAXII where `listen` names none.
    pub(crate) const PORT: u16 = 6100;
    /// Port for metrics where `metrics_listen` names none.
    pub(crate) const METRICS_PORT: u16 = 9090;

    /// Whether clients speak TLS, to this server or to a proxy in front of it.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some() || self.behind_tls_proxy
    }

    /// Time for a whole body: longer where larger ones are allowed.
    pub(crate) fn body_timeout(&self) -> Duration {
        let times = self.max_content_length.div_ceil(Self::default().max_content_length);
        self.timeouts.body.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX))
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds an unknown key or a value of another type; the message names the line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let path = path.to_owned();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        Self::parse(&text).map_err(|source| ConfigError::File { path, source })
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// When it holds an unknown key or a value of another type.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let suggestion = suggestion(&error.to_string());
            ParseError { error: Box::new(error), suggestion }
        })
    }

    /// Overrides settings by environment variables. The name of a variable is `CONCORD_` and the key in capitals; keys
    /// of the tables `tls`, `store` and `network` follow `CONCORD_TLS_`, `CONCORD_STORE_` and `CONCORD_NETWORK_`.
    ///
    /// # Errors
    /// When a value has another type than its setting, or a name looks like a mistyped one.
    pub fn override_by(
        self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut settings = toml::Table::try_from(&self).map_err(ConfigError::Unwritable)?;
        for (variable, value) in variables {
            let Some(key) = variable.strip_prefix("CONCORD_").map(str::to_ascii_lowercase) else { continue };
            let Some((known, kind)) = KEYS.iter().find(|(known, _)| *known == key) else {
                match nearest(&key, KEYS.iter().map(|(known, _)| *known), 0.5) {
                    Some(nearest) => return Err(ConfigError::UnknownVariable { variable, nearest }),
                    None => continue,
                }
            };
            let value = kind.parse(value).map_err(|source| ConfigError::Variable { variable, source })?;
            let of_table = |name: &&&str| key.starts_with(&format!("{name}_"));
            match TABLES.iter().find(of_table) {
                None => settings.insert(key, value),
                Some(name) => {
                    let table = settings.entry(*name).or_insert_with(|| toml::Table::new().into());
                    let table = table.as_table_mut().expect("it is serialised as a table");
                    table.insert(known[name.len() + 1..].to_owned(), value)
                }
            };
        }
        settings.try_into().map_err(ConfigError::Variables)
    }

    /// Whether an environment variable is a setting, or names the file or the folder.
    #[cfg(feature = "cli")]
    pub(crate) fn is_variable(name: &str) -> bool {
        let key = name.strip_prefix("CONCORD_").unwrap_or_default().to_ascii_lowercase();
        key == "config" || KEYS.iter().any(|(known, _)| *known == key)
    }

    /// Checks the rules that types do not express: an address other than loopback needs TLS, limits are within bounds.
    ///
    /// # Errors
    /// When a rule is broken; the message says what to do.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.store.check()?;
        self.network.check()?;
        // What a name stands for is seen when the server starts.
        let is_safe = self.listen.is_loopback().unwrap_or(true) || self.is_tls();
        let has_scheme = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if !is_safe {
            return Err(ConfigError::NeedsTls { listen: self.listen.clone() });
        }
        if !self.public_url.as_ref().is_none_or(has_scheme) {
            return Err(ConfigError::PublicUrl);
        }
        if !is_base_path(&self.base_path) {
            return Err(ConfigError::BasePath);
        }
        let limits = [self.max_page, self.max_connections, self.max_connections_per_address];
        if limits.contains(&0) || self.max_content_length == 0 {
            return Err(ConfigError::ZeroLimit);
        }
        if !(24..=87_600).contains(&self.status_hours) {
            return Err(ConfigError::StatusHours);
        }
        if self.max_content_length > 1 << 30 {
            return Err(ConfigError::ContentLength);
        }
        Ok(())
    }
}

/// Whether a path is empty, or consists of segments that each follow a slash. The characters are those that stand in URLs
/// and in routes as they are.
fn is_base_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
    match path.strip_prefix('/') {
        Some(segments) => segments.split('/').all(is_segment),
        None => path.is_empty(),
    }
}

/// Type of a setting, for environment variables.
pub(crate) enum Kind {
    Text,
    Number,
    Boolean,
}

impl Kind {
    fn parse(&self, value: String) -> Result<toml::Value, Box<dyn Error + Send + Sync>> {
        Ok(match self {
            Self::Text => value.into(),
            Self::Number => value.parse::<i64>()?.into(),
            Self::Boolean => value.parse::<bool>()?.into(),
        })
    }
}

/// Tables of settings.
const TABLES: [&str; 3] = ["tls", "store", "network"];

/// Settings that an environment variable can override.
pub(crate) const KEYS: [(&str, Kind); 33] = [
    ("listen", Kind::Text),
    ("data", Kind::Text),
    ("store_engine", Kind::Text),
    ("store_pd", Kind::Text),
    ("store_keyspace", Kind::Text),
    ("store_prefix", Kind::Text),
    ("store_replica_listen", Kind::Text),
    ("store_ca", Kind::Text),
    ("store_cert", Kind::Text),
    ("store_key", Kind::Text),
    ("network_listen", Kind::Text),
    ("network_address", Kind::Text),
    ("network_pace", Kind::Text),
    ("public_url", Kind::Text),
    ("base_path", Kind::Text),
    ("accept_copy", Kind::Boolean),
    ("behind_tls_proxy", Kind::Boolean),
    ("proxy_protocol_from", Kind::Text),
    ("tls_certificate", Kind::Text),
    ("tls_key", Kind::Text),
    ("tls_min_version", Kind::Text),
    ("title", Kind::Text),
    ("description", Kind::Text),
    ("contact", Kind::Text),
    ("max_content_length", Kind::Number),
    ("max_page", Kind::Number),
    ("header_policy", Kind::Text),
    ("api_key_header", Kind::Text),
    ("status_hours", Kind::Number),
    ("metrics_listen", Kind::Text),
    ("max_connections", Kind::Number),
    ("max_connections_per_address", Kind::Number),
    ("shutdown_delay", Kind::Number),
];

/// Returns the known key that is most like the unknown key in a message of `toml`.
fn suggestion(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("unknown field `")?;
    let (unknown, rest) = rest.split_once('`')?;
    nearest(unknown, rest.split('`').skip(1).step_by(2), 0.5).map(str::to_owned)
}

/// Returns the known key that is most like an unknown one, when it is more alike than `likeness`.
pub(crate) fn nearest<'k>(
    unknown: &str,
    known: impl Iterator<Item = &'k str>,
    likeness: f64,
) -> Option<&'k str> {
    let likeness_to = |known: &str| strsim::normalized_damerau_levenshtein(unknown, known);
    let best = known.max_by(|a, b| likeness_to(a).total_cmp(&likeness_to(b)))?;
    (likeness_to(best) > likeness).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_get_a_suggestion() {
        let error = format!("{:#}", Config::parse("lisen = '127.0.0.1:1'").unwrap_err());
        assert!(error.contains("did you mean `listen`?") && error.contains("line 1"), "{error}");
        let error = format!("{:#}", Config::parse("zzzzzz = 1").unwrap_err());
        assert!(!error.contains("did you mean"), "{error}");
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn environment_variables_override_the_file() {
        let over = |variables: &[(&str, &str)]| {
            let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Config::default().override_by(owned.collect::<Vec<_>>())
        };
        let config = over(&[
            ("CONCORD_TITLE", "2026"),
            ("CONCORD_METRICS_LISTEN", "none"),
            ("CONCORD_MAX_PAGE", "5"),
            ("CONCORD_BASE_PATH", "/cti"),
            ("CONCORD_BEHIND_TLS_PROXY", "true"),
            ("CONCORD_TLS_CERTIFICATE", "a.pem"),
            ("CONCORD_TLS_KEY", "b.pem"),
            ("CONCORD_TLS_MIN_VERSION", "1.3"),
            ("CONCORD_STORE_ENGINE", "tikv"),
            ("CONCORD_STORE_PD", "10.0.0.1:2379"),
            ("CONCORD_SHARED", "of something else"),
            ("HOME", "/"),
        ]);
        let config = config.unwrap();
        assert_eq!((config.title.as_str(), config.max_page, config.behind_tls_proxy), ("2026", 5, true));
        assert_eq!(config.base_path, "/cti");
        assert_eq!(
            (config.store.engine, config.store.pd.as_deref()),
            (EngineName::Tikv, Some("10.0.0.1:2379"))
        );
        let tls = Tls { certificate: "a.pem".into(), key: "b.pem".into(), min_version: TlsVersion::V1_3 };
        assert_eq!(config.tls, Some(tls));
        let mistyped = over(&[("CONCORD_LISTN", "127.0.0.1:1")]).unwrap_err().to_string();
        assert!(mistyped.contains("did you mean CONCORD_LISTEN?"), "{mistyped}");
        assert_eq!(config.metrics_listen, MetricsListen::Nowhere);
        let mistyped = over(&[("CONCORD_TLS_CERT", "a.pem")]).unwrap_err().to_string();
        assert!(mistyped.contains("did you mean CONCORD_TLS_"), "{mistyped}");
        assert!(
            format!("{:#}", over(&[("CONCORD_MAX_PAGE", "abc")]).unwrap_err()).contains("CONCORD_MAX_PAGE")
        );
        for (key, _) in KEYS.iter().filter(|(key, _)| !TABLES.iter().any(|table| key.starts_with(table))) {
            let unknown = format!("{:#}", Config::parse(&format!("{key} = []")).unwrap_err());
            assert!(!unknown.contains("unknown field"), "{key}");
        }
    }

    #[test]
    fn plain_http_stays_on_loopback() {
        let public = Config { listen: "0.0.0.0:6100".parse().unwrap(), ..Config::default() };
        assert!(public.check().unwrap_err().to_string().contains("TLS is needed"));
        Config { behind_tls_proxy: true, ..public }.check().unwrap();
        Config::default().check().unwrap();
    }
    #[test]
    fn a_base_path_is_empty_or_plain() {
        let check = |path: &str| Config { base_path: path.to_owned(), ..Config::default() }.check();
        for good in ["", "/cti", "/share/cti-2.1", "/~a/_b"] {
            check(good).unwrap();
        }
        for bad in
            ["/", "cti", "/cti/", "//cti", "/a//b", "/..", "/a/../b", "/.", "/a b", "/{a}", "/a?b", "/%2e"]
        {
            assert!(matches!(check(bad), Err(ConfigError::BasePath)), "{bad}");
        }
    }
}
