//! The formats of strings that the standard takes from others.
//!
//! By hand is what the crates for it read loosely: `ipnet` lets leading zeros pass, `mediatype` characters that RFC 6838 does not
//! have, and `email_address` a `+` in the domain.

use crate::model::data_type::is_base64;
use fluent_uri::Uri;
use oxilangtag::LanguageTag;
use std::net::{Ipv4Addr, Ipv6Addr};

/// STIX 2.1, section 2.3.
pub(crate) fn is_dictionary_key(key: &str) -> bool {
    (1..=250).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// STIX 2.1, sections 7.3.2 and 11.1: the name of a property that the standard does not define.
pub(crate) fn is_property_name(name: &str) -> bool {
    (3..=250).contains(&name.len())
        && name.as_bytes()[0].is_ascii_lowercase()
        && name.bytes().fold(true, |all, byte| all & matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// STIX 2.1, section 2.8. The official schemas let capital letters pass; the text of the standard does not.
pub(crate) fn is_hex(text: &str) -> bool {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(is_digit)
}

/// Base64 of something: what is empty is left out (section 2.1, as the official schemas read it).
pub(crate) fn is_binary(text: &str) -> bool {
    !text.is_empty() && is_base64(text)
}

/// RFC 5646, section 2.1: whether a tag is well-formed.
pub(crate) fn is_language_tag(tag: &str) -> bool {
    LanguageTag::parse(tag).is_ok()
}

/// An IPv4 address, or a network in CIDR notation.
pub(crate) fn is_ipv4(text: &str) -> bool {
    let (address, prefix) = split_prefix(text);
    address.parse::<Ipv4Addr>().is_ok() && prefix.is_none_or(|prefix| is_prefix(prefix, 32))
}

/// An IPv6 address, or a network in CIDR notation.
pub(crate) fn is_ipv6(text: &str) -> bool {
    let (address, prefix) = split_prefix(text);
    address.parse::<Ipv6Addr>().is_ok() && prefix.is_none_or(|prefix| is_prefix(prefix, 128))
}

fn split_prefix(text: &str) -> (&str, Option<&str>) {
    text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)))
}

fn is_prefix(text: &str, most: u8) -> bool {
    let is_plain = text == "0" || !text.starts_with(['0', '+']);
    is_plain && text.parse::<u8>().is_ok_and(|length| length <= most)
}

/// Six octets in lower case (STIX 2.1, section 6.10).
pub(crate) fn is_mac(text: &str) -> bool {
    text.len() == 17
        && text.bytes().enumerate().all(|(at, byte)| match at % 3 {
            2 => byte == b':',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// RFC 1034, section 3.1, and RFC 5890: labels of at most 63 octets; letters beyond ASCII stand for themselves, and
/// the underscore of service labels is let pass.
pub(crate) fn is_domain_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        // Of letters beyond ASCII the octets of their form in the DNS count, which is nearer to their number than to that
        // of their octets here.
        (1..=63).contains(&label.chars().count())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_') || is_mark(char))
    };
    name.chars().count() <= 253 && name.split('.').all(is_label)
}

/// Combining marks and joiners occur inside labels of RFC 5890.
fn is_mark(char: char) -> bool {
    !char.is_ascii() && !char.is_whitespace() && !char.is_control()
}

/// RFC 5322, section 3.4.1: `local@domain`, nothing around it.
pub(crate) fn is_email_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let is_atom =
        |char: char| char.is_alphanumeric() || !char.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(char);
    let is_dotted = || local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
    let is_literal = || domain.starts_with('[') && domain.ends_with(']');
    (is_quoted || is_dotted()) && (is_domain_name(domain) || is_literal())
}

