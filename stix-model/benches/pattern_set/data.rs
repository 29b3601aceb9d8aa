//! Indicators and observations as feeds and sensors have them, made up from seeds.

/// SplitMix64, by hand: measurements compare only while the data stays the same.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits.div_ceil(16)).map(|_| format!("{:016x}", self.next())).collect::<String>()[..digits]
            .to_owned()
    }

    fn ipv4(&mut self) -> String {
        let [a, b, c, d, ..] = self.next().to_le_bytes();
        format!("{}.{b}.{c}.{d}", 1 + a % 223)
    }

    fn ipv6(&mut self) -> String {
        format!("2001:db8:{:x}:{:x}::{:x}", self.below(1 << 16), self.below(1 << 16), self.below(1 << 16))
    }

    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 32] = [
            "ba", "con", "da", "el", "fi", "go", "hu", "in", "jo", "ka", "lo", "mi", "net", "or", "pa", "qu",
            "re", "sec", "ta", "up", "vi", "wo", "xe", "ya", "zu", "mail", "log", "web", "bank", "pay",
            "cdn", "soft",
        ];
        (0..2 + self.below(3)).map(|_| self.pick(&SYLLABLES)).collect()
    }

    fn domain(&mut self) -> String {
        const TOP: [&str; 10] =
            ["com", "net", "org", "ru", "cn", "top", "xyz", "info", "blogspot.com", "azurewebsites.net"];
        let number = if self.below(3) == 0 { self.below(1000).to_string() } else { String::new() };
        format!("{}-{}{number}.{}", self.word(), self.word(), self.pick(&TOP))
    }

    fn host(&mut self) -> String {
        let domain = self.domain();
        if self.below(2) == 0 {
            format!("{}.{domain}", self.pick(&["www", "mail", "api", "cdn1", "login"]))
        } else {
            domain
        }
    }

    fn path(&mut self) -> String {
        let page = self.pick(&["index.php", "gate.php", "login.html", "update.exe", "wp-login.php", "a.js"]);
        format!("{}/{}/{page}", self.word(), self.word())
    }

    fn url(&mut self) -> String {
        let query = if self.below(2) == 0 { format!("?id={}", self.hex(12)) } else { String::new() };
        format!("{}://{}/{}{query}", self.pick(&["http", "https"]), self.host(), self.path())
    }

    fn file_name(&mut self) -> String {
        format!(
            "{}_{}.{}",
            self.word(),
            self.word(),
            self.pick(&["exe", "dll", "doc", "pdf", "zip", "ps1", "js"])
        )
    }
}

