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
    /// The address that clients use, as `https://taxii.example.org`. Without it the server takes the address that
    /// the request names.
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
    /// Address for `/metrics`, without credentials; `None` leaves only `/metrics` for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_listen: Option<SocketAddr>,
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
            metrics_listen: None,
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

    /// Parses the text of a file.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text).map_err(|error| match suggestion(&error.to_string()) {
            Some(known) => anyhow::Error::new(error).context(format!("did you mean `{known}`?")),
            None => error.into(),
        })?;
        Ok(config)
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

/// The known key that is most like the unknown one that a message names.
fn suggestion(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("unknown field `")?;
    let (unknown, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2);
    let distance = |known: &&str| strsim::normalized_damerau_levenshtein(unknown, known);
    let best = known.max_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    (distance(&best) > 0.5).then(|| best.to_owned())
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
    fn plain_http_stays_on_loopback() {
        let public = Config { listen: "0.0.0.0:6100".parse().unwrap(), ..Config::default() };
        assert!(public.check().unwrap_err().to_string().contains("TLS is needed"));
        Config { behind_tls_proxy: true, ..public }.check().unwrap();
        Config::default().check().unwrap();
    }
}
