//! What a source names: addresses, domains, URLs, hashes. Others write them in many ways; here each has one form.

use idna::domain_to_ascii;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;
use std::str::FromStr;
use stix_model::vocab::HashAlgorithm;

/// What a value is, as a declaration says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Whatever its text looks like.
    Any,
    /// An IPv4 or IPv6 address, or a range of them in CIDR notation.
    Ip,
    /// An address and a port.
    IpPort,
    /// A host name.
    Domain,
    /// A URL; one without a scheme is taken for `http`.
    Url,
    /// A mail address.
    Email,
    /// A hash of a file; its length tells which.
    Hash,
    /// The SHA-1 hash of a certificate.
    CertificateSha1,
    /// The number of an autonomous system, with or without `AS`.
    Asn,
    /// The name of a mutex.
    Mutex,
    /// The name of a file.
    FileName,
}

/// A value in its one form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// An address.
    Address(IpAddr),
    /// A range of addresses.
    Network(IpNet),
    /// A host name, in lower case and ASCII.
    Domain(String),
    /// A URL, byte for byte as it was given.
    Url(String),
    /// A mail address.
    Email(String),
    /// A hash of a file.
    Hash(FileHash, String),
    /// The SHA-1 hash of a certificate.
    CertificateSha1(String),
    /// An autonomous system.
    Asn(u32),
    /// A mutex.
    Mutex(String),
    /// A file by its name.
    FileName(String),
}

/// Hashes of files that STIX has a name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum FileHash {
    /// MD5.
    #[serde(rename = "MD5")]
    Md5,
    /// SHA-1.
    #[serde(rename = "SHA-1")]
    Sha1,
    /// SHA-256.
    #[serde(rename = "SHA-256")]
    Sha256,
    /// SHA-512.
    #[serde(rename = "SHA-512")]
    Sha512,
    /// SHA3-256.
    #[serde(rename = "SHA3-256")]
    Sha3_256,
    /// SHA3-512.
    #[serde(rename = "SHA3-512")]
    Sha3_512,
    /// ssdeep.
    #[serde(rename = "SSDEEP")]
    Ssdeep,
    /// TLSH.
    #[serde(rename = "TLSH")]
    Tlsh,
}

impl FileHash {
    /// Its name in STIX (section 10.7).
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_512 => "SHA3-512",
            Self::Ssdeep => "SSDEEP",
            Self::Tlsh => "TLSH",
        }
    }

    pub(crate) fn algorithm(self) -> HashAlgorithm {
        HashAlgorithm::from(self.name())
    }

    /// The hash that has this many hexadecimal digits.
    pub(crate) fn of_length(length: usize) -> Option<Self> {
        match length {
            32 => Some(Self::Md5),
            40 => Some(Self::Sha1),
            64 => Some(Self::Sha256),
            128 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Reads a hash of this algorithm; hexadecimal digits are written in lower case.
    pub(crate) fn read(self, text: &str) -> Result<String, ValueError> {
        // TLSH names its edition in front, which the hashes of STIX do not have.
        let without_edition = text.strip_prefix("T1").or_else(|| text.strip_prefix("t1"));
        let text = without_edition.filter(|_| self == Self::Tlsh).unwrap_or(text);
        let is_hex = |length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_right = match self {
            Self::Md5 => is_hex(32),
            Self::Sha1 => is_hex(40),
            Self::Sha256 | Self::Sha3_256 => is_hex(64),
            Self::Sha512 | Self::Sha3_512 => is_hex(128),
            Self::Ssdeep => text.split(':').count() == 3 && text.len() <= 150,
            Self::Tlsh => is_hex(70),
        };
        match (is_right, self) {
            (false, _) => Err(ValueError::new(text, self.name())),
            (true, Self::Ssdeep) => Ok(text.to_owned()),
            (true, Self::Tlsh) => Ok(text.to_ascii_uppercase()),
            (true, _) => Ok(text.to_ascii_lowercase()),
        }
    }
}

/// A text is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind}")]
pub struct ValueError {
    text: String,
    kind: &'static str,
}

impl ValueError {
    fn new(text: &str, kind: &'static str) -> Self {
        let mut text: String = text.chars().take(120).collect();
        text.retain(|character| !character.is_control());
        Self { text, kind }
    }
}

/// Longest value that is taken, in bytes.
const MAX_LENGTH: usize = 8_192;

/// Reads a value of a kind, and the port that stands behind an address.
///
/// ```
/// use taxii_feeds::value::{Kind, Value, read};
/// let (value, port) = read(Kind::IpPort, "2a02:cf40:1::5:40669")?;
/// assert_eq!((value, port), (Value::Address("2a02:cf40:1::5".parse().unwrap()), Some(40669)));
/// assert_eq!(read(Kind::Any, "evil[.]Example[.]com")?.0, Value::Domain("evil.example.com".into()));
/// assert_eq!(read(Kind::Any, "hxxp://evil.example/a'b")?.0, Value::Url("http://evil.example/a'b".into()));
/// # Ok::<(), taxii_feeds::value::ValueError>(())
/// ```
///
/// # Errors
/// When the text is no value of the kind.
pub fn read(kind: Kind, text: &str) -> Result<(Value, Option<u16>), ValueError> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_LENGTH || text.chars().any(char::is_control) {
        return Err(ValueError::new(text, "value: it is empty, too long, or has control characters"));
    }
    let value = match kind {
        Kind::Any => return detect(text),
        Kind::IpPort => {
            let (address, port) = address_and_port(&refang(text))?;
            return Ok((address, Some(port)));
        }
        Kind::Ip => address(&refang(text))?,
        Kind::Domain => domain(&refang(text))?,
        Kind::Url => url(&refang(text))?,
        Kind::Email => email(&refang(text))?,
        Kind::Hash => hash(text)?,
        Kind::CertificateSha1 => Value::CertificateSha1(FileHash::Sha1.read(text)?),
        Kind::Asn => {
            let number = text.strip_prefix("AS").or_else(|| text.strip_prefix("as")).unwrap_or(text);
            Value::Asn(number.parse().map_err(|_| ValueError::new(text, "number of an autonomous system"))?)
        }
        Kind::Mutex => Value::Mutex(text.to_owned()),
        Kind::FileName => Value::FileName(text.to_owned()),
    };
    Ok((value, None))
}

