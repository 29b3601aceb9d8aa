//! Warning lists.

use taxii_feeds::value::{Kind, Value, read};
use taxii_feeds::warninglist::Warninglist;

fn list(kind: &str, entries: &str, about: &str) -> Warninglist {
    let text = format!(
        r#"{{"name": "A list", "type": "{kind}", "list": {entries}, "matching_attributes": {about}}}"#
    );
    Warninglist::parse(text.as_bytes()).unwrap()
}

fn value(kind: Kind, text: &str) -> Value {
    read(kind, text).unwrap().0
}

#[test]
fn a_network_holds_the_addresses_and_the_networks_in_it() {
    let list = list("cidr", r#"["10.0.0.0/8", "2001:db8::/32", "192.0.2.1", "nonsense"]"#, r#"["ip-src"]"#);
    assert_eq!(list.unread, ["nonsense"]);
    for text in ["10.255.0.1", "10.1.0.0/16", "10.0.0.0/8", "2001:db8::1", "192.0.2.1"] {
        assert!(list.contains(&value(Kind::Ip, text)), "{text}");
    }
    for text in ["11.0.0.1", "8.0.0.0/6", "2001:db9::1", "192.0.2.2"] {
        assert!(!list.contains(&value(Kind::Ip, text)), "{text}");
    }
}

#[test]
fn a_host_stands_for_those_under_it() {
    let list = list("hostname", r#"[".example.com", "single.example"]"#, r#"["domain", "url"]"#);
    assert!(list.contains(&value(Kind::Domain, "www.Example.com")));
    assert!(list.contains(&value(Kind::Url, "https://user@example.com:8443/path")));
    assert!(!list.contains(&value(Kind::Domain, "notexample.com")));
    assert!(!list.contains(&value(Kind::Domain, "example.com.evil.example")));
}

#[test]
fn texts_parts_and_expressions() {
    let hash = value(Kind::Hash, "d41d8cd98f00b204e9800998ecf8427e");
    assert!(list("string", r#"["D41D8CD98F00B204E9800998ECF8427E"]"#, r#"["md5"]"#).contains(&hash));
    assert!(!list("string", r#"["D41D8CD98F00B204E9800998ECF8427E"]"#, r#"["domain"]"#).contains(&hash));
    assert!(list("substring", r#"["8cd98f"]"#, "[]").contains(&hash));
    let expressions = list("regex", r#"["/^D41D/i", "/(/"]"#, "[]");
    assert!(expressions.contains(&hash));
    assert_eq!(expressions.unread, ["/(/"]);
}
