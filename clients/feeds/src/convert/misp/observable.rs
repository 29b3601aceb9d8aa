//! Attributes by their type: what is observed, and the comparison of a pattern that finds it.

use crate::frame::sdo_uuid;
use crate::indicator::{observable, pattern, quote};
use crate::observation::Observation;
use crate::value::{FileHash, Kind, Value, read, refang};
use std::net::IpAddr;
use stix_model::sco::{
    DomainName, EmailAddress, EmailMessage, File, Ipv4Address, Ipv6Address, MacAddress, NetworkTraffic,
    UserAccount, WindowsRegistryKey, WindowsRegistryValue, X509Certificate,
};
use stix_model::vocab::{AccountType, HashAlgorithm, PatternType};
use stix_model::{BuildError, Hashes, Object, Ref, StixId, ToObject};
use uuid::Uuid;

/// What an attribute is.
pub(in crate::convert) enum Shape {
    Observable(Seen),
    /// A rule of a detection engine.
    Rule(PatternType),
    Vulnerability,
    /// A page about it all.
    Page,
    /// A group of attackers.
    Group,
    /// A text for people.
    Text,
}

/// Something that can be observed.
pub(in crate::convert) struct Seen {
    /// The last is what the others belong to; there may be none, where only a pattern can tell it.
    pub(in crate::convert) objects: Vec<Object>,
    /// A comparison, without brackets.
    pub(in crate::convert) comparison: String,
    /// How the objects relate.
    pub(in crate::convert) relations: Vec<(&'static str, StixId, StixId)>,
}

impl Seen {
    pub(super) fn plain(object: Object, comparison: String) -> Self {
        Self::new(vec![object], comparison)
    }

    fn new(objects: Vec<Object>, comparison: String) -> Self {
        Self { objects, comparison, relations: Vec::new() }
    }

    fn of(value: Value) -> Result<Self, BuildError> {
        let seen = Observation::new(value);
        let whole = pattern(&seen);
        let comparison = whole.trim_start_matches('[').strip_suffix(']').unwrap_or(&whole).to_owned();
        Ok(Self::new(vec![observable(&seen)?], comparison))
    }
}

/// The name of a hash in STIX by its type in MISP; those that the standard has no name for follow the form of its names.
pub(super) fn hash_name(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "md5" => "MD5",
        "sha1" => "SHA-1",
        "sha224" => "SHA-224",
        "sha256" => "SHA-256",
        "sha384" => "SHA-384",
        "sha512" => "SHA-512",
        "sha512/224" => "SHA-512-224",
        "sha512/256" => "SHA-512-256",
        "sha3-224" => "SHA3-224",
        "sha3-256" => "SHA3-256",
        "sha3-384" => "SHA3-384",
        "sha3-512" => "SHA3-512",
        "ssdeep" => "SSDEEP",
        "tlsh" => "TLSH",
        "authentihash" => "AUTHENTIHASH",
        "cdhash" => "CDHASH",
        "imphash" => "IMPHASH",
        "impfuzzy" => "IMPFUZZY",
        "pehash" => "PEHASH",
        "telfhash" => "TELFHASH",
        "vhash" => "VHASH",
        _ => return None,
    })
}

/// Reads a hash of this type.
pub(super) fn hash(kind: &str, text: &str) -> Result<(&'static str, String), String> {
    const KNOWN: [FileHash; 8] = [
        FileHash::Md5,
        FileHash::Sha1,
        FileHash::Sha256,
        FileHash::Sha512,
        FileHash::Sha3_256,
        FileHash::Sha3_512,
        FileHash::Ssdeep,
        FileHash::Tlsh,
    ];
    let name = hash_name(kind).ok_or_else(|| format!("`{kind}` is no hash"))?;
    let text = text.trim();
    if let Some(known) = KNOWN.into_iter().find(|known| known.name() == name) {
        return known.read(text).map(|hash| (name, hash)).map_err(|error| error.to_string());
    }
    let is_plain = !text.is_empty() && text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain { Ok((name, text.to_owned())) } else { Err(format!("`{text}` is no {name}")) }
}

