//! Bodies of POST that are no envelope of I-JSON. None may be accepted, not even in part.
//!
//! Wrong property types inside an object with a readable type and id are left out: they fail that object only.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::random::Random;
use super::{BAD_BODY, Case, Target};
use crate::client::TAXII;
use crate::wire::Head;

/// A content coding or content type may be refused as such, before the body is read.
const BAD_TYPE: &[u16] = &[400, 413, 415, 422];

/// Larger bombs would take longer to build here than to defuse there.
const MAX_BOMB: u64 = 256 << 20;

pub(super) fn case(target: &Target, random: &mut Random) -> Case {
    match random.below(10) {
        0 => syntax(target, random),
        1 => cut(target, random),
        2 => repeated_name(target, random),
        3 => nesting(target, random),
        4 => number(target, random),
        5 => text(target, random),
        6 => wrong_type(target, random),
        7 => content_type(target, random),
        8 => coding(target, random),
        _ => framing(target, random),
    }
}

fn post(target: &Target) -> Head {
    target.head("POST", &target.objects())
}

fn posted(target: &Target, name: impl Into<String>, body: &[u8]) -> Case {
    Case::new(name, post(target).header("Content-Type", TAXII).with_body(body), BAD_BODY)
}

/// A good object as text, with further members.
fn object(random: &mut Random, more: &str) -> String {
    format!(
        r#"{{"type":"malware","spec_version":"2.1","id":"malware--{}","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"hostile","is_family":false{more}}}"#,
        random.uuid()
    )
}

