//! Formats that are often taken for STIX 2.1, recognised by their content.

use crate::finding::Code;
use crate::json::{Document, Kind, Limits, Value};
use std::fmt;
use std::ops::Range;

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
    /// Looks at JSON that may be something else than STIX. What is meant for STIX is never another format, however
    /// broken it is: its faults are to be named.
    ///
    /// ```
    /// use stix_model::json::{Document, Limits};
    /// use stix_model::reader::Foreign;
    /// let of = |text: &str| Foreign::of_json(Document::read(text.as_bytes(), Limits::default()).unwrap().root());
    /// assert_eq!(of(r#"{"Event": {"info": "Phishing", "Attribute": []}}"#), Some(Foreign::Misp));
    /// assert_eq!(of(r#"{"type": "report", "Event": {"info": "Phishing"}}"#), None);
    /// ```
    pub fn of_json(root: Value<'_>) -> Option<Self> {
        if root.kind() == Kind::Array {
            return are_all(root, is_misp).then_some(Self::Misp);
        }
        if is_misp(root) {
            return Some(Self::Misp);
        }
        if is_stix(root) {
            return None;
        }
        let has = |name: &str| root.get(name).is_some();
        let holds = |name: &str, kind: Kind| root.get(name).is_some_and(|value| value.kind() == kind);
        let is_response = |response: Value<'_>| is_misp(response) || are_all(response, is_misp);
        if root.get("response").is_some_and(is_response) {
            return Some(Self::Misp);
        }
        if has("stix_header") || has("STIX_Package") || has("stix:STIX_Package") {
            return Some(Self::Stix1);
        }
        if let Some(objects) = root.get("objects") {
            let is_record = |record: Value<'_>| {
                let has = |name: &str| record.get(name).is_some();
                has("date_added") && !["type", "created", "spec_version"].into_iter().any(has)
            };
            return are_all(objects, is_record).then_some(Self::TaxiiResource("a manifest"));
        }
        if has("title") && (has("http_status") || has("error_code")) {
            return Some(Self::TaxiiError);
        }
        // Properties that the resource must have (TAXII 2.1, sections 3 to 5), and no other has.
        let is_status = has("status") && (has("total_count") || has("success_count"));
        let resources = [
            (holds("collections", Kind::Array), "a list of collections"),
            (has("title") && (has("api_roots") || has("default")), "a discovery resource"),
            (has("title") && (has("versions") || has("max_content_length")), "an API root"),
            (has("title") && (has("can_read") || has("can_write")), "a collection"),
            (holds("versions", Kind::Array), "a list of versions"),
            (is_status, "the status of a request"),
        ];
        resources.into_iter().find(|(is_it, _)| *is_it).map(|(_, name)| Self::TaxiiResource(name))
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

/// Whether an object is STIX, perhaps broken: it says so, or has the identifier of such an object.
fn is_stix(value: Value<'_>) -> bool {
    ["type", "spec_version"].into_iter().any(|name| value.get(name).is_some()) || has_stix_id(value)
}

fn has_stix_id(value: Value<'_>) -> bool {
    value.get("id").is_some_and(|id| id.as_str().is_some_and(|id| id.contains("--")))
}

/// An event, an object or an attribute of MISP, perhaps with its name around it. An attribute has a `type` and an `id` too,
/// which are none of STIX.
fn is_misp(value: Value<'_>) -> bool {
    let has = |name: &str| value.get(name).is_some();
    if has("spec_version") || has_stix_id(value) {
        return false;
    }
    let holds =
        |name: &str| value.get(name).is_some_and(|part| matches!(part.kind(), Kind::Object | Kind::Array));
    let is_attribute = has("uuid") && has("category") && has("value") && (has("event_id") || has("to_ids"));
    is_attribute || !has("type") && ["Event", "Object", "Attribute"].into_iter().any(holds)
}

/// Whether there are elements, and all of them are such.
fn are_all(list: Value<'_>, is_such: impl Fn(Value<'_>) -> bool) -> bool {
    list.elements().next().is_some() && list.elements().all(is_such)
}

/// Text of 16 or 32 bits, with a byte order mark or without. Nothing behind the first line break is looked at.
pub(super) fn encoding(head: &[u8]) -> Option<Foreign> {
    let head = &head[..head.len().min(4)];
    let end = head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |at| at + 1);
    let is_wide = match &head[..end] {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, 0, 0xFE, 0xFF] => true,
        // JSON begins with ASCII characters (RFC 4627, section 3).
        [0, 0, 0, last] => *last != 0,
        [0, first] | [0, first, 0] => *first != 0,
        [0, first, 0, second] => *first != 0 && *second != 0,
        [first, 0, 0, 0] => *first != 0,
        [first, 0, second] | [first, 0, second, 0] => *first != 0 && *second != 0,
        _ => false,
    };
    is_wide.then_some(Foreign::WideText)
}

/// What is known of the beginning of an input. No line of it is looked at twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning {
    /// Bytes before the first character that is not blank.
    blank: usize,
    /// Where the first line begins that was not looked at.
    line: usize,
    /// Bytes in which no other line ends.
    searched: usize,
    /// The first two lines that are neither blank nor comments.
    rows: [Option<Range<usize>>; 2],
}

