//! Rules of detection engines.

use crate::{converted, feed};
use stix_model::Object;

fn indicators(objects: &[Object]) -> Vec<&Object> {
    objects.iter().filter(|object| object.id().object_type() == "indicator").collect()
}

fn pattern(object: &Object) -> String {
    object.get("pattern").unwrap().unwrap()
}

#[test]
fn a_yara_rule_has_what_it_needs_to_be_used_alone() {
    let file = r#"import "pe"
        private rule base { condition: pe.is_pe }
        rule other { strings: $a = "}" condition: $a }
        rule whole { meta: hash = "d41d8cd98f00b204e9800998ecf8427e" condition: base and filesize < 1KB }"#;
    let (found, objects) = converted(&feed("yara"), file.as_bytes()).unwrap();
    assert_eq!((found.records, found.rejected.len()), (3, 0));
    let whole = pattern(indicators(&objects)[2]);
    assert!(whole.starts_with("import \"pe\"\n\nprivate rule base"), "{whole}");
    assert!(whole.contains("rule whole") && !whole.contains("rule other"), "{whole}");
    assert!(objects.iter().any(|object| object.id().object_type() == "file"));
}

#[test]
fn the_text_of_a_sigma_rule_stays_as_it_is() {
    let rule = "title: Test # a comment\nid: 5f1abf38-0000-4000-8000-000000000001\ntags:\n  - attack.t1059.001\n  - cve.2021-44228\ndetection:\n  a: 'x''y'\n  condition: a";
    let (_, objects) = converted(&feed("sigma"), format!("---\n{rule}\n").as_bytes()).unwrap();
    assert_eq!(pattern(indicators(&objects)[0]), rule);
    let named = |name: &str| {
        objects.iter().any(|object| object.get::<String>("name").unwrap().as_deref() == Some(name))
    };
    assert!(named("T1059.001") && named("CVE-2021-44228"));
}

#[test]
fn a_semicolon_behind_a_backslash_ends_no_option() {
    let rule = r#"alert tcp any any -> any any (msg:"a\; b"; reference:cve,2021-44228; sid:7; rev:2;)"#;
    let (_, objects) = converted(&feed("suricata"), rule.as_bytes()).unwrap();
    let indicator = indicators(&objects)[0];
    assert_eq!(indicator.get::<String>("name").unwrap().as_deref(), Some("a; b"));
    assert_eq!(pattern(indicator), rule);
    assert!(objects.iter().any(|object| object.id().object_type() == "vulnerability"));
}

#[test]
fn a_rule_that_is_nested_too_deep_is_rejected_and_the_others_are_not() {
    let deep = format!("rule deep {{ condition: {}true{} }}\n", "(".repeat(100_000), ")".repeat(100_000));
    let signs = format!("rule signs {{ condition: {}true }}\n", "not ".repeat(100_000));
    let names: String =
        (1..1_000).map(|number| format!("rule r{number} {{ condition: r{} }}\n", number - 1)).collect();
    let file = format!("rule r0 {{ strings: $a = \"/*\" condition: $a }}\n{deep}{signs}{names}");
    let (found, objects) = converted(&feed("yara"), file.as_bytes()).unwrap();
    assert_eq!(found.records, 1_002);
    let reasons =
        |part: &str| found.rejected.iter().filter(|rejected| rejected.reason.contains(part)).count();
    assert_eq!(reasons("too deep"), 2);
    assert_eq!(reasons("other rules") + reasons("too often") + indicators(&objects).len() + 2, 1_002);
    assert!(indicators(&objects).len() > 100);
}
