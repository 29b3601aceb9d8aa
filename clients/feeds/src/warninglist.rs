//! Lists of what is no sign of an attack, although feeds name it: addresses of public resolvers, well-known domains, hashes of empty
//! files. They have the form of the [warning lists of MISP](https://github.com/MISP/misp-warninglists).

use crate::value::Value;
use ipnet::IpNet;
use regex_automata::meta::Regex;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One list.
///
/// ```
/// use taxii_feeds::{value::{Kind, read}, warninglist::Warninglist};
/// let list = Warninglist::parse(br#"{ "name": "Private networks", "type": "cidr", "list": ["10.0.0.0/8", "fc00::/7"],
///     "matching_attributes": ["ip-src", "ip-dst", "domain|ip"] }"#)?;
/// assert!(list.contains(&read(Kind::Ip, "10.1.2.3")?.0));
/// assert!(!list.contains(&read(Kind::Ip, "192.0.2.1")?.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Warninglist {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub description: String,
    /// Its version.
    pub version: u64,
    /// Entries that make no sense in a list of its type.
    pub unread: Vec<String>,
    /// Types of attributes of MISP that it is about; about all when it names none.
    about: BTreeSet<String>,
    entries: Entries,
}

/// A file is no list.
#[derive(Debug, thiserror::Error)]
#[error("this is no warning list: {0}")]
pub struct WarninglistError(#[from] serde_json::Error);

#[derive(Deserialize)]
struct File {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    version: u64,
    #[serde(rename = "type")]
    kind: ListKind,
    list: Vec<String>,
    #[serde(default)]
    matching_attributes: Vec<String>,
}

/// How the entries are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ListKind {
    Cidr,
    Hostname,
    String,
    Substring,
    Regex,
}

#[derive(Debug)]
enum Entries {
    /// Networks by the length of their prefix.
    Networks(BTreeMap<u8, BTreeSet<IpNet>>),
    /// Names, which stand for those under them, too.
    Hosts(BTreeSet<String>),
    Texts(BTreeSet<String>),
    Parts(Vec<String>),
    Patterns(Vec<Regex>),
}

impl Warninglist {
    /// Reads a list.
    ///
    /// # Errors
    /// When it is no JSON, or has not the members of a list.
    pub fn parse(bytes: &[u8]) -> Result<Self, WarninglistError> {
        let file: File = serde_json::from_slice(bytes)?;
        let mut unread = Vec::new();
        let entries = match file.kind {
            ListKind::Cidr => Entries::Networks(networks(&file.list, &mut unread)),
            ListKind::Hostname => {
                let hosts = file.list.iter().map(|text| text.trim().trim_matches('.').to_lowercase());
                Entries::Hosts(hosts.filter(|host| !host.is_empty()).collect())
            }
            ListKind::String => {
                Entries::Texts(file.list.iter().map(|text| text.trim().to_lowercase()).collect())
            }
            ListKind::Substring => {
                let parts = file.list.iter().map(|text| text.trim().to_lowercase());
                Entries::Parts(parts.filter(|part| !part.is_empty()).collect())
            }
            ListKind::Regex => Entries::Patterns(patterns(&file.list, &mut unread)),
        };
        Ok(Self {
            name: file.name,
            description: file.description,
            version: file.version,
            unread,
            about: file.matching_attributes.into_iter().collect(),
            entries,
        })
    }

    /// Whether a value is on it.
    pub fn contains(&self, value: &Value) -> bool {
        if !self.about.is_empty() && !types_of(value).iter().any(|kind| self.about.contains(*kind)) {
            return false;
        }
        let text = || crate::indicator::text_of(value).to_lowercase();
        match &self.entries {
            Entries::Networks(networks) => match value {
                Value::Address(address) => has_network(networks, IpNet::from(*address)),
                Value::Network(network) => has_network(networks, *network),
                Value::Url(url) => host_of(url)
                    .trim_matches(['[', ']'])
                    .parse::<IpAddr>()
                    .is_ok_and(|address| has_network(networks, IpNet::from(address))),
                _ => false,
            },
            Entries::Hosts(hosts) => match value {
                Value::Domain(name) => has_host(hosts, name),
                Value::Url(url) => has_host(hosts, &host_of(url).to_lowercase()),
                Value::Email(address) => {
                    address.rsplit_once('@').is_some_and(|(_, host)| has_host(hosts, host))
                }
                Value::Address(address) => hosts.contains(&address.to_string()),
                _ => false,
            },
            Entries::Texts(texts) => texts.contains(&text()),
            Entries::Parts(parts) => {
                let text = text();
                parts.iter().any(|part| text.contains(part.as_str()))
            }
            Entries::Patterns(patterns) => {
                let text = crate::indicator::text_of(value);
                patterns.iter().any(|pattern| pattern.is_match(&text))
            }
        }
    }
}

fn networks(list: &[String], unread: &mut Vec<String>) -> BTreeMap<u8, BTreeSet<IpNet>> {
    let mut networks: BTreeMap<u8, BTreeSet<IpNet>> = BTreeMap::new();
    for text in list {
        let text = text.trim();
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => drop(networks.entry(network.prefix_len()).or_default().insert(network.trunc())),
            Err(_) => unread.push(text.to_owned()),
        }
    }
    networks
}

/// Whether a network is in one of the list: one look for each length that there is.
fn has_network(networks: &BTreeMap<u8, BTreeSet<IpNet>>, network: IpNet) -> bool {
    networks.range(..=network.prefix_len()).any(|(length, networks)| {
        IpNet::new(network.addr(), *length).is_ok_and(|wider| networks.contains(&wider.trunc()))
    })
}

/// Whether a name or one above it is in the list.
fn has_host(hosts: &BTreeSet<String>, name: &str) -> bool {
    let mut rest = Some(name);
    while let Some(name) = rest {
        if hosts.contains(name) {
            return true;
        }
        rest = name.split_once('.').map(|(_, above)| above);
    }
    false
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Expressions stand between slashes, and letters behind them change what they mean.
fn patterns(list: &[String], unread: &mut Vec<String>) -> Vec<Regex> {
    let mut patterns = Vec::new();
    for text in list {
        let inner = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
        let (expression, flags) = inner.unwrap_or((text, ""));
        let prefix = if flags.contains('i') { "(?i)" } else { "" };
        let config = Regex::config().nfa_size_limit(Some(1 << 20));
        match Regex::builder().configure(config).build(&format!("{prefix}{expression}")) {
            Ok(pattern) => patterns.push(pattern),
            Err(_) => unread.push(text.clone()),
        }
    }
    patterns
}

/// The types of attributes of MISP that have such a value.
fn types_of(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Address(_) | Value::Network(_) => {
            &["ip-src", "ip-dst", "domain|ip", "ip-src|port", "ip-dst|port"]
        }
        Value::Domain(_) => &["domain", "hostname", "domain|ip", "hostname|port"],
        Value::Url(_) => &["url", "uri", "link", "domain", "hostname", "ip-dst"],
        Value::Email(_) => &["email", "email-src", "email-dst", "target-email"],
        Value::Hash(..) => &["md5", "sha1", "sha224", "sha256", "sha512", "ssdeep"],
        Value::CertificateSha1(_) => &["x509-fingerprint-sha1"],
        Value::Asn(_) => &["AS"],
        Value::Mutex(_) => &["mutex"],
        Value::FileName(_) => &["filename"],
    }
}