fn detect(text: &str) -> Result<(Value, Option<u16>), ValueError> {
    let plain = refang(text);
    let found = hash(text).or_else(|_| address(&plain));
    if let Ok(value) = found {
        return Ok((value, None));
    }
    if plain.contains("://") {
        return Ok((url(&plain)?, None));
    }
    if let Ok((value, port)) = address_and_port(&plain) {
        return Ok((value, Some(port)));
    }
    let rest = email(&plain).or_else(|_| domain(&plain));
    let rest =
        rest.or_else(|_| if plain.contains('/') { url(&plain) } else { Err(ValueError::new(text, "")) });
    rest.map(|value| (value, None)).map_err(|_| ValueError::new(text, "address, domain, URL or hash"))
}

/// Undoes what makes values harmless to click on: `hxxp`, `[.]`, `(.)`, `[:]`, `[@]`, `[dot]`.
///
/// ```
/// assert_eq!(taxii_feeds::value::refang("hxxps[:]//a[.]b(.)c/d[at]e"), "https://a.b.c/d@e");
/// ```
pub fn refang(text: &str) -> String {
    const DEFANGED: [(&str, &str); 13] = [
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("[.", "."),
        (".]", "."),
        ("[:]", ":"),
        ("[://]", "://"),
        ("[/]", "/"),
        ("[@]", "@"),
        ("[at]", "@"),
        ("\\.", "."),
    ];
    let mut plain = text.to_owned();
    // Brackets mean something in a URL, in its address and after its path begins.
    if !text.contains("//[") {
        for (defanged, character) in DEFANGED {
            if plain.contains(defanged) {
                plain = plain.replace(defanged, character);
            }
        }
    }
    for (defanged, scheme) in
        [("hxxp", "http"), ("hXXp", "http"), ("HXXP", "http"), ("fxp", "ftp"), ("meow", "http")]
    {
        match plain.strip_prefix(defanged) {
            Some(rest) if rest.starts_with("://") || rest.starts_with("s://") => {
                return format!("{scheme}{rest}");
            }
            _ => {}
        }
    }
    plain
}

fn address(text: &str) -> Result<Value, ValueError> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = IpAddr::from_str(bare) {
        return Ok(Value::Address(address));
    }
    let network: IpNet = text.parse().map_err(|_| ValueError::new(text, "address"))?;
    // A range of one address is that address.
    Ok(match network.prefix_len() == network.max_prefix_len() {
        true => Value::Address(network.addr()),
        false => Value::Network(network.trunc()),
    })
}

/// Splits at the last colon, since IPv6 addresses come without brackets.
fn address_and_port(text: &str) -> Result<(Value, u16), ValueError> {
    let wrong = || ValueError::new(text, "address with a port");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    match address(host) {
        Ok(address @ Value::Address(_)) => Ok((address, port)),
        _ => Err(wrong()),
    }
}

fn domain(text: &str) -> Result<Value, ValueError> {
    let wrong = || ValueError::new(text, "domain");
    let name = text.strip_suffix('.').unwrap_or(text);
    // Names with underscores are used, though no host may have one.
    let ascii = match name.is_ascii() {
        true => name.to_ascii_lowercase(),
        false => domain_to_ascii(name).map_err(|_| wrong())?,
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let top = ascii.rsplit('.').next().unwrap_or_default();
    let is_name = ascii.len() <= 253
        && ascii.contains('.')
        && ascii.split('.').all(is_label)
        && !top.bytes().all(|byte| byte.is_ascii_digit());
    if is_name { Ok(Value::Domain(ascii)) } else { Err(wrong()) }
}

fn url(text: &str) -> Result<Value, ValueError> {
    let wrong = || ValueError::new(text, "URL");
    if text.contains(char::is_whitespace) {
        return Err(wrong());
    }
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let (scheme, rest) = whole.split_once("://").ok_or_else(wrong)?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = !host.is_empty() && !host.contains(|character: char| "<>\"'`{}|^\\()".contains(character));
    // Without a scheme only a host tells that it is a URL at all.
    let is_plain = text.len() == whole.len() || has_known_host(host);
    if is_scheme && is_host && is_plain { Ok(Value::Url(whole)) } else { Err(wrong()) }
}

fn has_known_host(host: &str) -> bool {
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    address(without_port).is_ok() || domain(without_port).is_ok()
}

fn email(text: &str) -> Result<Value, ValueError> {
    let wrong = || ValueError::new(text, "mail address");
    let (local, host) = text.rsplit_once('@').ok_or_else(wrong)?;
    let is_local = !local.is_empty()
        && !local.contains(|character: char| character.is_whitespace() || "/:@".contains(character));
    match domain(host) {
        Ok(Value::Domain(host)) if is_local => Ok(Value::Email(format!("{local}@{host}"))),
        _ => Err(wrong()),
    }
}

fn hash(text: &str) -> Result<Value, ValueError> {
    let algorithm = FileHash::of_length(text.len()).ok_or_else(|| ValueError::new(text, "hash"))?;
    Ok(Value::Hash(algorithm, algorithm.read(text)?))
}
