//! The feeds that are known: each a declaration of its own, in the form in which an operator declares one.

use toml::Table;

macro_rules! known {
    ($($name:literal,)*) => {
        /// Names and declarations, in the order of the names.
        const KNOWN: &[(&str, &str)] = &[$(($name, include_str!(concat!("../sources/", $name, ".toml"))),)*];
    };
}

known! {
    "blocklist-de",
    "cisa-kev",
    "csaf",
    "dataplane",
    "dshield",
    "emerging-threats",
    "epss",
    "feodo-tracker",
    "firehol",
    "intelmq",
    "ipsum",
    "malwarebazaar",
    "misp",
    "misp-botvrij",
    "misp-circl",
    "misp-galaxy",
    "mitre-attack",
    "mitre-capec",
    "nvd",
    "openioc",
    "openphish",
    "osv",
    "otx",
    "phishtank",
    "sigma",
    "snort",
    "spamhaus-drop",
    "spamhaus-drop-v6",
    "sslbl",
    "stix",
    "stix1",
    "suricata",
    "threatfox",
    "tor-exits",
    "urlhaus",
    "yara",
    "zeek-intel",
}

/// The names of the known feeds.
pub fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}

/// The declaration of a known feed.
pub fn declaration(name: &str) -> Option<Table> {
    let (_, text) = KNOWN.iter().find(|(known, _)| *known == name)?;
    Some(text.parse().expect("a test reads each declaration"))
}