/// What an attribute of a type is.
///
/// # Errors
/// When the value is none of the type.
pub(in crate::convert) fn shape(kind: &str, value: &str) -> Result<Shape, String> {
    match kind {
        "yara" => return Ok(Shape::Rule(PatternType::Yara)),
        "snort" => return Ok(Shape::Rule(PatternType::Snort)),
        "sigma" => return Ok(Shape::Rule(PatternType::Sigma)),
        "suricata" => return Ok(Shape::Rule(PatternType::Suricata)),
        "vulnerability" => return Ok(Shape::Vulnerability),
        "link" => return Ok(Shape::Page),
        "threat-actor" => return Ok(Shape::Group),
        _ => {}
    }
    match seen(kind, value) {
        Ok(Some(seen)) => Ok(Shape::Observable(seen)),
        Ok(None) => Ok(Shape::Text),
        Err(reason) => Err(reason),
    }
}

fn seen(kind: &str, value: &str) -> Result<Option<Seen>, String> {
    let plain = |kind| match read(kind, value) {
        Ok((value, _)) => Seen::of(value).map(Some).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let made: Result<Seen, BuildError> = match kind {
        "ip-src" | "ip-dst" => return plain(Kind::Ip),
        "domain" | "hostname" => return plain(Kind::Domain),
        // URLs with blanks are there; the pattern has them as they are.
        "url" | "uri" if value.contains("://") => Seen::of(Value::Url(refang(value.trim()))),
        // A path without a host is no URL, in whatever type it stands.
        "url" | "uri" if !has_host(value) => return Ok(None),
        "url" | "uri" => return plain(Kind::Url),
        "email" | "email-reply-to" | "target-email" | "whois-registrant-email" | "dns-soa-email" => {
            return plain(Kind::Email);
        }
        "AS" => return plain(Kind::Asn),
        "mutex" => return plain(Kind::Mutex),
        "filename" | "attachment" => file(Some(value), &[]),
        _ if hash_name(kind).is_some() => file(None, &[hash(kind, value)?]),
        "malware-sample" => named_file("md5", value)?,
        _ if kind.strip_prefix("filename|").is_some_and(|kind| hash_name(kind).is_some()) => {
            named_file(&kind["filename|".len()..], value)?
        }
        "ip-src|port" | "ip-dst|port" | "hostname|port" => {
            let (host, port) = halves(value)?;
            let port: u16 = port.parse().map_err(|_| format!("`{port}` is no port"))?;
            let end = if kind == "ip-src|port" { End::Source } else { End::Destination };
            let kind = if kind == "hostname|port" { Kind::Domain } else { Kind::Ip };
            let host = read(kind, host).map_err(|error| error.to_string())?.0;
            traffic(&host, end, Some(port))
        }
        "domain|ip" => {
            let (name, address) = halves(value)?;
            let name = read(Kind::Domain, name).map_err(|error| error.to_string())?.0;
            let address = read(Kind::Ip, address).map_err(|error| error.to_string())?.0;
            resolved(&name, &[address])
        }
        "email-src" | "email-dst" => {
            let Value::Email(address) = read(Kind::Email, value).map_err(|error| error.to_string())?.0 else {
                return Err(format!("`{value}` is no mail address"));
            };
            let place = if kind == "email-src" { "from_ref" } else { "to_refs[*]" };
            let comparison = format!("email-message:{place}.value = {}", quote(&address));
            EmailAddress::new(address).to_object().map(|object| Seen::new(vec![object], comparison))
        }
        "email-subject" => EmailMessage::new(false)
            .subject(value)
            .to_object()
            .map(|object| Seen::new(vec![object], format!("email-message:subject = {}", quote(value)))),
        "email-body" => EmailMessage::new(false)
            .body(value)
            .to_object()
            .map(|object| Seen::new(vec![object], format!("email-message:body = {}", quote(value)))),
        "email-message-id" => EmailMessage::new(false)
            .message_id(value)
            .id(unnamed(&["email-message", value]))
            .to_object()
            .map(|object| Seen::new(vec![object], format!("email-message:message_id = {}", quote(value)))),
        "email-attachment" => File::new().name(value).to_object().map(|object| {
            let place = "email-message:body_multipart[*].body_raw_ref.name";
            Seen::new(vec![object], format!("{place} = {}", quote(value)))
        }),
        "regkey" | "regkey|value" if !is_key(value) => {
            return Err(format!("`{value}` is no key of a registry"));
        }
        "regkey" => registry(value, None),
        "regkey|value" => {
            let (key, data) = halves(value)?;
            registry(key, Some((None, data)))
        }
        "user-agent" => {
            let place = "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'";
            Ok(Seen::new(Vec::new(), format!("{place} = {}", quote(value))))
        }
        "github-username" => {
            let comparison = format!(
                "user-account:account_type = 'github' AND user-account:account_login = {}",
                quote(value)
            );
            UserAccount::new()
                .account_type(AccountType::from("github"))
                .account_login(value)
                .to_object()
                .map(|object| Seen::new(vec![object], comparison))
        }
        "mac-address" => {
            let address = value.trim().to_lowercase().replace('-', ":");
            let comparison = format!("mac-addr:value = {}", quote(&address));
            MacAddress::new(address).to_object().map(|object| Seen::new(vec![object], comparison))
        }
        _ => match kind.strip_prefix("x509-fingerprint-") {
            Some(algorithm) if hash_name(algorithm).is_some() => {
                let (name, digits) = hash(algorithm, value)?;
                let mut hashes = Hashes::default();
                hashes.set(HashAlgorithm::from(name), digits.clone());
                let comparison = format!("x509-certificate:hashes.'{name}' = {}", quote(&digits));
                let made = X509Certificate::new().hashes(hashes).to_object();
                made.map(|object| Seen::new(vec![object], comparison))
            }
            _ => return Ok(None),
        },
    };
    made.map(Some).map_err(|error| error.to_string())
}

/// Whether a text without a scheme begins with a name or an address of a host.
fn has_host(text: &str) -> bool {
    let host = text.trim().split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    read(Kind::Domain, host).or_else(|_| read(Kind::Ip, host)).is_ok()
}

/// An end of a connection.
#[derive(Clone, Copy)]
pub(super) enum End {
    Source,
    Destination,
}

/// The two values of a type with two names.
fn halves(value: &str) -> Result<(&str, &str), String> {
    let (one, other) = value.split_once('|').ok_or_else(|| format!("`{value}` has no `|` in it"))?;
    Ok((one.trim(), other.trim()))
}

fn named_file(kind: &str, value: &str) -> Result<Result<Seen, BuildError>, String> {
    let (name, digits) = value.rsplit_once('|').ok_or_else(|| format!("`{value}` has no `|` in it"))?;
    Ok(file(Some(name.trim()), &[hash(kind, digits)?]))
}

/// A file: any of its hashes finds it, and the name, where there is one, must be right.
pub(super) fn file(name: Option<&str>, hashes: &[(&'static str, String)]) -> Result<Seen, BuildError> {
    let mut file = File::new();
    if let Some(name) = name {
        file = file.name(name);
    }
    if !hashes.is_empty() {
        let mut all = Hashes::default();
        hashes.iter().for_each(|(name, digits)| all.set(HashAlgorithm::from(*name), digits.clone()));
        file = file.hashes(all);
    }
    Ok(Seen::new(vec![file.to_object()?], file_comparison(name, hashes)))
}

pub(super) fn file_comparison(name: Option<&str>, hashes: &[(&'static str, String)]) -> String {
    let of_hashes: Vec<String> =
        hashes.iter().map(|(name, digits)| format!("file:hashes.'{name}' = {}", quote(digits))).collect();
    let of_name = name.map(|name| format!("file:name = {}", quote(name)));
    match (of_name, of_hashes.len()) {
        (None, _) => of_hashes.join(" OR "),
        (Some(name), 0) => name,
        (Some(name), 1) => format!("{name} AND {}", of_hashes[0]),
        (Some(name), _) => format!("{name} AND ({})", of_hashes.join(" OR ")),
    }
}

fn endpoint(value: &Value) -> Result<(Object, &'static str, String), BuildError> {
    Ok(match value {
        Value::Domain(name) => (DomainName::new(name.clone()).to_object()?, "domain-name", name.clone()),
        Value::Address(IpAddr::V6(address)) => {
            (Ipv6Address::new(address.to_string()).to_object()?, "ipv6-addr", address.to_string())
        }
        Value::Address(address) => {
            (Ipv4Address::new(address.to_string()).to_object()?, "ipv4-addr", address.to_string())
        }
        other => {
            let object = observable(&Observation::new(other.clone()))?;
            let text = object.get::<String>("value")?.unwrap_or_default();
            let kind = if text.contains(':') { "ipv6-addr" } else { "ipv4-addr" };
            (object, kind, text)
        }
    })
}

/// A connection with a host at one end.
pub(super) fn traffic(host: &Value, end: End, port: Option<u16>) -> Result<Seen, BuildError> {
    let (object, kind, text) = endpoint(host)?;
    // Which protocol it was is not known; that of the address is certain.
    let protocol = if kind == "ipv6-addr" { "ipv6" } else { "ipv4" };
    let traffic = NetworkTraffic::new(vec![protocol.into()]);
    let (word, traffic) = match end {
        End::Source => ("src", traffic.src_ref(Ref::try_from(&object)?)),
        End::Destination => ("dst", traffic.dst_ref(Ref::try_from(&object)?)),
    };
    let mut comparison = format!(
        "network-traffic:{word}_ref.type = '{kind}' AND network-traffic:{word}_ref.value = {}",
        quote(&text)
    );
    let traffic = match (port, end) {
        (None, _) => traffic,
        (Some(port), End::Source) => traffic.src_port(port),
        (Some(port), End::Destination) => traffic.dst_port(port),
    };
    if let Some(port) = port {
        comparison.push_str(&format!(" AND network-traffic:{word}_port = {port}"));
    }
    Ok(Seen::new(vec![object, traffic.to_object()?], comparison))
}

/// A domain and the addresses behind it.
pub(super) fn resolved(name: &Value, addresses: &[Value]) -> Result<Seen, BuildError> {
    let (_, _, name) = endpoint(name)?;
    let mut objects = Vec::new();
    let mut comparison = format!("domain-name:value = {}", quote(&name));
    for address in addresses {
        let (object, _, text) = endpoint(address)?;
        comparison.push_str(&format!(" AND domain-name:resolves_to_refs[*].value = {}", quote(&text)));
        objects.push(object);
    }
    let domain = DomainName::new(name).to_object()?;
    let relations = objects.iter().map(|object| ("resolves-to", domain.id().clone(), object.id().clone()));
    let relations = relations.collect();
    objects.push(domain);
    Ok(Seen { objects, comparison, relations })
}

/// A key of the registry, and a value in it: its name and its data.
pub(super) fn registry(key: &str, value: Option<(Option<&str>, &str)>) -> Result<Seen, BuildError> {
    let key = &spelled_out(key.trim());
    let mut comparison = format!("windows-registry-key:key = {}", quote(key));
    let mut object = WindowsRegistryKey::new().key(key.clone());
    if let Some((name, data)) = value {
        let mut written = WindowsRegistryValue::new().data(data);
        if let Some(name) = name {
            written = written.name(name);
            comparison.push_str(&format!(" AND windows-registry-key:values[*].name = {}", quote(name)));
        }
        comparison.push_str(&format!(" AND windows-registry-key:values[*].data = {}", quote(data)));
        object = object.values([written]);
    }
    Ok(Seen::new(vec![object.to_object()?], comparison))
}

/// A key with the name of its hive spelled out, as the standard asks (section 6.17).
pub(in crate::convert) fn spelled_out(key: &str) -> String {
    const HIVES: [(&str, &str); 5] = [
        ("HKLM", "HKEY_LOCAL_MACHINE"),
        ("HKCU", "HKEY_CURRENT_USER"),
        ("HKCR", "HKEY_CLASSES_ROOT"),
        ("HKCC", "HKEY_CURRENT_CONFIG"),
        ("HKU", "HKEY_USERS"),
    ];
    let (hive, rest) = key.split_once('\\').map_or((key, None), |(hive, rest)| (hive, Some(rest)));
    let short = hive.trim_end_matches(':');
    let whole =
        HIVES.iter().find(|(name, _)| name.eq_ignore_ascii_case(short)).map_or(hive, |(_, whole)| whole);
    rest.map_or_else(|| whole.to_owned(), |rest| format!("{whole}\\{rest}"))
}

/// Whether a text is a key, and not a pattern or a list of several.
fn is_key(key: &str) -> bool {
    let whole = spelled_out(key);
    !["HKLM", "HKCU", "HKCR", "HKCC", "HKU"].iter().any(|hive| whole.to_ascii_uppercase().contains(hive))
}

/// The UUID of an observable that nothing tells from others: the standard asks for a random one (section 2.9), and the same bytes must
/// give the same.
pub(super) fn unnamed(names: &[&str]) -> Uuid {
    uuid::Builder::from_random_bytes(*sdo_uuid(names).as_bytes()).into_uuid()
}
