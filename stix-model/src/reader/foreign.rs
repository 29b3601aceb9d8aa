//! Formats that are often taken for STIX 2.1, recognised by their content.

use crate::json::{Document, Kind, Limits, Value};
use crate::validate::Code;
use std::fmt;

/// A format that is not JSON of STIX 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// Comma-separated values, or with tabs or semicolons.
    Csv,
    /// A page of the Web.
    Html,
    /// STIX 1.x, in XML or JSON.
    Stix1,
    /// A message of TAXII 1.x.
    Taxii1,
    /// An indicator of OpenIOC.
    OpenIoc,
    /// Other XML.
    Xml,
    /// Events or attributes of MISP.
    Misp,
    /// YAML, such as rules of Sigma.
    Yaml,
    /// A ZIP archive.
    Zip,
    /// Another archive or compression: bzip2, xz, 7z, tar.
    Archive,
    /// A PDF document.
    Pdf,
    /// UTF-16 or UTF-32.
    WideText,
    /// What a TAXII server answers with when it refuses.
    TaxiiError,
    /// A resource of TAXII that holds no objects, named here.
    TaxiiResource(&'static str),
}

impl Foreign {
    /// Looks at JSON that is neither a STIX object nor something around STIX objects.
    pub fn of_json(root: Value<'_>) -> Option<Self> {
        let first = || root.elements().next();
        let has = |value: Value<'_>, name: &str| value.get(name).is_some();
        let is_event = |value: Value<'_>| {
            value.get("Event").is_some_and(|event| event.kind() == Kind::Object)
                || (has(value, "uuid") && (has(value, "Attribute") || has(value, "event_id")))
        };
        if root.kind() == Kind::Array {
            return first().filter(|first| is_event(*first)).map(|_| Self::Misp);
        }
        if root.kind() != Kind::Object || has(root, "type") && has(root, "id") {
            return None;
        }
        let response = root.get("response");
        let is_response = response.is_some_and(|response| {
            has(response, "Attribute") || response.elements().next().is_some_and(is_event)
        });
        if is_event(root) || is_response {
            return Some(Self::Misp);
        }
        if has(root, "stix_header") || has(root, "STIX_Package") || has(root, "stix:STIX_Package") {
            return Some(Self::Stix1);
        }
        if has(root, "title") && (has(root, "http_status") || has(root, "error_code")) {
            return Some(Self::TaxiiError);
        }
        let resources = [
            ("collections", "a list of collections"),
            ("api_roots", "a discovery resource"),
            ("max_content_length", "an API root"),
            ("can_read", "a collection"),
            ("versions", "a list of versions"),
            ("total_count", "the status of a request"),
        ];
        let found = resources.into_iter().find(|(name, _)| has(root, name));
        if let Some((_, name)) = found {
            return Some(Self::TaxiiResource(name));
        }
        let objects = root.get("objects").and_then(|objects| objects.elements().next());
        objects.filter(|record| has(*record, "date_added") && !has(*record, "type"))?;
        Some(Self::TaxiiResource("a manifest"))
    }

    /// What to do with it.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Csv => "turn each row into an object, for instance an indicator with a pattern",
            Self::Html => {
                "look at it in a browser: where it came from may want a login, or be another address"
            }
            Self::Stix1 => "convert it with the elevator of OASIS (pip install stix2-elevator)",
            Self::Taxii1 => {
                "ask the server by TAXII 2.1, or take STIX 1.x out of it and convert that with stix2-elevator"
            }
            Self::OpenIoc | Self::Xml => "give STIX 2.1 in JSON",
            Self::Misp => "let MISP export it as STIX 2.1 (returnFormat stix2), or convert it with misp-stix",
            Self::Yaml => "give STIX 2.1 in JSON",
            Self::Zip => "unpack it and give the files in it; gzip and zstd are read as they are",
            Self::Archive => "unpack it; gzip and zstd are read as they are",
            Self::Pdf => "give STIX 2.1 in JSON",
            Self::WideText => "convert it to UTF-8, for instance with iconv -f UTF-16 -t UTF-8",
            Self::TaxiiError => "read what the server says in it, and fetch the objects again",
            Self::TaxiiResource(_) => "fetch the objects of a collection, for instance with taxii pull",
        }
    }

    pub(super) fn code(self) -> Code {
        Code::Foreign
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "this is a table (CSV), not STIX 2.1",
            Self::Html => "this is a web page (HTML), perhaps a login page, not STIX 2.1",
            Self::Stix1 => "this is STIX 1.x, not STIX 2.1",
            Self::Taxii1 => "this is a message of TAXII 1.x, not STIX 2.1",
            Self::OpenIoc => "this is OpenIOC (XML), not STIX 2.1",
            Self::Xml => "this is XML, not STIX 2.1",
            Self::Misp => "this is JSON of MISP, not STIX 2.1",
            Self::Yaml => "this is YAML, not STIX 2.1",
            Self::Zip => "this is a ZIP archive",
            Self::Archive => "this is an archive or compressed in a way that is not read",
            Self::Pdf => "this is a PDF document, not STIX 2.1",
            Self::WideText => "this text is UTF-16 or UTF-32, and JSON is UTF-8",
            Self::TaxiiError => "this is the refusal of a TAXII server, not STIX 2.1",
            Self::TaxiiResource(name) => return write!(f, "this is {name} of TAXII, and holds no objects"),
        })
    }
}

