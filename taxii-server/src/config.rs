//! Settings: one TOML file; environment variables and flags override it.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Everything that an operator can set. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address for TAXII.
    pub listen: SocketAddr,
    /// Folder of the embedded store.
    pub data: PathBuf,
    /// The address that clients use, as `https://taxii.example.org`. Without it discovery repeats the host that a
    /// request names, or gives relative URLs where that could be wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// A proxy in front terminates TLS, so plain HTTP on an address other than loopback is meant.
    pub behind_tls_proxy: bool,
    /// Certificate chain and key, both PEM files; read again when they change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Name of the server in discovery.
    pub title: String,
    /// Purpose of the server in discovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whom to ask, in discovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Bytes of a request body at most, before and after decompression.
    pub max_content_length: u64,
    /// Objects on a page at most; also the length of a page when the client names none.
    pub max_page: usize,
    /// How exact media types must be.
    pub header_policy: HeaderPolicy,
    /// A header that may carry an API token instead of `Authorization`.
    pub api_key_header: String,
    /// Hours for which a status can be asked for (TAXII 2.1, section 4.3, asks for 24).
    pub status_hours: u32,
    /// Address for `/metrics` without credentials. `/metrics` for administrators is always there.
    pub metrics_listen: MetricsListen,
}

/// Where metrics are served without credentials: an address, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MetricsListen {
    /// No address of their own.
    Nowhere,
    /// This address.
    At(SocketAddr),
}

impl std::str::FromStr for MetricsListen {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(Self::Nowhere) } else { text.parse().map(Self::At) }
    }
}

impl TryFrom<String> for MetricsListen {
    type Error = std::net::AddrParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MetricsListen> for String {
    fn from(listen: MetricsListen) -> String {
        match listen {
            MetricsListen::Nowhere => "none".to_owned(),
            MetricsListen::At(address) => address.to_string(),
        }
    }
}

/// Files for TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// How exact the media types of requests must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeaderPolicy {
    /// Also what clients in the field send: `application/json`, and STIX types on POST.
    #[default]
    Lenient,
    /// Only what the standard defines.
    Strict,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 6100)),
            data: PathBuf::from("concord-data"),
            public_url: None,
            behind_tls_proxy: false,
            tls: None,
            title: "Concord".to_owned(),
            description: None,
            contact: None,
            max_content_length: 8 << 20,
            max_page: 1000,
            header_policy: HeaderPolicy::default(),
            api_key_header: "X-API-Key".to_owned(),
            status_hours: 48,
            metrics_listen: MetricsListen::At(SocketAddr::from(([127, 0, 0, 1], 9090))),
        }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or holds an unknown key or a value of another type; the message names the line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Lays environment variables over the settings: `CONCORD_` and the key in capitals, for `tls` with the part behind
    /// another `_`.
    ///
    /// # Errors
    /// When a value has another type than its setting, or a name looks like a mistyped one.
    pub fn override_by(self, variables: impl IntoIterator<Item = (String, String)>) -> anyhow::Result<Self> {
        let mut settings = toml::Table::try_from(&self)?;
        for (variable, value) in variables {
            let Some(key) = variable.strip_prefix("CONCORD_").map(str::to_ascii_lowercase) else { continue };
            match KEYS.iter().find(|(known, _)| *known == key) {
                Some((known, kind)) => {
                    let value = kind.read(value).with_context(|| variable.clone())?;
                    match known.strip_prefix("tls_") {
                        None => settings.insert(key, value),
                        Some(part) => {
                            let tls = settings.entry("tls").or_insert_with(|| toml::Table::new().into());
                            tls.as_table_mut().context("tls is no table")?.insert(part.to_owned(), value)
                        }
                    };
                }
                None => {
                    if let Some(known) = nearest(&key, KEYS.iter().map(|(known, _)| *known), 0.5) {
                        bail!(
                            "{variable} is no setting; did you mean CONCORD_{}?",
                            known.to_ascii_uppercase()
                        );
                    }
                }
            }
        }
        settings.try_into().context("in the environment variables CONCORD_…")
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).map_err(|error| match suggestion(&error.to_string()) {
            Some(known) => anyhow::anyhow!("{error}did you mean `{known}`?"),
            None => error.into(),
        })
    }

    /// Checks what no type can: the address needs TLS unless it is loopback, limits make sense.
    ///
    /// # Errors
    /// With what to do about it.
    pub fn check(&self) -> anyhow::Result<()> {
        let is_safe = self.listen.ip().is_loopback() || self.tls.is_some() || self.behind_tls_proxy;
        if !is_safe {
            bail!(
                "{} is not a loopback address, so TLS is needed: set tls.certificate and tls.key, or set \
                 behind_tls_proxy when a proxy in front of this server terminates TLS",
                self.listen
            );
        }
        if let Some(url) = &self.public_url
            && !url.starts_with("https://")
            && !url.starts_with("http://")
        {
            bail!(
                "public_url must begin with https:// (or http:// on a test machine), as https://taxii.example.org"
            );
        }
        if self.max_page == 0 || self.max_content_length == 0 {
            bail!("max_page and max_content_length must be positive");
        }
        if !(24..=87_600).contains(&self.status_hours) {
            bail!("status_hours must be between 24, as the standard asks, and 87600, which is ten years");
        }
        if self.max_content_length > 1 << 30 {
            bail!("max_content_length is 1 GiB at most, because a request is held in memory");
        }
        Ok(())
    }
}

