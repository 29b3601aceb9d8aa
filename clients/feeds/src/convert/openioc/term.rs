//! Terms of OpenIOC, and the properties of STIX that they are about.

use super::super::xml::Element;
use crate::indicator::quote;
use crate::time;
use crate::value::FileHash;
use regex_automata::meta::Regex;
use std::net::IpAddr;

/// A comparison, without brackets.
#[derive(Clone, Default)]
pub(super) struct Comparison {
    /// The type of the object; those of several types cannot be in one observation.
    pub(super) kind: String,
    pub(super) text: String,
    /// Whether it needs no parentheses.
    pub(super) is_plain: bool,
}

/// How the value of a property is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Hash(FileHash),
    Number,
    Time,
    /// A key of the registry.
    Key,
}

/// Terms with one property that says the same.
const PLAIN: &[(&str, &str, Form)] = &[
    ("FileItem/Md5sum", "file:hashes.'MD5'", Form::Hash(FileHash::Md5)),
    ("FileItem/Sha1sum", "file:hashes.'SHA-1'", Form::Hash(FileHash::Sha1)),
    ("FileItem/Sha256sum", "file:hashes.'SHA-256'", Form::Hash(FileHash::Sha256)),
    ("FileItem/FileName", "file:name", Form::Text),
    ("FileItem/FilePath", "file:parent_directory_ref.path", Form::Text),
    ("FileItem/SizeInBytes", "file:size", Form::Number),
    ("FileItem/Created", "file:ctime", Form::Time),
    ("FileItem/Modified", "file:mtime", Form::Time),
    ("FileItem/Accessed", "file:atime", Form::Time),
    ("FileItem/PEInfo/PETimeStamp", "file:extensions.'windows-pebinary-ext'.time_date_stamp", Form::Time),
    ("FileItem/PEInfo/ImportHash", "file:extensions.'windows-pebinary-ext'.imphash", Form::Text),
    (
        "FileItem/PEInfo/Sections/Section/Name",
        "file:extensions.'windows-pebinary-ext'.sections[*].name",
        Form::Text,
    ),
    ("DnsEntryItem/Host", "domain-name:value", Form::Text),
    ("DnsEntryItem/RecordName", "domain-name:value", Form::Text),
    ("DnsEntryItem/RecordData/Host", "domain-name:value", Form::Text),
    ("DnsEntryItem/RecordData/IPv4Address", "ipv4-addr:value", Form::Text),
    ("Network/DNS", "domain-name:value", Form::Text),
    (
        "Network/UserAgent",
        "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
        Form::Text,
    ),
    ("PortItem/remoteIP", "network-traffic:dst_ref.value", Form::Text),
    ("PortItem/remotePort", "network-traffic:dst_port", Form::Number),
    ("PortItem/localIP", "network-traffic:src_ref.value", Form::Text),
    ("PortItem/localPort", "network-traffic:src_port", Form::Number),
    ("RouteEntryItem/Destination", "network-traffic:dst_ref.value", Form::Text),
    ("ProcessItem/name", "process:image_ref.name", Form::Text),
    ("ProcessItem/path", "process:image_ref.parent_directory_ref.path", Form::Text),
    ("ProcessItem/arguments", "process:command_line", Form::Text),
    ("ProcessItem/pid", "process:pid", Form::Number),
    ("ProcessItem/Username", "process:creator_user_ref.account_login", Form::Text),
    // A mutex is one of the things that a handle may be of.
    ("ProcessItem/HandleList/Handle/Name", "mutex:name", Form::Text),
    ("RegistryItem/Path", "windows-registry-key:key", Form::Key),
    ("RegistryItem/KeyPath", "windows-registry-key:key", Form::Key),
    ("RegistryItem/ValueName", "windows-registry-key:values[*].name", Form::Text),
    ("RegistryItem/Text", "windows-registry-key:values[*].data", Form::Text),
    ("RegistryItem/Value", "windows-registry-key:values[*].data", Form::Text),
    ("ServiceItem/name", "process:extensions.'windows-service-ext'.service_name", Form::Text),
    ("ServiceItem/descriptiveName", "process:extensions.'windows-service-ext'.display_name", Form::Text),
    ("UserItem/Username", "user-account:account_login", Form::Text),
    ("Email/From", "email-message:from_ref.value", Form::Text),
    ("Email/To", "email-message:to_refs[*].value", Form::Text),
    ("Email/CC", "email-message:cc_refs[*].value", Form::Text),
    ("Email/Subject", "email-message:subject", Form::Text),
    ("Email/Body", "email-message:body", Form::Text),
    ("Email/Attachment/Name", "email-message:body_multipart[*].body_raw_ref.name", Form::Text),
];

