//! Methods, paths and headers that no client of good will sends.

use super::random::Random;
use super::{Case, Target};
use crate::client::TAXII;
use crate::wire::Head;

/// Should a line break of ours come back as one of theirs, this header tells.
pub(super) const INJECTED: &str = "x-conformance-injected";

pub(super) fn case(target: &Target, random: &mut Random) -> Case {
    match random.below(8) {
        0 | 1 => accept(target, random),
        2 | 3 if target.authorization.is_some() => authorization(target, random),
        2..=5 => path(target, random),
        6 => method(target, random),
        _ => flood(target, random),
    }
}

/// Undefined media types: the standard allows 406 and it allows content.
fn accept(target: &Target, random: &mut Random) -> Case {
    const VALUES: &[&[u8]] = &[
        b"text/html",
        b"application/json",
        b"a",
        b"/",
        b";",
        b",,,",
        b"",
        b"*",
        b"a/b/c",
        b"*/json",
        b"application/taxii+json;version=9.9",
        b"application/taxii+json;version=2.0",
        b"application/taxii+json;version=2.1;q=0",
        b"application/taxii+json;q=banana",
        b"\"",
        b"\xff\xfe",
        b"application/taxii+json;version=\"2.1",
        b"application/vnd.oasis.taxii+json;version=2.0",
    ];
    let value =
        if random.below(8) == 0 { b"text/html;q=0.1,".repeat(200) } else { random.pick(VALUES).to_vec() };
    let name = format!("accept {}", value[..value.len().min(60)].escape_ascii());
    let bare = Head::new("GET", &format!("{}collections/", target.api_root)).header("Accept", value);
    let head = match &target.authorization {
        Some(secret) => bare.header("Authorization", secret),
        None => bare,
    };
    Case::new(name, head.end(), &[200, 400, 406])
}

/// Too many failures may also be slowed down with 429.
fn authorization(target: &Target, random: &mut Random) -> Case {
    const VALUES: &[&[u8]] = &[
        b"",
        b"Basic",
        b"Basic ",
        b"Basic !!!",
        b"Basic Og==",
        b"Basic bm9jb2xvbg==",
        b"Basic /////w==",
        b"Basic YTpi YTpi",
        b"Bearer",
        b"Bearer ",
        b"Bearer a b c",
        b"Bearer eyJhbGciOiJub25lIn0.e30.",
        b"Token",
        b"Token token=",
        b"Digest username=\"a\"",
        b"Negotiate AAAA",
        b"nonsense",
        b"\xff\xfe\xfd",
        b"Basic YWRtaW46YWRtaW4=",
        b"Bearer %00",
        b"Bearer ' OR 1=1 --",
        b":",
        b"Basic Basic Basic",
    ];
    let value = if random.below(10) == 0 {
        [b"Bearer ".to_vec(), b"A".repeat(4_000)].concat()
    } else {
        random.pick(VALUES).to_vec()
    };
    let name = format!("authorization {}", value[..value.len().min(60)].escape_ascii());
    let path = format!("{}{}", target.api_root, target.objects());
    let head = Head::new("GET", &path).header("Accept", TAXII).header("Authorization", value);
    Case::new(name, head.end(), &[401, 404, 429])
}

fn path(target: &Target, random: &mut Random) -> Case {
    const BELOW: &[&str] = &[
        "%00",
        "%00/",
        "%ff/",
        "%zz/",
        "%/",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%2f..%2f",
        "%252e%252e/",
        "collections/%00/objects/",
        "collections/%ff%fe/manifest/",
        "collections/%0d%0aX-Conformance-Injected:%20yes/",
        "collections/%1b%5b31mred/",
        "collections/..%5c..%5c/",
        "collections/null/objects/",
        "collections/-1/",
        "status/not-a-uuid/",
        "status/%00/",
        "status/../../",
        "status/00000000-0000-0000-0000-000000000000/",
        "collections/{c}/objects/%0d%0aX-Conformance-Injected:%20yes/",
        "collections/{c}/objects/%1b%5b2J/",
        "collections/{c}/objects/indicator--%00/",
        "collections/{c}/objects/no-such-id/",
        "collections/{c}/objects/--/",
        "collections/{c}/objects/indicator--91a7b528/versions/",
        "collections/{c}/objects/%2F/versions/",
        "collections/{c}%20/objects/",
        "collections/{c}%00/",
        "collections/{c}/nothing/",
        "collections/{c};a=b/",
        "collections/{c}/objects/indicator--91a7b528-80eb-42ed-a74d-c6fbd5a26116/versions/more/",
        "collections/{c}/objects/%F0%9F%92%A9/",
        "collections/{c}/manifest/manifest/",
        "no/such/place/",
    ];
    /// A redirect to the same place with a slash is plain HTTP.
    const NOWHERE: &[u16] = &[301, 308, 400, 404];
    match random.below(6) {
        0 => {
            let size = *random.pick(&[300, 5_000, 30_000, 100_000]);
            let path = format!("collections/{}/objects/", "a".repeat(size));
            let bytes = target.head("GET", &path).end();
            Case::new(format!("path of {size}"), bytes, &[400, 404, 414, 431]).http()
        }
        1 => {
            let raw =
                *random.pick(&["\u{1}/", " /", "\t/", "é/", "\"<>/", "{}/", "|/", "\\/", "#/", "\u{7f}/"]);
            let bytes = target.head("GET", raw).end();
            // A fragment is cut off by some, which leaves the API root.
            Case::new(format!("raw {raw:?} in a path"), bytes, &[200, 400, 404]).http()
        }
        _ => {
            let path = random.pick(BELOW).replace("{c}", &target.collection);
            Case::new(format!("path {path}"), target.head("GET", &path).end(), NOWHERE)
        }
    }
}

fn method(target: &Target, random: &mut Random) -> Case {
    const REFUSED: &[u16] = &[400, 403, 404, 405, 501];
    let method = *random.pick(&["PUT", "PATCH", "POST", "DELETE"]);
    if random.below(2) == 0 {
        let bytes = target.head(method, "collections/").with_body(b"{}");
        return Case::new(format!("{method} on collections"), bytes, REFUSED);
    }
    let odd = *random.pick(&["TRACE", "FOO", "G=T", "PRI", "LOCK", "MKCOL"]);
    Case::new(format!("{odd} on collections"), target.head(odd, "collections/").end(), REFUSED).http()
}

fn flood(target: &Target, random: &mut Random) -> Case {
    let mut head = target.head("GET", "collections/");
    let (name, statuses): (&str, &[u16]) = match random.below(5) {
        0 => {
            for i in 0..500 {
                head = head.header(&format!("X-Flood-{i}"), "1");
            }
            ("500 headers", &[200, 400, 431])
        }
        1 => {
            head = head.header("X-Long", "a".repeat(1 << 20));
            ("a header of 1 MiB", &[200, 400, 431])
        }
        2 => {
            head = head.header("X-Control", b"a\x00b");
            ("NUL in a header", &[200, 400])
        }
        3 => {
            head = head.header("Na me", "1");
            ("space in a header name", &[200, 400])
        }
        _ => {
            head = head
                .header("Range", "bytes=0-1,5-4,-1")
                .header("If-None-Match", "\"\\")
                .header("Cookie", "=;=;");
            ("odd conditional headers", &[200, 206, 304, 400, 412, 416])
        }
    };
    Case::new(name, head.end(), statuses).http()
}