/// RFC 2047, section 2: whether a text holds `=?charset?encoding?text?=`, as mail headers encode other characters.
pub(crate) fn has_encoded_word(text: &str) -> bool {
    text.match_indices("=?").any(|(at, _)| {
        let mut parts = text[at + 2..].splitn(3, '?');
        let (Some(charset), Some(encoding), Some(word)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        let is_token = !charset.is_empty() && charset.bytes().all(|byte| byte.is_ascii_graphic());
        let end = word.find('?').filter(|end| word[*end..].starts_with("?="));
        is_token
            && matches!(encoding, "B" | "b" | "Q" | "q")
            && end.is_some_and(|end| !word[..end].contains(' '))
    })
}

/// RFC 3986, section 3. A scheme alone is a URI too, but names nothing.
pub(crate) fn is_uri(text: &str) -> bool {
    Uri::parse(text).is_ok_and(|uri| text.len() > uri.scheme().as_str().len() + 1)
}

/// A formatted string of CPE 2.3 (NISTIR 7695, section 6.2): eleven fields after the prefix.
pub(crate) fn is_cpe23(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix("cpe:2.3:") else { return false };
    for index in 0..11 {
        let (field, after) = split_cpe_field(rest);
        let is_right = match index {
            0 => matches!(field, "a" | "h" | "o" | "*" | "-"),
            6 => matches!(field, "*" | "-") || is_cpe_language(field),
            _ => is_cpe_value(field),
        };
        match after {
            _ if !is_right => return false,
            Some(after) => rest = after,
            None => return index == 10,
        }
    }
    false
}

/// The text before the first colon without backslash, and what comes after it.
fn split_cpe_field(text: &str) -> (&str, Option<&str>) {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b':' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or((text, None), |end| (&text[..end], Some(&text[end + 1..])))
}

fn is_cpe_language(field: &str) -> bool {
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let (language, region) = field.split_once('-').unwrap_or((field, "us"));
    let is_area = region.len() == 3 && region.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&language.len())
        && is_word(language)
        && (is_area || region.len() == 2 && is_word(region))
}

/// Letters, digits, `-._`, and other characters after a backslash; wildcards at the ends only.
fn is_cpe_value(field: &str) -> bool {
    if matches!(field, "*" | "-") {
        return true;
    }
    let mut bytes = field.strip_prefix('*').unwrap_or_else(|| field.trim_start_matches('?')).bytes();
    let mut is_empty = true;
    while let Some(byte) = bytes.next() {
        let is_right = match byte {
            b'*' => return !is_empty && bytes.len() == 0,
            b'?' => return !is_empty && bytes.all(|byte| byte == b'?'),
            b'\\' => bytes.next().is_some_and(|byte| byte.is_ascii_punctuation() && !b"-._".contains(&byte)),
            byte => byte.is_ascii_alphanumeric() || b"-._".contains(&byte),
        };
        if !is_right {
            return false;
        }
        is_empty = false;
    }
    !is_empty
}

/// Whether the key of a registry begins with a hive, spelled out, or is written as the kernel has it.
pub(crate) fn begins_with_hive(key: &str) -> bool {
    let first = key.trim_start_matches('\\').split('\\').next().unwrap_or_default();
    let starts =
        |prefix: &str| first.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    starts("HKEY_") || first.eq_ignore_ascii_case("REGISTRY")
}

/// The short name of a registry hive with which a key begins, and the long one that the standard wants (section 6.17).
pub(crate) fn spelled_hive(key: &str) -> Option<(&'static str, &'static str)> {
    const SHORT: [(&str, &str); 7] = [
        ("HKLM", "HKEY_LOCAL_MACHINE"),
        ("HKCC", "HKEY_CURRENT_CONFIG"),
        ("HKCR", "HKEY_CLASSES_ROOT"),
        ("HKCU", "HKEY_CURRENT_USER"),
        ("HKU", "HKEY_USERS"),
        ("HKDD", "HKEY_DYN_DATA"),
        ("HKPD", "HKEY_PERFORMANCE_DATA"),
    ];
    let hive = key.split(['\\', ':', '/']).next().unwrap_or_default();
    SHORT.into_iter().find(|(short, _)| hive.eq_ignore_ascii_case(short))
}