/// Puts a JSON value where it hurts: at the top, in the envelope, in an object, or deeper.
fn placed(random: &mut Random, value: &str) -> String {
    match random.below(4) {
        0 => value.to_owned(),
        1 => format!(r#"{{"objects":[{}],"x_hostile":{value}}}"#, object(random, "")),
        2 => format!(r#"{{"objects":[{}]}}"#, object(random, &format!(r#","x_hostile":{value}"#))),
        _ => {
            let inner = format!(r#","x_hostile":{{"list":[1,{{"value":{value}}}]}}"#);
            format!(r#"{{"objects":[{},{}]}}"#, object(random, ""), object(random, &inner))
        }
    }
}

fn syntax(target: &Target, random: &mut Random) -> Case {
    const BROKEN: &[&str] = &[
        "",
        " ",
        "{",
        "}",
        "[",
        "nul",
        "{]",
        "{\"objects\"",
        "{\"objects\":",
        "{\"objects\":[}",
        "{\"objects\":[,]}",
        "{'objects':[1]}",
        "{objects:[1]}",
        "{\"objects\":[1],}",
        "{\"objects\":[1,]}",
        "{\"objects\":[1]} x",
        "{}{}",
        "// none\n{}",
        "{\"a\":/* */1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":0x10}",
        "{\"a\":True}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "{null:1}",
        "<objects/>",
        "objects: []",
    ];
    if random.below(4) == 0 {
        let count = random.below(400);
        let noise = [b"\x81".to_vec(), random.bytes(count)].concat();
        return posted(target, "noise", &noise);
    }
    let broken = *random.pick(BROKEN);
    posted(target, format!("syntax {broken:?}"), broken.as_bytes())
}

fn cut(target: &Target, random: &mut Random) -> Case {
    let whole = format!(r#"{{"objects":[{},{}]}}"#, object(random, ""), object(random, ""));
    let end = random.below(whole.len());
    posted(target, format!("cut after {end}"), &whole.as_bytes()[..end])
}

fn repeated_name(target: &Target, random: &mut Random) -> Case {
    let one = object(random, "");
    let body = match random.below(6) {
        0 => format!(r#"{{"objects":[{one}],"objects":[{one}]}}"#),
        1 => format!(r#"{{"more":false,"objects":[{one}],"more":false}}"#),
        2 => format!(r#"{{"objects":[{}]}}"#, object(random, r#","name":"again""#)),
        3 => format!(r#"{{"objects":[{}]}}"#, object(random, r#","\u006eame":"escaped""#)),
        4 => {
            let inner = r#","x_hostile":{"a":{"b":[{"c":1,"c":1}]}}"#;
            format!(r#"{{"objects":[{one},{}]}}"#, object(random, inner))
        }
        _ => format!(
            r#"{{"objects":[{}]}}"#,
            object(random, r#","id":"malware--00000000-0000-4000-8000-000000000000""#)
        ),
    };
    posted(target, "repeated name", body.as_bytes())
}

fn nesting(target: &Target, random: &mut Random) -> Case {
    let depth = *random.pick(&[100, 129, 1_000, 10_000, 100_000]);
    let (open, close, core) =
        *random.pick(&[("[", "]", "1"), (r#"{"a":"#, "}", "1"), (r#"[{"a":"#, "}]", "null")]);
    let mut value = format!("{}{core}{}", open.repeat(depth), close.repeat(depth));
    if random.below(5) == 0 {
        value.truncate(open.len() * depth);
    }
    posted(target, format!("{depth} deep"), placed(random, &value).as_bytes())
}

fn number(target: &Target, random: &mut Random) -> Case {
    const BEYOND: &[&str] = &[
        "1e400",
        "-1e400",
        "1e309",
        "1E+999999999",
        "9007199254740992",
        "-9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "99999999999999999999999999",
    ];
    let digits = "9".repeat(10_000);
    let value = if random.below(8) == 0 { digits.as_str() } else { random.pick(BEYOND) };
    let body = placed(random, value);
    posted(target, format!("number {}", &value[..value.len().min(26)]), body.as_bytes())
}

fn text(target: &Target, random: &mut Random) -> Case {
    const STRINGS: &[&[u8]] = &[
        br#""\ud800""#,
        br#""\udc00""#,
        br#""\udc00\ud800""#,
        br#""\ud800x""#,
        br#""\ud83d\u0041""#,
        b"\"\xff\"",
        b"\"\xc0\xaf\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf4\x90\x80\x80\"",
        b"\"\xe2\x82\"",
        b"\"\x00\"",
        b"\"\n\"",
        b"\"\x1b[31m\"",
        br#""\x41""#,
        br#""\u12""#,
        br#""\"#,
    ];
    let string = *random.pick(STRINGS);
    let name = format!("text {}", string.escape_ascii());
    let whole = placed(random, "\"@\"");
    let body = match random.below(6) {
        0 => [b"\xef\xbb\xbf", placed(random, "1").as_bytes()].concat(),
        1 => whole.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        2 => [whole.as_bytes(), b"\x00"].concat(),
        _ => {
            let (before, after) = whole.split_once("\"@\"").unwrap_or(("", ""));
            [before.as_bytes(), string, after.as_bytes()].concat()
        }
    };
    posted(target, name, &body)
}

fn wrong_type(target: &Target, random: &mut Random) -> Case {
    const WRONG: &[&str] = &[
        "[]",
        "[{}]",
        "\"objects\"",
        "5",
        "null",
        "true",
        "[1,2]",
        "-0.5",
        r#"{"objects":{}}"#,
        r#"{"objects":"none"}"#,
        r#"{"objects":5}"#,
        r#"{"objects":true}"#,
        r#"{"objects":[1]}"#,
        r#"{"objects":["indicator"]}"#,
        r#"{"objects":[null]}"#,
        r#"{"objects":[[]]}"#,
        r#"{"objects":[true,false]}"#,
        r#"{"objects":[[{"type":"malware"}]]}"#,
        r#"{"objects":[0.5]}"#,
    ];
    let wrong = *random.pick(WRONG);
    posted(target, format!("wrong type {wrong}"), wrong.as_bytes())
}

/// The body is no envelope either: whichever of the two is looked at first, the answer is a refusal.
fn content_type(target: &Target, random: &mut Random) -> Case {
    const TYPES: &[&[u8]] = &[
        b"text/plain",
        b"application/json",
        b"application/xml",
        b"multipart/form-data; boundary=x",
        b"application/x-www-form-urlencoded",
        b"a",
        b"/",
        b";;;",
        b"",
        b"a/b/c",
        b"*/*",
        b"application/*",
        b"application/taxii+json;version=9.9",
        b"application/taxii+json;version=",
        b"\xff\xfe",
        b"application/taxii+json;version=2.1, text/html",
        b"application/taxii+json;version=\"2.1",
    ];
    if random.below(6) == 0 {
        return Case::new("no content type", post(target).with_body(br#"{"objects":5}"#), BAD_TYPE);
    }
    let kind = *random.pick(TYPES);
    let bytes = post(target).header("Content-Type", kind).with_body(br#"{"objects":5}"#);
    Case::new(format!("content type {}", kind.escape_ascii()), bytes, BAD_TYPE)
}

fn coding(target: &Target, random: &mut Random) -> Case {
    let head = post(target).header("Content-Type", TAXII);
    let whole = format!(r#"{{"objects":[{}]}}"#, object(random, ""));
    let (name, coding, body) = match random.below(6) {
        0 => ("gzip that is none", "gzip", whole.into_bytes()),
        1 => ("gzip of noise", "gzip", [vec![0x1f, 0x8b, 8, 0], random.bytes(200)].concat()),
        2 => {
            let mut packed = gzip(whole.len() as u64, whole.as_bytes());
            packed.truncate(packed.len() / 2);
            ("gzip cut short", "gzip", packed)
        }
        3 => ("unknown coding", "x-no-such-coding", whole.into_bytes()),
        4 => ("many codings", "gzip, gzip, gzip, gzip, gzip", random.bytes(100)),
        _ if target.max_content_length < MAX_BOMB => {
            ("gzip bomb", "gzip", gzip(target.max_content_length + (1 << 20), b" "))
        }
        _ => ("empty gzip", "gzip", Vec::new()),
    };
    Case::new(name, head.header("Content-Encoding", coding).with_body(&body), BAD_TYPE)
}

/// `text` again and again until `size` is reached, packed.
fn gzip(size: u64, text: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    let block = text.repeat(if text.len() < 64 { 64 << 10 } else { 1 });
    let mut left = usize::try_from(size).unwrap_or(0);
    while left > 0 {
        let part = &block[..block.len().min(left)];
        left -= part.len();
        if packer.write_all(part).is_err() {
            break;
        }
    }
    packer.finish().unwrap_or_default()
}

/// Lengths that lie. Here the HTTP layer is often the first to notice.
fn framing(target: &Target, random: &mut Random) -> Case {
    const REFUSED: &[u16] = &[400, 408, 411, 413, 422, 501];
    let head = post(target).header("Content-Type", TAXII);
    let chunked =
        |text: &str| [head.clone().header("Transfer-Encoding", "chunked").end(), text.into()].concat();
    let body = "{\"objects\":5}";
    let (name, bytes) = match random.below(9) {
        0 => ("chunk cut short", chunked("ff\r\n{\"objects\":[")),
        1 => ("no last chunk", chunked("d\r\n{\"objects\":5}\r\n")),
        2 => ("chunk size is no number", chunked("zz\r\n{}\r\n0\r\n\r\n")),
        3 => ("chunk size is huge", chunked("ffffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
        4 => ("chunk size is negative", chunked("-1\r\n{}\r\n0\r\n\r\n")),
        5 => ("length beyond 64 bits", head.header("Content-Length", "99999999999999999999999").end()),
        6 => ("length is negative", head.header("Content-Length", "-5").end()),
        7 => ("length is longer than the body", [head.with_length(5_000), body.into()].concat()),
        _ => ("two lengths", [head.header("Content-Length", "3").with_length(9), body.into()].concat()),
    };
    Case::new(name, bytes, REFUSED).http().closing()
}
