//! The file of the operator: the server, and the feeds that go there.

use crate::feed::Feed;
use crate::known;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::path::PathBuf;
use stix_model::Tlp;
use toml::{Table, Value};

/// What cannot be taken from the file.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The text is no TOML, or has what no settings have.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line.
        line: usize,
        /// What is wrong. The line itself is not shown, because a password may stand there.
        message: String,
    },
    /// A feed is declared wrongly.
    #[error("feed `{name}`: {error}")]
    Feed {
        /// The feed.
        name: String,
        /// What is wrong.
        error: String,
    },
    /// No feed has that name.
    #[error("there is no feed `{0}`; `taxii-feeds list` shows those that there are")]
    Unknown(String),
}

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// What is said of feeds: of a known one what differs from its declaration, of another one all.
    #[serde(default)]
    feeds: BTreeMap<String, Table>,
    /// Where the objects go.
    pub server: Option<Server>,
    /// The folder of what runs leave behind for later ones.
    pub state: Option<PathBuf>,
    /// A folder with warning lists of MISP, one a file.
    pub warninglists: Option<PathBuf>,
}

/// Where the objects go.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Server {
    /// A TAXII 2.1 server, or an API root of it.
    pub url: String,
    /// The collection: its identifier.
    pub collection: String,
    /// The name of the account.
    pub username: Option<String>,
    /// The environment variable that has the password.
    pub password_env: Option<String>,
    /// The file that has the password.
    pub password_file: Option<PathBuf>,
    /// The environment variable that has a token, instead of an account.
    pub token_env: Option<String>,
    /// Certificates that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether another machine may be asked without TLS.
    #[serde(default)]
    pub allow_plain_http: bool,
}

impl Settings {
    /// Reads a text.
    ///
    /// ```
    /// use taxii_feeds::settings::Settings;
    /// let settings = Settings::parse(r#"
    ///     [feeds.threatfox]
    ///     enabled = true
    ///     tlp = "green"
    ///
    ///     [feeds.our-list]
    ///     publisher = "Example CERT"
    ///     title = "Our list"
    ///     url = "https://lists.example/c2.txt"
    ///     format = "lines"
    ///     time-to-live = "7d"
    ///     labels = ["c2"]
    ///     fields.value = "line"
    /// "#)?;
    /// assert_eq!(settings.feed("our-list")?.title, "Our list");
    /// assert!(settings.feed("threatfox")?.enabled);
    /// assert!(!settings.feed("urlhaus")?.enabled);
    /// # Ok::<(), taxii_feeds::settings::SettingsError>(())
    /// ```
    ///
    /// # Errors
    /// When the text is no TOML, or has what no settings have.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let settings: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.get(..start).map_or(0, |before| before.matches('\n').count()) + 1;
            SettingsError::Syntax { line, message: error.message().to_owned() }
        })?;
        for name in settings.feeds.keys() {
            settings.feed(name)?;
        }
        Ok(settings)
    }

    /// All feeds: those that are known, and those of the operator.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = known::names().collect();
        names.extend(self.feeds.keys().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The feed that a person means: by its name, or by a part of it that no other feed has.
    ///
    /// # Errors
    /// When no feed or several have that name.
    pub fn find(&self, name: &str) -> Result<Feed, SettingsError> {
        let names = self.names();
        let wanted = name.to_lowercase();
        if let Some(exact) = names.iter().find(|known| **known == wanted) {
            return self.feed(exact);
        }
        let mut similar = names.iter().filter(|known| known.contains(&wanted));
        match (similar.next(), similar.next()) {
            (Some(only), None) => self.feed(only),
            _ => Err(SettingsError::Unknown(name.to_owned())),
        }
    }

    /// One feed.
    ///
    /// # Errors
    /// When no feed has that name, or it is declared wrongly.
    pub fn feed(&self, name: &str) -> Result<Feed, SettingsError> {
        let own = self.feeds.get(name);
        let known = known::declaration(name);
        let table = match (known, own) {
            (Some(mut known), Some(own)) => {
                merge(&mut known, own);
                known
            }
            (Some(known), None) => known,
            (None, Some(own)) => own.clone(),
            (None, None) => return Err(SettingsError::Unknown(name.to_owned())),
        };
        let read: Result<Feed, _> = table.try_into();
        match read {
            Ok(feed) => checked(Feed { name: name.to_owned(), ..feed }),
            Err(error) => {
                Err(SettingsError::Feed { name: name.to_owned(), error: error.message().to_owned() })
            }
        }
    }
}

/// A feed whose numbers make sense.
fn checked(feed: Feed) -> Result<Feed, SettingsError> {
    let spans = [feed.interval, feed.time_to_live];
    let error = match () {
        () if spans.iter().flatten().any(|span| span.duration().is_zero()) => {
            "`interval` and `time-to-live` must be longer than nothing"
        }
        () if feed.confidence.is_some_and(|confidence| confidence > 100) => "`confidence` must be 0 to 100",
        () if feed.max_bytes == 0 || feed.max_unpacked_bytes == 0 => {
            "`max-bytes` and `max-unpacked-bytes` must not be 0"
        }
        () => return Ok(feed),
    };
    Err(SettingsError::Feed { name: feed.name, error: error.to_owned() })
}

/// Lays one table over another.
fn merge(base: &mut Table, over: &Table) {
    for (name, value) in over {
        match (base.get_mut(name), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            _ => drop(base.insert(name.clone(), value.clone())),
        }
    }
}

pub(crate) fn tlp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tlp, D::Error> {
    let text = String::deserialize(deserializer)?;
    let level = text.to_lowercase();
    // White is what TLP 1.0 called it.
    let level = match level.strip_prefix("tlp:").unwrap_or(&level) {
        "white" => "clear",
        level => level,
    };
    level.parse().map_err(|_| {
        de::Error::custom(format!(
            "`{text}` is no level of TLP; write clear, green, amber, amber+strict or red"
        ))
    })
}