/// A media type (RFC 6838, section 4.2) under a top-level type that IANA lists, or one of two that are in wide use.
pub(crate) fn is_media_type(text: &str) -> bool {
    const TOP_LEVEL: [&str; 12] = [
        "application",
        "audio",
        "chemical",
        "font",
        "haptics",
        "image",
        "message",
        "model",
        "multipart",
        "text",
        "video",
        "x-conference",
    ];
    let is_name = |name: &str| {
        let mark = b"!#$&-^_.+";
        (1..=127).contains(&name.len())
            && name.as_bytes()[0].is_ascii_alphanumeric()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || mark.contains(&byte))
    };
    let is_listed = |top: &str| TOP_LEVEL.iter().any(|known| known.eq_ignore_ascii_case(top));
    text.split_once('/').is_some_and(|(top, name)| is_listed(top) && is_name(name))
}

/// The word of a list that was most likely meant.
pub(crate) fn nearest(word: &str, words: &[&'static str]) -> Option<&'static str> {
    // Long words would cost a product of lengths, and are no slips of the pen.
    if word.len() > 64 {
        return None;
    }
    let plain = |text: &str| text.to_lowercase().replace([' ', '_'], "-");
    let word = plain(word);
    let distance = |known: &&&'static str| strsim::damerau_levenshtein(&word, &plain(known));
    words.iter().min_by_key(distance).filter(|known| distance(known) <= 2).copied()
}

#[cfg(test)]
mod tests {
    use super::{is_cpe23, is_language_tag, is_uri};

    #[test]
    fn names_of_cpe() {
        for right in [
            "cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*",
            r"cpe:2.3:o:a\:b:c\?d:??1.0_r-2*:-:-:pt-BR:-:-:-:-",
            "cpe:2.3:*:*:*:*:*:*:es-419:*:*:*:*",
        ] {
            assert!(is_cpe23(right), "{right}");
        }
        for wrong in [
            "cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*",
            "cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*:*",
            "cpe:2.3:x:microsoft:word:2000:*:*:*:*:*:*:*",
            "cpe:2.3:a:micro%soft:word:2000:*:*:*:*:*:*:*",
            "cpe:2.3:a:micro*soft:word:2000:*:*:*:*:*:*:*",
            "cpe:2.3:a:microsoft::2000:*:*:*:*:*:*:*",
            "cpe:2.3:a:microsoft:**:2000:*:*:*:*:*:*:*",
            r"cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:\",
            "cpe:2.3:a:microsoft:word:2000:*:*:english:*:*:*:*",
        ] {
            assert!(!is_cpe23(wrong), "{wrong}");
        }
    }

    #[test]
    fn language_tags() {
        for right in [
            "de",
            "EN-us",
            "zh-cmn-Hans-CN",
            "es-419",
            "sl-rozaj-biske",
            "de-a-b1-x-own",
            "x-own",
            "i-klingon",
        ] {
            assert!(is_language_tag(right), "{right}");
        }
        for wrong in ["", "d", "en_US", "en-", "en-a", "en-a-x-b", "x", "x-", "abcdefghi", "de-DE-DE", "é"] {
            assert!(!is_language_tag(wrong), "{wrong}");
        }
    }

    #[test]
    fn uris() {
        for right in [
            "http://[2001:db8::1]:80/a",
            "https://u:p@x.example/?q=%20#f",
            "urn:isbn:1",
            "mailto:a@b.example",
            "http://x:/",
            "http://[v1.a]/",
        ] {
            assert!(is_uri(right), "{right}");
        }
        for wrong in [
            "http://example[.]com/",
            "http://x/a[1]",
            "x.example/a",
            "http://x/ y",
            "http://x/%zz",
            ":x",
            "http://x:y/",
            "http://[1.2.3.4]/",
            "http://x@y@z/",
            "urn:a#b#c",
            "http:",
        ] {
            assert!(!is_uri(wrong), "{wrong}");
        }
    }
}