impl Beginning {
    /// The format of a text that begins like this, `Some(None)` for JSON and for what is not known; `None` when more of
    /// it is needed. JSON shows in its first character, or in a line behind prose; all else in what is there at the end.
    /// Each call adds to the head of the one before.
    pub(super) fn look(&mut self, head: &[u8], is_all: bool) -> Option<Option<Foreign>> {
        self.blank += head[self.blank..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match &head[self.blank..] {
            [] => is_all.then_some(None),
            [b'{' | b'[', ..] => Some(None),
            [b'<'] if !is_all => None,
            [b'<', b'a'..=b'z' | b'A'..=b'Z' | b'!' | b'?', ..] => {
                is_all.then(|| markup(&head[self.blank..]))
            }
            _ if self.has_json(head, is_all) => Some(archive(head)),
            _ => is_all.then(|| archive(head).or_else(|| self.table_or_yaml(head))),
        }
    }

    /// Looks at the lines that have ended; whether one of them is JSON.
    fn has_json(&mut self, head: &[u8], is_all: bool) -> bool {
        loop {
            let end = match memchr::memchr(b'\n', &head[self.searched..]) {
                Some(length) => self.searched + length,
                None if is_all && self.line < head.len() => head.len(),
                None => {
                    self.searched = head.len();
                    return false;
                }
            };
            let row = self.line..end;
            self.line = (end + 1).min(head.len());
            self.searched = self.line;
            let line = head[row.clone()].trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let is_first = self.rows[0].is_none();
            if is_like_json(line) || is_first && Document::read(line, Limits::NONE).is_ok() {
                return true;
            }
            if let Some(free) = self.rows.iter_mut().find(|row| row.is_none()) {
                *free = Some(row);
            }
        }
    }

    fn table_or_yaml(&self, head: &[u8]) -> Option<Foreign> {
        let [first, second] = self.rows.clone().map(|row| row.map(|row| String::from_utf8_lossy(&head[row])));
        table_or_yaml(first?.trim(), second.as_deref().map(str::trim))
    }
}

/// Whether a line cannot be a part of JSON.
pub(super) fn is_prose(line: &[u8]) -> bool {
    !line.starts_with(b"{")
        && !line.starts_with(b"[")
        && !is_like_json(line)
        && Document::read(line, Limits::NONE).is_err()
}

/// Whether a line is JSON or a part of it, perhaps broken, and no row of a table. A row may begin with a GUID in braces.
fn is_like_json(line: &[u8]) -> bool {
    let Some((first, rest)) = line.split_first() else { return false };
    let rest = rest.trim_ascii_start();
    let is_name = |text: &[u8], end: fn(u8) -> bool| {
        let length = text.iter().take_while(|byte| !end(**byte)).count();
        let behind = text[length..].trim_ascii_start();
        behind.strip_prefix(b"\"").unwrap_or(behind).trim_ascii_start().starts_with(b":")
    };
    match first {
        b'}' | b']' => rest.first().is_none_or(|next| b",}]".contains(next)),
        b'{' | b'[' => match rest.first() {
            None | Some(b'"' | b'\'' | b'{' | b'[' | b'}' | b']') => true,
            Some(_) => is_name(rest, |byte| !byte.is_ascii_alphanumeric() && byte != b'_'),
        },
        b'"' => is_name(rest, |byte| byte == b'"'),
        _ => false,
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

/// What a text is that begins with a tag. Its first element tells, and not what its texts speak of.
fn markup(text: &[u8]) -> Option<Foreign> {
    let is_opening = |at: &usize| text.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
    let start = memchr::memchr_iter(b'<', text).find(is_opening).unwrap_or(text.len());
    let (before, rest) = text.split_at(start);
    let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
    let [before, tag] = [before, &rest[..end]].map(|text| String::from_utf8_lossy(text).to_ascii_lowercase());
    let name = tag.trim_start_matches('<').split(|end: char| end.is_whitespace() || end == '/').next();
    let name = name.unwrap_or_default();
    let has = |words: &[&str]| words.iter().any(|word| tag.contains(word));
    Some(if before.contains("<!doctype html") || matches!(name, "html" | "head" | "body") {
        Foreign::Html
    } else if has(&["taxii.mitre.org/messages", "taxii_11:", "taxii_message"]) {
        Foreign::Taxii1
    } else if has(&["stix_package", "stix.mitre.org", "http://docs.oasis-open.org/cti/ns/stix"]) {
        Foreign::Stix1
    } else if matches!(name, "ioc" | "openioc") || has(&["openioc", "schemas.mandiant.com"]) {
        Foreign::OpenIoc
    } else if text.split(|byte| *byte == b'\n').any(|line| is_like_json(line.trim_ascii())) {
        // Prose in angle brackets before JSON.
        return None;
    } else {
        Foreign::Xml
    })
}

/// Whether two rows are those of a table or lines of YAML. One alone is taken for a table when it has no prose.
fn table_or_yaml(first: &str, second: Option<&str>) -> Option<Foreign> {
    if first == "---" || first.starts_with("%YAML") {
        return Some(Foreign::Yaml);
    }
    for separator in [',', '\t', ';', '|'] {
        let count = |line: &str| line.matches(separator).count();
        let columns = count(first);
        let is_json = first.contains(['{', '[']) || first.contains("\":");
        let is_row = |second: &str| count(second) >= columns;
        if columns > 0 && !is_json && second.map_or(!first.contains(' '), is_row) {
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
    let is_yaml = is_key(first) && second.is_some_and(|second| is_key(second) || second.starts_with("- "));
    is_yaml.then_some(Foreign::Yaml)
}