/// One of the patterns; it follows from its number.
pub(crate) enum Indicator {
    Hash(&'static str, String),
    Address(String),
    Domain(String),
    Url(String),
    DomainSuffix(String),
    UrlPrefix(String),
    UrlPart(String),
    Network { path: &'static str, octets: [u64; 3], prefix: u64 },
    UrlRegex { host: String, page: String },
    NameRegex { word: String },
    Endpoint { address: String, port: u64 },
    Hashes { name: String, md5: String, sha1: String, sha256: String },
    Domains(Vec<String>),
    Callback { address: String, domain: String },
    Dropper { word: String, address: String },
    NamedFile { name: String, folder: String },
    Volume { bytes: u64 },
}

impl Indicator {
    /// Of a hundred, 70 are equalities, 20 LIKE, ISSUBSET or MATCHES, and 10 compound. One in 50,000 only compares an
    /// order.
    pub(crate) fn new(number: u64) -> Self {
        let mut random = Random::new(number + 1);
        if number % 50_000 == 49_999 {
            return Self::Volume { bytes: 1_000_000_000 + random.below(1_000_000) };
        }
        match number % 100 {
            0..20 => Self::Hash("SHA-256", random.hex(64)),
            20..27 => Self::Hash("MD5", random.hex(32)),
            27..32 => Self::Hash("SHA-1", random.hex(40)),
            32..47 => Self::Address(random.ipv4()),
            47..50 => Self::Address(random.ipv6()),
            50..60 => Self::Domain(random.host()),
            60..70 => Self::Url(random.url()),
            70..77 => Self::DomainSuffix(random.domain()),
            77..80 => Self::UrlPrefix(random.host()),
            80..83 => Self::UrlPart(random.path()),
            number @ 83..88 => {
                let path = if number < 86 { "ipv4-addr:value" } else { "network-traffic:dst_ref.value" };
                let octets = [1 + random.below(223), random.below(256), random.below(256)];
                Self::Network { path, octets, prefix: 20 + random.below(9) }
            }
            88 => Self::UrlRegex { host: random.domain(), page: random.word() },
            89 => Self::NameRegex { word: random.word() + &random.word() },
            90..92 => {
                Self::Endpoint { address: random.ipv4(), port: [443, 80, 8080, 4444][number as usize % 4] }
            }
            92..94 => Self::Hashes {
                name: random.file_name(),
                md5: random.hex(32),
                sha1: random.hex(40),
                sha256: random.hex(64),
            },
            94..96 => Self::Domains((0..3 + random.below(6)).map(|_| random.host()).collect()),
            96..98 => Self::Callback { address: random.ipv4(), domain: random.host() },
            98 => Self::Dropper { word: random.word() + &random.word(), address: random.ipv4() },
            _ => Self::NamedFile { name: random.file_name(), folder: random.word() },
        }
    }

    pub(crate) fn pattern(&self) -> String {
        match self {
            Self::Hash(algorithm, hash) => format!("[file:hashes.'{algorithm}' = '{hash}']"),
            Self::Address(address) if address.contains(':') => format!("[ipv6-addr:value = '{address}']"),
            Self::Address(address) => format!("[ipv4-addr:value = '{address}']"),
            Self::Domain(domain) => format!("[domain-name:value = '{domain}']"),
            Self::Url(url) => format!("[url:value = '{url}']"),
            Self::DomainSuffix(domain) => format!("[domain-name:value LIKE '%.{domain}']"),
            Self::UrlPrefix(host) => format!("[url:value LIKE 'http://{host}/%']"),
            Self::UrlPart(path) => format!("[url:value LIKE '%/{path}?id=%']"),
            Self::Network { path, octets: [a, b, c], prefix } => {
                format!("[{path} ISSUBSET '{a}.{b}.{c}.0/{prefix}']")
            }
            Self::UrlRegex { host, page } => {
                let host = host.replace('.', r"\\.");
                format!(r"[url:value MATCHES '^https?://([a-z0-9]+\\.)*{host}/{page}[0-9]*\\.php']")
            }
            Self::NameRegex { word } => {
                format!(r"[file:name MATCHES '(?i){word}[_-]?v?[0-9]+\\.(exe|dll)$']")
            }
            Self::Endpoint { address, port } => {
                format!("[network-traffic:dst_ref.value = '{address}' AND network-traffic:dst_port = {port}]")
            }
            Self::Hashes { name, md5, sha1, sha256 } => format!(
                "[file:hashes.'SHA-256' = '{sha256}' OR file:hashes.'SHA-1' = '{sha1}' OR \
                 (file:hashes.MD5 = '{md5}' AND file:name != '{name}')]"
            ),
            Self::Domains(domains) => format!("[domain-name:value IN ('{}')]", domains.join("', '")),
            Self::Callback { address, domain } => {
                format!("[ipv4-addr:value = '{address}'] AND [domain-name:value = '{domain}']")
            }
            Self::Dropper { word, address } => format!(
                "([file:name LIKE '%{word}%' AND file:size > 1024] FOLLOWEDBY \
                 [network-traffic:dst_ref.value = '{address}']) WITHIN 600 SECONDS"
            ),
            Self::NamedFile { name, folder } => format!(
                "[file:name = '{name}' AND file:parent_directory_ref.path LIKE '%{folder}%' AND NOT EXISTS file:ctime]"
            ),
            Self::Volume { bytes } => {
                format!("[network-traffic:src_byte_count > {bytes} AND network-traffic:dst_port != 443]")
            }
        }
    }

    /// Something that shows the pattern, or a part of it.
    pub(crate) fn observation(&self, random: &mut Random) -> String {
        match self {
            Self::Hash(algorithm, hash) => {
                let (name, size) = (random.file_name(), random.below(1 << 24));
                file(random, &name, size, &format!(r#""{algorithm}": "{hash}""#))
            }
            Self::Address(address) if address.contains(':') => simple(random, "ipv6-addr", address),
            Self::Address(address) => simple(random, "ipv4-addr", address),
            Self::Domain(domain) => simple(random, "domain-name", domain),
            Self::Url(url) => simple(random, "url", url),
            Self::DomainSuffix(domain) => simple(random, "domain-name", &format!("a7.{domain}")),
            Self::UrlPrefix(host) => {
                let path = random.path();
                simple(random, "url", &format!("http://{host}/{path}"))
            }
            Self::UrlPart(path) => {
                let url = format!("https://{}/{path}?id={}", random.host(), random.hex(8));
                simple(random, "url", &url)
            }
            Self::Network { path, octets: [a, b, c], .. } => {
                let address = format!("{a}.{b}.{c}.{}", random.below(16));
                if path.starts_with("ipv4") {
                    simple(random, "ipv4-addr", &address)
                } else {
                    traffic(random, &address, 443)
                }
            }
            Self::UrlRegex { host, page } => {
                simple(random, "url", &format!("https://www.{host}/{page}7.php?x"))
            }
            Self::NameRegex { word } => {
                let hashes = format!(r#""MD5": "{}""#, random.hex(32));
                file(random, &format!("{}-v12.EXE", word.to_uppercase()), 7, &hashes)
            }
            Self::Endpoint { address, port } => traffic(random, address, *port),
            Self::Hashes { sha1, sha256, .. } => {
                let hashes = format!(r#""SHA-1": "{sha1}", "SHA-256": "{sha256}""#);
                file(random, "x.exe", 9, &hashes)
            }
            Self::Domains(domains) => simple(random, "domain-name", &domains[0]),
            Self::Callback { address, domain } => {
                if random.below(2) == 0 {
                    simple(random, "ipv4-addr", address)
                } else {
                    simple(random, "domain-name", domain)
                }
            }
            Self::Dropper { word, address } => {
                if random.below(2) == 0 {
                    return traffic(random, address, 80);
                }
                let hashes = format!(r#""SHA-256": "{}""#, random.hex(64));
                file(random, &format!("setup_{word}_7.msi"), 123_456, &hashes)
            }
            Self::NamedFile { name, folder } => {
                let folder = format!(r"C:\\Users\\{folder}\\AppData");
                let file = format!(
                    r#"{{"type": "file", "spec_version": "2.1", "id": "file--1", "name": "{name}", "parent_directory_ref": "directory--2"}}"#
                );
                let directory =
                    format!(r#"{{"type": "directory", "id": "directory--2", "path": "{folder}"}}"#);
                observed(random, &[file, directory], r#""file--1", "directory--2""#)
            }
            Self::Volume { .. } => traffic_of(random, "10.1.2.3", 80, 2_000_000_000),
        }
    }
}

/// What a sensor sees on a quiet day.
pub(crate) fn observation(random: &mut Random) -> String {
    match random.below(100) {
        0..20 => {
            let address = random.ipv4();
            simple(random, "ipv4-addr", &address)
        }
        20..40 => {
            let host = random.host();
            simple(random, "domain-name", &host)
        }
        40..57 => {
            let url = random.url();
            simple(random, "url", &url)
        }
        57..72 => {
            let hashes = format!(
                r#""MD5": "{}", "SHA-1": "{}", "SHA-256": "{}""#,
                random.hex(32),
                random.hex(40),
                random.hex(64)
            );
            let (name, size) = (random.file_name(), random.below(1 << 24));
            file(random, &name, size, &hashes)
        }
        _ => {
            let (address, port) = (random.ipv4(), [443, 80, 53, 8080][random.below(4) as usize]);
            traffic(random, &address, port)
        }
    }
}

fn id(random: &mut Random) -> String {
    let hex = random.hex(32);
    format!("{}-{}-5{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

fn simple(random: &mut Random, object_type: &str, value: &str) -> String {
    let id = id(random);
    format!(
        r#"{{"type": "{object_type}", "spec_version": "2.1", "id": "{object_type}--{id}", "value": "{value}"}}"#
    )
}

fn file(random: &mut Random, name: &str, size: u64, hashes: &str) -> String {
    let id = id(random);
    format!(
        r#"{{"type": "file", "spec_version": "2.1", "id": "file--{id}", "name": "{name}", "size": {size}, "hashes": {{{hashes}}}, "mtime": "2026-03-01T10:20:30.000Z"}}"#
    )
}

fn traffic(random: &mut Random, address: &str, port: u64) -> String {
    let bytes = random.below(1 << 20);
    traffic_of(random, address, port, bytes)
}

fn traffic_of(random: &mut Random, address: &str, port: u64, bytes: u64) -> String {
    let ids: Vec<_> =
        ["network-traffic", "ipv4-addr", "ipv4-addr"].map(|name| format!("{name}--{}", id(random))).into();
    let (source, target) = (format!("10.{}.0.{}", random.below(256), random.below(256)), address);
    let traffic = format!(
        r#"{{"type": "network-traffic", "spec_version": "2.1", "id": "{}", "src_ref": "{}", "dst_ref": "{}", "src_port": {}, "dst_port": {port}, "protocols": ["ipv4", "tcp"], "src_byte_count": {bytes}}}"#,
        ids[0],
        ids[1],
        ids[2],
        1024 + random.below(60_000)
    );
    let address = |id: &str, value: &str| {
        format!(r#"{{"type": "ipv4-addr", "spec_version": "2.1", "id": "{id}", "value": "{value}"}}"#)
    };
    let objects = [traffic, address(&ids[1], &source), address(&ids[2], target)];
    observed(random, &objects, &format!("\"{}\"", ids.join("\", \"")))
}

fn observed(random: &mut Random, objects: &[String], refs: &str) -> String {
    let data = format!(
        r#"{{"type": "observed-data", "spec_version": "2.1", "id": "observed-data--{}", "first_observed": "2026-03-01T10:20:30.000Z", "last_observed": "2026-03-01T10:20:31.000Z", "number_observed": 1, "object_refs": [{refs}]}}"#,
        id(random)
    );
    format!(
        r#"{{"type": "bundle", "id": "bundle--{}", "objects": [{data}, {}]}}"#,
        id(random),
        objects.join(", ")
    )
}
