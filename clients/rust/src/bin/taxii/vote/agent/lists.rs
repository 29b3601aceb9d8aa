//! Lists of values: a value on each line, or the warning lists of MISP.

use crate::failure::Failure;
use regex_automata::meta::Regex;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

/// A list of values.
pub(super) struct List {
    /// Its name, for reasons.
    pub(super) name: String,
    kind: Kind,
}

enum Kind {
    /// These values, whatever their case, and what lies in these networks.
    Exact(BTreeSet<String>, Vec<Network>),
    /// Values that hold one of these.
    Substring(Vec<String>),
    /// These host names and those under them, and URLs with such a host.
    Hostname(BTreeSet<String>),
    /// Values that match.
    Regex(Vec<Regex>),
}

/// Which networks of addresses count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Those that lie in one of the list.
    Inside,
    /// Those that have an address in common with one of the list.
    Touching,
}

/// A network of addresses.
#[derive(Clone, Copy)]
struct Network {
    address: IpAddr,
    bits: u8,
}

/// A warning list of MISP.
#[derive(Deserialize)]
struct Misp {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    list: Vec<String>,
}

impl List {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Failure::input(&name, &error))?;
        Self::parse(&name, &text).map_err(|reason| Failure::Input(format!("{name}: {reason}")))
    }

    fn parse(name: &str, text: &str) -> Result<Self, String> {
        if !text.trim_start().starts_with('{') {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            return Ok(Self { name: name.to_owned(), kind: exact(lines) });
        }
        let misp: Misp = serde_json::from_str(text)
            .map_err(|error| format!("this is no warning list of MISP: {error}"))?;
        let entries = misp.list.iter().map(String::as_str);
        let kind = match misp.kind.as_str() {
            "string" | "cidr" => exact(entries),
            "substring" => Kind::Substring(entries.map(str::to_lowercase).collect()),
            "hostname" => Kind::Hostname(entries.map(|host| host.trim_matches('.').to_lowercase()).collect()),
            "regex" => Kind::Regex(entries.map(regex).collect::<Result<_, _>>()?),
            other => return Err(format!("warning lists of the type `{other}` are not known")),
        };
        Ok(Self { name: misp.name.unwrap_or_else(|| name.to_owned()), kind })
    }

    /// Whether a value is in the list.
    pub(super) fn has(&self, value: &str, extent: Extent) -> bool {
        let lower = value.to_lowercase();
        match &self.kind {
            Kind::Exact(values, networks) => {
                let meant = Network::parse(value).or_else(|| Network::parse(host(value)));
                values.contains(&lower)
                    || meant.is_some_and(|meant| networks.iter().any(|network| network.covers(meant, extent)))
            }
            Kind::Substring(parts) => parts.iter().any(|part| lower.contains(part)),
            Kind::Hostname(hosts) => {
                let host = host(&lower);
                let ends = host.match_indices('.').map(|(at, _)| &host[at + 1..]);
                std::iter::once(host).chain(ends).any(|name| hosts.contains(name))
            }
            Kind::Regex(all) => all.iter().any(|regex| regex.is_match(value)),
        }
    }
}

fn exact<'t>(entries: impl Iterator<Item = &'t str>) -> Kind {
    let (mut values, mut networks) = (BTreeSet::new(), Vec::new());
    for entry in entries {
        networks.extend(Network::parse(entry));
        values.insert(entry.to_lowercase());
    }
    Kind::Exact(values, networks)
}

/// A regular expression, as in `/^a/i`.
fn regex(text: &str) -> Result<Regex, String> {
    let inner = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let pattern = match inner {
        Some((pattern, flags)) if flags.contains('i') => format!("(?i){pattern}"),
        Some((pattern, _)) => pattern.to_owned(),
        None => text.to_owned(),
    };
    Regex::new(&pattern).map_err(|error| format!("{text}: this is no regular expression: {error}"))
}

/// The host of a URL; another value as it is.
fn host(value: &str) -> &str {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit('@').next().unwrap_or_default();
    if let Some(inside) = rest.strip_prefix('[') {
        return inside.split(']').next().unwrap_or_default();
    }
    match rest.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => rest,
    }
    .trim_end_matches('.')
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    fn covers(self, other: Self, extent: Extent) -> bool {
        let (own, their, most) = match (self.address, other.address) {
            (IpAddr::V4(own), IpAddr::V4(their)) => {
                (u128::from(own.to_bits()), u128::from(their.to_bits()), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(their)) => (own.to_bits(), their.to_bits(), 128),
            _ => return false,
        };
        let bits = match extent {
            Extent::Inside if other.bits < self.bits => return false,
            Extent::Inside => self.bits,
            Extent::Touching => self.bits.min(other.bits),
        };
        bits == 0 || (own ^ their) >> (most - u32::from(bits)) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misp(kind: &str, list: &[&str]) -> List {
        let text =
            serde_json::json!({ "name": "L", "type": kind, "version": 1, "description": "", "list": list });
        List::parse("l.json", &text.to_string()).unwrap()
    }

    #[test]
    fn a_text_has_a_value_on_each_line() {
        let list =
            List::parse("l.txt", "# remark\n\nEvil.example\n198.51.100.0/24\r\n2001:db8::1\n").unwrap();
        for value in
            ["evil.EXAMPLE", "198.51.100.7", "198.51.100.128/25", "2001:db8::1", "http://198.51.100.7:8080/x"]
        {
            assert!(list.has(value, Extent::Inside), "{value}");
        }
        for value in ["www.evil.example", "198.51.101.7", "198.51.0.0/16", "# remark", "", "2001:db8::2"] {
            assert!(!list.has(value, Extent::Inside), "{value}");
        }
        assert!(list.has("198.51.0.0/16", Extent::Touching) && list.has("0.0.0.0/0", Extent::Touching));
    }

    #[test]
    fn warning_lists_match_as_misp_has_it() {
        let has = |list: &List, value: &str| list.has(value, Extent::Touching);
        let hosts = misp("hostname", &["cdn.example", ".other.example"]);
        for value in ["cdn.example", "a.b.CDN.example", "https://u@x.other.example:1/p?q", "other.example."] {
            assert!(has(&hosts, value), "{value}");
        }
        assert!(!has(&hosts, "notcdn.example") && !has(&hosts, "example"));
        assert!(
            has(&misp("substring", &["Part"]), "a paRTy") && !has(&misp("substring", &["part"]), "a pat")
        );
        assert!(
            has(&misp("string", &["8.8.8.8"]), "8.8.8.8") && has(&misp("cidr", &["8.8.0.0/16"]), "8.8.4.4")
        );
        let regex = misp("regex", &["/^ab+$/i", "c.d"]);
        assert!(has(&regex, "ABB") && has(&regex, "xc-dx") && !has(&regex, "b"));
        assert_eq!(hosts.name, "L");
        let unknown = List::parse("l", r#"{"type":"moon","list":[]}"#).err().unwrap();
        assert_eq!(unknown, "warning lists of the type `moon` are not known");
    }
}