/// Text of 16 or 32 bits, with a byte order mark or without. Nothing behind the first line break is looked at.
pub(super) fn encoding(head: &[u8]) -> Option<Foreign> {
    let head = &head[..head.len().min(4)];
    let end = head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |at| at + 1);
    let is_wide = match &head[..end] {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, 0, 0xFE, 0xFF] => true,
        // JSON begins with ASCII characters (RFC 4627, section 3).
        [0, 0, 0, last] => *last != 0,
        [0, second, ..] => *second != 0,
        [first, 0, 0, 0] => *first != 0,
        [first, 0, second, ..] => *first != 0 && *second != 0,
        _ => false,
    };
    is_wide.then_some(Foreign::WideText)
}

/// The format of a text that begins like this, `Some(None)` for JSON and for what is not known; `None` when more of it
/// is needed. JSON shows in its first character or line, tables and YAML in their first two.
pub(super) fn format(head: &[u8], is_all: bool) -> Option<Option<Foreign>> {
    let text = head.trim_ascii_start();
    match text.first() {
        None => is_all.then_some(None),
        Some(b'{' | b'[') => Some(None),
        Some(b'<') => is_all.then(|| Some(markup(text))),
        Some(_) => {
            let end = if is_all { text.len() } else { memchr::memrchr(b'\n', text).map_or(0, |at| at + 1) };
            lines(&text[..end], is_all).map(|seen| archive(head).or(seen))
        }
    }
}

fn archive(head: &[u8]) -> Option<Foreign> {
    let magic: [(&[u8], Foreign); 7] = [
        (b"PK\x03\x04", Foreign::Zip),
        (b"PK\x05\x06", Foreign::Zip),
        (b"BZh", Foreign::Archive),
        (b"\xFD7zXZ\0", Foreign::Archive),
        (b"7z\xBC\xAF", Foreign::Archive),
        (b"Rar!", Foreign::Archive),
        (b"%PDF", Foreign::Pdf),
    ];
    let found = magic.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, foreign)| *foreign);
    found.or_else(|| (head.get(257..262) == Some(b"ustar")).then_some(Foreign::Archive))
}

fn markup(text: &[u8]) -> Foreign {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["<!doctype html", "<html", "<head", "<body"]) {
        Foreign::Html
    } else if has(&["taxii.mitre.org/messages", "taxii_11:", "taxii_message"]) {
        Foreign::Taxii1
    } else if has(&["stix_package", "stix.mitre.org", "http://docs.oasis-open.org/cti/ns/stix"]) {
        Foreign::Stix1
    } else if has(&["openioc", "schemas.mandiant.com"]) {
        Foreign::OpenIoc
    } else {
        Foreign::Xml
    }
}

/// Rows and YAML; `None` when there are too few whole lines to tell.
fn lines(text: &[u8], is_all: bool) -> Option<Option<Foreign>> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(first) = lines.next() else { return is_all.then_some(None) };
    // A value of JSON by itself, or lines of them.
    if Document::read(first.as_bytes(), Limits::NONE).is_ok() {
        return Some(None);
    }
    let second = lines.next();
    (is_all || second.is_some()).then(|| table_or_yaml(first, second))
}

fn table_or_yaml(first: &str, second: Option<&str>) -> Option<Foreign> {
    if first == "---" || first.starts_with("%YAML") {
        return Some(Foreign::Yaml);
    }
    for separator in [',', '\t', ';', '|'] {
        let count = |line: &str| line.matches(separator).count();
        let columns = count(first);
        let is_json = first.contains(['{', '[']) || first.contains("\":");
        if columns > 0 && !is_json && second.is_none_or(|second| count(second) >= columns) {
            return Some(Foreign::Csv);
        }
    }
    let is_key = |line: &str| {
        line.split_once(':').is_some_and(|(key, rest)| {
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte);
            let is_named =
                key.starts_with(|first: char| first.is_ascii_alphabetic()) && key.bytes().all(is_word);
            is_named && (rest.is_empty() || rest.starts_with(' '))
        })
    };
    let is_yaml = is_key(first) && second.is_none_or(|second| is_key(second) || second.starts_with("- "));
    is_yaml.then_some(Foreign::Yaml)
}