/// The comparison of a term; `None` for one that no pattern can tell.
pub(super) fn comparison(item: &Element) -> Option<Comparison> {
    let search = item.first("Context")?.attribute("search")?;
    let content = item.first("Content")?.text()?;
    let condition = item.attribute("condition").unwrap_or("is").to_ascii_lowercase();
    let (condition, is_not) = match condition.strip_suffix("not") {
        Some(condition) => (condition.to_owned(), true),
        None => (condition, false),
    };
    let is_negated = is_not != (item.attribute("negate") == Some("true"));
    match search {
        "FileItem/FullPath" => full_path(&condition, is_negated, content),
        "FileItem/FileExtension" if condition == "is" => {
            let ending = format!(".{}", content.trim_start_matches('.'));
            plain("file:name", test("ends-with", is_negated, &ending)?)
        }
        "Network/URI" => match (condition.as_str(), content.contains("://")) {
            ("is", false) => {
                let path = "network-traffic:extensions.'http-request-ext'.request_value";
                plain(path, test("is", is_negated, content)?)
            }
            (condition, _) => plain("url:value", test(condition, is_negated, content)?),
        },
        _ => {
            let (_, path, form) = PLAIN.iter().find(|(term, _, _)| *term == search)?;
            // Part of an address is an address where it is whole.
            let is_address = search.ends_with("IP") && content.parse::<IpAddr>().is_ok();
            let condition = if is_address && condition == "contains" { "is" } else { condition.as_str() };
            plain(path, formed(*form, condition, is_negated, content)?)
        }
    }
}

fn plain(path: &str, test: String) -> Option<Comparison> {
    let (kind, _) = path.split_once(':')?;
    Some(Comparison { kind: kind.to_owned(), text: format!("{path} {test}"), is_plain: true })
}

fn formed(form: Form, condition: &str, is_negated: bool, content: &str) -> Option<String> {
    let equal = if is_negated { "!=" } else { "=" };
    let sign = match (condition, is_negated) {
        ("is", _) => equal,
        ("greater-than", false) => ">",
        ("less-than", false) => "<",
        ("greater-than", true) => "<=",
        ("less-than", true) => ">=",
        _ => "",
    };
    match form {
        Form::Hash(algorithm) if condition == "is" => {
            Some(format!("{equal} {}", quote(&algorithm.read(content).ok()?)))
        }
        Form::Hash(_) => None,
        Form::Number if !sign.is_empty() => Some(format!("{sign} {}", content.parse::<i64>().ok()?)),
        Form::Time if !sign.is_empty() => Some(format!("{sign} t'{}'", time::read(content)?)),
        Form::Number | Form::Time => None,
        Form::Key => test(condition, is_negated, &super::super::misp::spelled_out(content)),
        Form::Text => test(condition, is_negated, content),
    }
}

/// A test of a text.
pub(in crate::convert) fn test(condition: &str, is_negated: bool, content: &str) -> Option<String> {
    let not = if is_negated { "NOT " } else { "" };
    // In LIKE these two stand for others, and nothing can be put before them.
    let is_literal = !content.contains(['%', '_']);
    let like = |text: String| format!("{not}LIKE {}", quote(&text));
    let matches = |text: String| format!("{not}MATCHES {}", quote(&text));
    Some(match condition {
        "is" => format!("{} {}", if is_negated { "!=" } else { "=" }, quote(content)),
        "contains" if is_literal => like(format!("%{content}%")),
        "starts-with" if is_literal => like(format!("{content}%")),
        "ends-with" if is_literal => like(format!("%{content}")),
        "contains" => matches(escaped(content)),
        "starts-with" => matches(format!("^{}", escaped(content))),
        "ends-with" => matches(format!("{}$", escaped(content))),
        "matches" if Regex::new(content).is_ok() => matches(content.to_owned()),
        _ => return None,
    })
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if !character.is_alphanumeric()
            && character.is_ascii()
            && character != ' '
            && character != '_'
            && character != '%'
        {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A path is the directory and the name in STIX. A part of it that has a backslash in it may stand in the directory, or across both.
fn full_path(condition: &str, is_negated: bool, content: &str) -> Option<Comparison> {
    const DIRECTORY: &str = "file:parent_directory_ref.path";
    let across = content.rsplit_once(['\\', '/']);
    let alternatives: Vec<Vec<(&str, String)>> = match (condition, across) {
        ("is", Some((directory, name))) if !name.is_empty() => {
            vec![vec![(DIRECTORY, test("is", false, directory)?), ("file:name", test("is", false, name)?)]]
        }
        ("contains", Some((directory, name))) => {
            let mut found = vec![vec![(DIRECTORY, test("contains", false, content)?)]];
            let ends = test("ends-with", false, directory)?;
            found.push(match name {
                "" => vec![(DIRECTORY, ends)],
                name => vec![(DIRECTORY, ends), ("file:name", test("starts-with", false, name)?)],
            });
            found
        }
        ("contains", None) => vec![
            vec![(DIRECTORY, test("contains", false, content)?)],
            vec![("file:name", test("contains", false, content)?)],
        ],
        _ => return None,
    };
    if is_negated {
        // A negation of this would need one of the whole.
        return None;
    }
    let texts: Vec<String> = alternatives
        .iter()
        .map(|all| {
            let all: Vec<String> = all.iter().map(|(path, test)| format!("{path} {test}")).collect();
            if all.len() > 1 && alternatives.len() > 1 {
                format!("({})", all.join(" AND "))
            } else {
                all.join(" AND ")
            }
        })
        .collect();
    Some(Comparison { kind: "file".to_owned(), text: texts.join(" OR "), is_plain: false })
}
