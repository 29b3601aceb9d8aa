//! Growths that no table shows: two lists that may meet, names that are long, patterns, bundles.

use super::generator::{Growth, id, members, of, parts};

pub(crate) fn add(all: &mut Vec<Growth>) {
    objects(all);
    patterns(all);
    bundles(all);
}

/// An object of a type with members behind those that it needs.
fn object(object_type: &str, rest: &str) -> String {
    format!("{{{}{rest}}}", members(of(object_type), ""))
}

fn objects(all: &mut Vec<Growth>) {
    for object_type in ["tool", "url", "marking-definition", "observed-data"] {
        let mut add = |what: &str, part: fn(usize) -> String| {
            let name = format!("{object_type}: {what}");
            all.push(Growth::new(name, move |bytes| object(object_type, &parts(bytes, ",", part))));
        };
        add("custom names", |at| format!("\"x_{at}\":1"));
        add("wrong names", |at| format!("\"X {at}\":null"));
        add("escaped names", |at| format!("\"\\u0078_{at}\":[]"));
        add("names with endings", |at| {
            let ending = ["bin", "hex", "ref", "refs", "enc"][at % 5];
            format!("\"x{at}_{ending}\":1")
        });
        add("common names of others", |at| format!("\"defanged{at}\":true,\"lang{at}\":\"\""));
    }
    // Names and selectors, each half of the text.
    type Rows = fn(usize) -> String;
    let selected: [(&str, Rows, Rows); 6] = [
        ("names", |at| format!("\"x_{at}\":1"), |at| format!("\"x_{at}\"")),
        ("escaped names", |at| format!("\"\\u0078_{at}\":1"), |at| format!("\"x_{at}\"")),
        ("missing names", |at| format!("\"x_{at}\":1"), |at| format!("\"y_{at}\"")),
        ("elements", |at| format!("\"x_{at}\":1"), |at| format!("\"labels.[{at}]\"")),
        ("wrong ones", |at| format!("\"x_{at}\":1"), |_| "\"a..b\"".into()),
        ("the same", |at| format!("\"x_{at}\":1"), |_| "\"x_1\"".into()),
    ];
    for (what, name, selector) in selected {
        all.push(Growth::new(format!("selectors of {what}"), move |bytes| {
            let [names, selectors] = [parts(bytes / 3, ",", name), parts(bytes / 3, ",", selector)];
            let labels = parts(bytes / 3, ",", |_| "\"a\"".into());
            let markings = format!(r#""granular_markings":[{{"lang":"en","selectors":[{selectors}]}}]"#);
            object("tool", &format!("{names},\"labels\":[{labels}],{markings}"))
        }));
    }
    all.push(Growth::new("markings with one selector each", |bytes| {
        let names = parts(bytes / 3, ",", |at| format!("\"x_{at}\":1"));
        let markings = parts(bytes, ",", |at| format!(r#"{{"lang":"en","selectors":["x_{at}"]}}"#));
        object("tool", &format!("{names},\"granular_markings\":[{markings}]"))
    }));
    // A long name above many faults, at several depths.
    for depth in [1, 8, 40] {
        all.push(Growth::new(format!("faults under long names, {depth} deep"), move |bytes| {
            let name = "a".repeat(bytes / 2 / depth);
            let head = format!("{{\"{name}\":").repeat(depth);
            let inner = parts(bytes / 2, ",", |_| "null".into());
            object("tool", &format!("\"x_deep\":{head}[{inner}]{}", "}".repeat(depth)))
        }));
        all.push(Growth::new(format!("faults under long tags, {depth} deep"), move |bytes| {
            let tag = format!("en-x{}", "-aaaaaaaa".repeat(bytes / 18));
            let inner = parts(bytes / 2, ",", |at| format!("\"X{at}\":null"));
            let contents = format!("\"contents\":{{\"{tag}\":{{{inner}}}}}");
            format!("{{{}{contents}}}", members(of("language-content"), "contents"))
        }));
    }
    all.push(Growth::new("bad names beside untyped extensions", |bytes| {
        let names = parts(bytes / 2, ",", |at| format!("\"X{at}\":1"));
        let extensions = parts(bytes / 2, ",", |at| format!("\"{}\":{{}}", id("extension-definition", at)));
        object("tool", &format!("{names},\"extensions\":{{{extensions}}}"))
    }));
    all.push(Growth::new("faults in all lists", |bytes| {
        let list = parts(bytes / 3, ",", |_| "{}".into());
        let lists = ["labels", "aliases", "tool_types"].map(|name| format!("\"{name}\":[{list}]"));
        object("tool", &lists.join(","))
    }));
}

fn patterns(all: &mut Vec<Growth>) {
    let mut add = |what: &str, pattern: fn(usize) -> String| {
        let name = format!("pattern: {what}");
        all.push(Growth::new(name, move |bytes| {
            let pattern = serde_json::to_string(&pattern(bytes)).unwrap();
            format!("{{{}\"pattern\":{pattern}}}", members(of("indicator"), "pattern"))
        }));
    };
    add("alternatives", |bytes| format!("[{}]", parts(bytes, " OR ", |at| format!("file:size = {at}"))));
    add("types joined by AND", |bytes| format!("[{}]", parts(bytes, " AND ", |at| format!("x{at}:a = 1"))));
    add("unknown paths", |bytes| {
        format!("[{}]", parts(bytes, " OR ", |at| format!("file:hashes.'x{at}'.a[*] = '{at}'")))
    });
    add("unknown types", |bytes| format!("[{}]", parts(bytes, " OR ", |at| format!("fille{at}:a = 1"))));
    add("short hives", |bytes| {
        format!("[{}]", parts(bytes, " OR ", |at| format!("windows-registry-key:key = 'HKLM\\\\{at}'")))
    });
    add("observations", |bytes| parts(bytes, " FOLLOWEDBY ", |at| format!("[file:size = {at}]")));
    add("qualifiers", |bytes| {
        let within = parts(bytes / 2, " ", |_| "WITHIN 1 SECONDS".into());
        let repeats = parts(bytes / 2, " ", |_| "REPEATS 2 TIMES".into());
        format!("[a:b = 1] {within} {repeats}")
    });
    add("qualifiers of a group", |bytes| {
        format!("([a:b = 1]) {}", parts(bytes, " ", |_| "WITHIN 1 SECONDS".into()))
    });
    add("intervals", |bytes| {
        let part = |_| "START t'2020-01-01T00:00:00Z' STOP t'2019-01-01T00:00:00Z'".into();
        format!("[a:b = 1] {}", parts(bytes, " ", part))
    });
    add("parentheses", |bytes| {
        let deep = format!("{}a:b = 1{}", "(".repeat(20), ")".repeat(20));
        format!("[{}]", parts(bytes, " OR ", |_| deep.clone()))
    });
    add("steps", |bytes| format!("[file:{} = 1]", parts(bytes, ".", |at| format!("a{at}"))));
    add("sets", |bytes| format!("[file:size IN ({})]", parts(bytes, ", ", |at| at.to_string())));
    add("mixed sets", |bytes| format!("[file:size IN ('a', {})]", parts(bytes, ", ", |at| at.to_string())));
    add("long texts", |bytes| format!("[file:name = '{}']", "a".repeat(bytes)));
    add("wrong hashes", |bytes| {
        format!("[file:hashes.MD5 IN ({})]", parts(bytes, ", ", |at| format!("'{at}'")))
    });
    for (what, part) in [
        ("letters", "a"),
        ("sets", "[a-z]"),
        ("groups", "(a|b)"),
        ("needless backslashes", "\\\\y"),
        ("quotations", "\\\\Qa\\\\E"),
        ("properties", "\\\\p{L}"),
        ("optional parts", "a?"),
        ("open groups", "(a"),
    ] {
        let part = part.to_owned();
        let name = format!("regular expression: {what}");
        all.push(Growth::new(name, move |bytes| {
            let pattern = format!("[file:name MATCHES '{}']", part.repeat(bytes / part.len()));
            let pattern = serde_json::to_string(&pattern).unwrap();
            format!("{{{}\"pattern\":{pattern}}}", members(of("indicator"), "pattern"))
        }));
    }
}

fn bundles(all: &mut Vec<Growth>) {
    let mut add = |what: &str, before: fn(usize) -> String, part: fn(usize) -> String| {
        all.push(Growth::new(format!("bundle: {what}"), move |bytes| {
            let objects = parts(bytes / 2, ",", part);
            let before = before(bytes / 2);
            let before = if before.is_empty() { before } else { before + "," };
            format!(
                r#"{{"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","objects":[{before}{objects}]}}"#
            )
        }));
    };
    let none = |_| String::new();
    add("nothing", none, |_| "{}".into());
    add("numbers", none, |_| "1".into());
    add("tools", none, |at| {
        object("tool", &format!("\"x_at\":{at}")).replace("000000000001", &format!("{at:012x}"))
    });
    add("versions of one tool", none, |at| {
        let time = format!("2021-01-01T00:00:00.{at:06}Z");
        let head = members(of("tool"), "modified");
        format!("{{{head}\"modified\":\"{time}\"}}")
    });
    add(
        "contents of one version",
        |bytes| object("tool", &format!("\"x_long\":\"{}\"", "a".repeat(bytes))),
        |at| object("tool", &format!("\"x_at\":{at}")),
    );
    add(
        "contents of one observable",
        |bytes| object("url", &format!("\"x_long\":\"{}\"", "a".repeat(bytes))),
        |at| object("url", &format!("\"x_at\":{at}")),
    );
    add("types with one UUID", none, |at| {
        format!(r#"{{"type":"x{at}","id":"{}"}}"#, id(&format!("x{at}"), 1))
    });
    add(
        "references to types with one UUID",
        |bytes| parts(bytes, ",", |at| format!(r#"{{"type":"x{at}","id":"{}"}}"#, id(&format!("x{at}"), 1))),
        |at| {
            let head = members(of("language-content"), "object_ref");
            format!("{{{head}\"object_ref\":\"{}\"}}", id(&format!("x{at}"), 1))
        },
    );
    add(
        "translations of one tool with many versions",
        |bytes| {
            parts(bytes, ",", |at| {
                let head = members(of("tool"), "modified");
                format!("{{{head}\"modified\":\"2021-01-01T00:00:00.{at:06}Z\"}}")
            })
        },
        |at| {
            let head = members(of("language-content"), "object_ref");
            let time = format!("2021-01-01T00:00:00.{at:06}Z");
            format!("{{{head}\"object_ref\":\"{}\",\"object_modified\":\"{time}\"}}", id("tool", 1))
        },
    );
    add(
        "translations of one long list",
        |bytes| object("tool", &format!("\"aliases\":[{}]", parts(bytes, ",", |_| "\"a\"".into()))),
        |_| {
            let head = members(of("language-content"), "object_ref");
            let head = head.replace("\"contents\":", "\"x\":");
            format!(
                "{{{head}\"object_ref\":\"{}\",\"contents\":{{\"de\":{{\"aliases\":[\"b\"]}}}}}}",
                id("tool", 1)
            )
        },
    );
    add(
        "samples with many hashes",
        |bytes| {
            let hashes = parts(bytes, ",", |at| format!("\"h-{at}\":\"a\""));
            object("file", &format!("\"hashes\":{{{hashes}}}"))
        },
        |_| {
            let head = members(of("malware"), "is_family");
            let samples = vec![format!("\"{}\"", id("file", 1)); 10].join(",");
            format!("{{{head}\"is_family\":false,\"sample_refs\":[{samples}]}}")
        },
    );
    add("markings in a circle", none, |at| {
        let head = members(of("marking-definition"), "id");
        let (own, next) = (id("marking-definition", at), id("marking-definition", at + 1));
        format!(
            "{{{head}\"id\":\"{own}\",\"object_marking_refs\":[\"{next}\",\"{}\"]}}",
            id("marking-definition", 0)
        )
    });
    add("relationships", none, |at| {
        object("relationship", "\"x_a\":1").replace("000000000001", &format!("{at:012x}"))
    });
    all.push(Growth::new("list of tools", |bytes| {
        format!("[{}]", parts(bytes, ",", |_| object("tool", "\"x_a\":1")))
    }));
    all.push(Growth::new("envelope of tools", |bytes| {
        format!("{{\"more\":false,\"objects\":[{}]}}", parts(bytes, ",", |_| object("tool", "\"x_a\":1")))
    }));
}
