//! What both sides read: a bundle in three forms, patterns, and observed objects.

use crate::indicators::{Indicator, Random, observation};
use anyhow::{Context, Result};
use bytes::Bytes;
use std::io::Read as _;
use std::path::Path;
use stix_model::json::{Document, Limits};

/// Reads a file, unpacking `.gz`.
pub fn load(path: &Path) -> Result<Bytes> {
    let file = std::fs::read(path).with_context(|| path.display().to_string())?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(file.into());
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&file[..]).read_to_end(&mut text)?;
    Ok(text.into())
}

/// The texts of the objects of a bundle.
pub fn objects(bundle: &Bytes) -> Result<Vec<String>> {
    let document = Document::read(bundle, Limits::default())?;
    let objects = document.root().get("objects").context("no `objects`")?;
    Ok(objects.elements().map(|object| object.raw().to_owned()).collect())
}

/// A bundle of some objects.
pub fn bundle<'a>(objects: impl IntoIterator<Item = &'a String>) -> Bytes {
    let objects: Vec<&str> = objects.into_iter().map(String::as_str).collect();
    let id = "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d";
    format!(r#"{{"type":"bundle","id":"{id}","objects":[{}]}}"#, objects.join(",")).into()
}

/// How a text is to be laid out.
#[derive(Clone, Copy, PartialEq)]
pub enum Layout {
    /// No white space at all.
    Compact,
    /// Each member and element on a line of its own, four spaces for each level.
    Indented,
}

/// The same JSON text with other white space.
pub fn lay_out(text: &[u8], layout: Layout) -> Bytes {
    let mut out = Vec::with_capacity(text.len() * 3 / 2);
    let (mut level, mut is_inside, mut is_escaped) = (0, false, false);
    for &byte in text {
        if is_inside {
            out.push(byte);
            is_inside = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
            continue;
        }
        let line = |out: &mut Vec<u8>, level: usize| {
            if layout == Layout::Indented {
                out.push(b'\n');
                out.resize(out.len() + 4 * level, b' ');
            }
        };
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => continue,
            b'}' | b']' => {
                level -= 1;
                line(&mut out, level);
            }
            _ => {}
        }
        out.push(byte);
        match byte {
            b'"' => is_inside = true,
            b'{' | b'[' => {
                level += 1;
                line(&mut out, level);
            }
            b',' => line(&mut out, level),
            b':' if layout == Layout::Indented => out.push(b' '),
            _ => {}
        }
    }
    out.into()
}

/// The n-th of many different values, the same in each run: a step of splitmix64.
fn scramble(n: usize) -> u64 {
    let mut mixed = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed ^ (mixed >> 31)
}

fn address(n: usize) -> String {
    let [a, b, c, ..] = scramble(n).to_le_bytes();
    format!("{}.{a}.{b}.{c}", 1 + n % 223)
}

fn domain(n: usize) -> String {
    format!("{:012x}.example", scramble(n) >> 16)
}

fn sha256(n: usize) -> String {
    (0..4).map(|part| format!("{:016x}", scramble(4 * n + part))).collect()
}

/// Patterns of one observation, as indicators have them: mostly plain comparisons, some with operators that
/// need more work.
pub fn patterns(count: usize) -> Vec<String> {
    let pattern = |n: usize| match n % 10 {
        0..=2 => format!("[ipv4-addr:value = '{}']", address(n)),
        3 | 4 => format!("[domain-name:value = '{}']", domain(n)),
        5 | 6 => format!("[file:hashes.'SHA-256' = '{}']", sha256(n)),
        // Of one type, because rstix 0.23 finds no object for the second side of an OR over two types.
        7 => format!("[domain-name:value = '{}' OR domain-name:value = '{}']", domain(n), domain(n + 1)),
        8 => format!("[ipv4-addr:value IN ('{}', '{}', '{}')]", address(n), address(n + 1), address(n + 2)),
        _ => format!("[file:name LIKE '%{:08x}.exe' AND file:size > {}]", scramble(n) >> 32, n % 4096),
    };
    (0..count).map(pattern).collect()
}

/// Observed objects; one in a hundred is what a pattern of the first thousand looks for.
pub fn observables(count: usize) -> Vec<String> {
    let object = |n: usize| {
        let seed = if n.is_multiple_of(100) { n / 100 % 1000 } else { 1_000_000_000 + n };
        let (kind, rest) = match seed % 10 {
            0..=2 | 8 => ("ipv4-addr", format!(r#""value":"{}""#, address(seed))),
            3 | 4 | 7 => ("domain-name", format!(r#""value":"{}""#, domain(seed))),
            5 | 6 => ("file", format!(r#""hashes":{{"SHA-256":"{}"}}"#, sha256(seed))),
            _ => ("file", format!(r#""name":"x{:08x}.exe","size":5000"#, scramble(seed) >> 32)),
        };
        let tail = scramble(n) >> 16;
        format!(
            r#"{{"type":"{kind}","spec_version":"2.1","id":"{kind}--{n:08x}-0000-5000-8000-{tail:012x}",{rest}}}"#
        )
    };
    (0..count).map(object).collect()
}

/// Patterns for a set, in the same mix as in its bench: seven in ten are equalities, two LIKE, MATCHES or ISSUBSET.
pub fn indicators(count: u64) -> Vec<String> {
    (0..count).map(|number| Indicator::new(number).pattern()).collect()
}

/// What a sensor sees; three in a hundred show one of so many indicators.
pub fn observations(count: usize, indicators: u64) -> Vec<String> {
    let mut random = Random::new(indicators);
    let mut observation = || match random.below(100) < 3 {
        true => Indicator::new(random.below(indicators)).observation(&mut random),
        false => observation(&mut random),
    };
    (0..count).map(|_| observation()).collect()
}
