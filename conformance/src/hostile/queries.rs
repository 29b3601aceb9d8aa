//! Query parameters of every wrong kind. Where the standard allows an answer too, both are accepted.

use super::random::Random;
use super::{Case, Target};

/// Malformed beyond doubt.
const REFUSED: &[u16] = &[400];
/// Strange, but a server may read it, ignore it, or find nothing.
const STRANGE: &[u16] = &[200, 400, 404];
/// Too long for some, fine for others.
const LONG: &[u16] = &[200, 400, 404, 413, 414, 431];

pub(super) fn case(target: &Target, random: &mut Random) -> Case {
    match random.below(8) {
        0 => limit(target, random),
        1 => added_after(target, random),
        2 => version(target, random),
        3 => repeated(target, random),
        4 => encoding(target, random),
        5 => cursor(target, random),
        6 => strange(target, random),
        _ => long(target, random),
    }
}

/// `query` is sent as it stands.
fn asked(target: &Target, random: &mut Random, query: &str, statuses: &'static [u16]) -> Case {
    let listing = *random.pick(&["objects", "manifest"]);
    let path = format!("collections/{}/{listing}/?{query}", target.collection);
    let name = format!("{listing} ?{}", &query[..query.len().min(80)]);
    Case::new(name, target.head("GET", &path).end(), statuses)
}

fn limit(target: &Target, random: &mut Random) -> Case {
    const WRONG: &[&str] = &[
        "0",
        "-0",
        "-1",
        "-9223372036854775808",
        "1.5",
        "1.0",
        "1e3",
        "ten",
        "0x10",
        "5,6",
        "5;6",
        "NaN",
        "null",
        "%EF%BC%91",
        "%00",
        "5%00",
        "1%202",
        "true",
        "[]",
        "%27%20OR%201=1",
        "1%0d%0aX-Conformance-Injected:%201",
    ];
    let value = *random.pick(WRONG);
    asked(target, random, &format!("limit={value}"), REFUSED)
}

fn added_after(target: &Target, random: &mut Random) -> Case {
    const WRONG: &[&str] = &[
        "now",
        "yesterday",
        "0",
        "-1",
        "1700000000",
        "2024",
        "2024-01",
        "2024-01-01",
        "2024-1-1T0:0:0Z",
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00.000000Z",
        "2023-02-29T00:00:00.000000Z",
        "2024-01-01T25:00:00Z",
        "2024-01-01T00:61:00Z",
        "2024-01-01T00:00:00.Z",
        "24-01-01T00:00:00Z",
        "2024-01-01T00:00:00.000000Z,2024-01-02T00:00:00.000000Z",
        "2024-01-01T00:00:00ZZ",
        "T00:00:00Z",
        "%00",
        "2024-01-01T00:00:00.000000Z%00",
        "%1b%5b31m",
        "last",
        "all",
    ];
    let value = *random.pick(WRONG);
    asked(target, random, &format!("added_after={value}"), REFUSED)
}

fn version(target: &Target, random: &mut Random) -> Case {
    const WRONG: &[&str] = &[
        "newest",
        "all,last",
        "last,all",
        "all,2024-01-01T00:00:00Z",
        "last,last",
        "first,first",
        "all,all",
        "2024-01-01T00:00:00Z,2024-01-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "1",
        "last;first",
        "%00",
    ];
    let value = *random.pick(WRONG);
    asked(target, random, &format!("match[version]={value}"), REFUSED)
}

fn repeated(target: &Target, random: &mut Random) -> Case {
    const TWICE: &[&str] = &[
        "match[type]=indicator&match[type]=malware",
        "match[type]=indicator&match%5Btype%5D=malware",
        "match[version]=first&match[version]=last",
        "match[spec_version]=2.1&limit=1&match[spec_version]=2.0",
        "match[id]=indicator--91a7b528-80eb-42ed-a74d-c6fbd5a26116&match[id]=indicator--91a7b528-80eb-42ed-a74d-c6fbd5a26117",
        "added_after=2020-01-01T00:00:00.000000Z&added_after=2021-01-01T00:00:00.000000Z",
    ];
    let query = *random.pick(TWICE);
    asked(target, random, query, REFUSED)
}