/// How the text of an environment variable becomes a value.
enum Kind {
    Text,
    Number,
    Boolean,
}

impl Kind {
    fn read(&self, value: String) -> anyhow::Result<toml::Value> {
        Ok(match self {
            Self::Text => value.into(),
            Self::Number => value.parse::<i64>()?.into(),
            Self::Boolean => value.parse::<bool>()?.into(),
        })
    }
}

/// The settings that an environment variable can give.
const KEYS: [(&str, Kind); 15] = [
    ("listen", Kind::Text),
    ("data", Kind::Text),
    ("public_url", Kind::Text),
    ("behind_tls_proxy", Kind::Boolean),
    ("tls_certificate", Kind::Text),
    ("tls_key", Kind::Text),
    ("title", Kind::Text),
    ("description", Kind::Text),
    ("contact", Kind::Text),
    ("max_content_length", Kind::Number),
    ("max_page", Kind::Number),
    ("header_policy", Kind::Text),
    ("api_key_header", Kind::Text),
    ("status_hours", Kind::Number),
    ("metrics_listen", Kind::Text),
];

/// The known key that is most like the unknown one that a message names.
fn suggestion(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("unknown field `")?;
    let (unknown, rest) = rest.split_once('`')?;
    nearest(unknown, rest.split('`').skip(1).step_by(2), 0.5).map(str::to_owned)
}

fn nearest<'k>(unknown: &str, known: impl Iterator<Item = &'k str>, likeness: f64) -> Option<&'k str> {
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
            ("CONCORD_BEHIND_TLS_PROXY", "true"),
            ("CONCORD_TLS_CERTIFICATE", "a.pem"),
            ("CONCORD_TLS_KEY", "b.pem"),
            ("CONCORD_SHARED", "of something else"),
            ("HOME", "/"),
        ]);
        let config = config.unwrap();
        assert_eq!((config.title.as_str(), config.max_page, config.behind_tls_proxy), ("2026", 5, true));
        assert_eq!(config.tls, Some(Tls { certificate: "a.pem".into(), key: "b.pem".into() }));
        let mistyped = over(&[("CONCORD_LISTN", "127.0.0.1:1")]).unwrap_err().to_string();
        assert!(mistyped.contains("did you mean CONCORD_LISTEN?"), "{mistyped}");
        assert_eq!(config.metrics_listen, MetricsListen::Nowhere);
        let mistyped = over(&[("CONCORD_TLS_CERT", "a.pem")]).unwrap_err().to_string();
        assert!(mistyped.contains("did you mean CONCORD_TLS_"), "{mistyped}");
        assert!(
            format!("{:#}", over(&[("CONCORD_MAX_PAGE", "abc")]).unwrap_err()).contains("CONCORD_MAX_PAGE")
        );
        for (key, _) in KEYS.iter().filter(|(key, _)| !key.starts_with("tls_")) {
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
}