/// Percent-encoding that is broken, or is no UTF-8.
fn encoding(target: &Target, random: &mut Random) -> Case {
    const BROKEN: &[&str] =
        &["limit=%zz", "limit=%", "limit=%ff%fe", "added_after=%c0%af", "added_after=%ed%a0%80"];
    let query = *random.pick(BROKEN);
    asked(target, random, query, REFUSED)
}

fn cursor(target: &Target, random: &mut Random) -> Case {
    let noise = |random: &mut Random, count: usize| -> String {
        random.bytes(count).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let forged = match random.below(4) {
        0 => random.uuid(),
        1 => {
            let count = 1 + random.below(60);
            noise(random, count)
        }
        2 => random.pick(&["0", "-1", "../..", "%00", "%ff", "null", "{}", "A", "AAAA", "=="]).to_string(),
        _ => return tampered(target, random),
    };
    asked(target, random, &format!("limit=1&next={forged}"), &[400, 404])
}

/// A change may leave the cursor valid (the last bits of base64, a number that counts): content is no failure.
fn tampered(target: &Target, random: &mut Random) -> Case {
    let Some(cursor) = &target.cursor else {
        return asked(target, random, "next=%20", STRANGE);
    };
    let mut text: Vec<char> = cursor.chars().filter(char::is_ascii_alphanumeric).collect();
    let at = random.below(text.len());
    match random.below(3) {
        0 => text.truncate(at),
        1 => text.insert(at, 'A'),
        _ => text[at] = if text[at] == 'A' { 'B' } else { 'A' },
    }
    let text: String = text.into_iter().collect();
    asked(target, random, &format!("limit=1&next={text}"), STRANGE)
}

fn strange(target: &Target, random: &mut Random) -> Case {
    const ODD: &[&str] = &[
        "match[id]=no-id",
        "match[id]=",
        "match[id]=,",
        "match[id]=%0d%0a",
        "match[id]=%1b%5b2J",
        "match[id]=indicator--",
        "match[id]=--",
        "match[id]=indicator--00000000-0000-0000-0000-000000000000",
        "match[type]=",
        "match[type]=,,",
        "match[type]=%00",
        "match[type]=../../etc/passwd",
        "match[type]=INDICATOR",
        "match[spec_version]=banana",
        "match[spec_version]=",
        "match[spec_version]=2.1,2.1",
        "match[",
        "match[]=x",
        "match[id=x",
        "match[id]x=y",
        "match[no_such_field]=1",
        "match=1",
        "&&&&",
        "=",
        "?",
        "limit",
        "limit=99999999999999999999999999",
        "limit=%2B5",
        "added_after=2016-12-31T23:59:60Z",
        "next",
        "x=%00",
        "limit=5&limit=5",
        "match[version]=",
        "added_after=",
        "%00=1",
        "added_after=9999-12-31T23:59:59.999999Z",
        "added_after=0000-01-01T00:00:00Z",
        "match[match[id]]=1",
    ];
    let query = *random.pick(ODD);
    asked(target, random, query, STRANGE)
}

fn long(target: &Target, random: &mut Random) -> Case {
    let size = *random.pick(&[1_000, 10_000, 60_000, 200_000]);
    let query = match random.below(5) {
        0 => format!("x={}", "a".repeat(size)),
        1 => format!("match[type]={}", "a,".repeat(size / 2)),
        2 => format!("match[id]={}", "indicator--91a7b528-80eb-42ed-a74d-c6fbd5a26116,".repeat(size / 48)),
        3 => "a=1&".repeat(size / 4),
        _ => format!("next={}", "A".repeat(size)),
    };
    asked(target, random, &query, LONG).http()
}
