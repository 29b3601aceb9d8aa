//! Edits of a JSON text: what changes, and that nothing else does.

use proptest::prelude::*;
use stix_model::json::{Change, Document, Limits, edit};

fn edited(text: &str, changes: &[Change]) -> String {
    edit(Document::read(text.as_bytes(), Limits::default()).unwrap().root(), changes).unwrap()
}

#[test]
fn members_are_replaced_added_and_removed_in_place() {
    let set = Change::set;
    let cases = [
        (r#"{ "a" : 1 , "b":2 }"#, vec![set("a", "[ 3 ]")], r#"{ "a" : [ 3 ] , "b":2 }"#),
        (r#"{"a":1,"b":2,"c":3}"#, vec![Change::remove("a")], r#"{"b":2,"c":3}"#),
        (r#"{"a":1 ,"b":2, "c":3}"#, vec![Change::remove("b")], r#"{"a":1, "c":3}"#),
        (r#"{"a":1,"b":2,"c":3}"#, vec![Change::remove("c"), Change::remove("b")], r#"{"a":1}"#),
        (r#"{ "a": 1 }"#, vec![Change::remove("a")], r#"{ }"#),
        (r#"{ "a": 1, "b": 2 }"#, vec![Change::remove("a"), set("b", "3")], r#"{ "b": 3 }"#),
        (r#"{}"#, vec![set("a", "1"), Change::set_text("b", "\"\n")], r#"{"a":1,"b":"\"\n"}"#),
        (
            "{\n  \"a\": 1\n}",
            vec![set("b", "2"), set("c", "3")],
            "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}",
        ),
        (
            r#"{"a":1}"#,
            vec![set("b", "2"), Change::remove("b"), set("c", "0"), set("c", "3")],
            r#"{"a":1,"c":3}"#,
        ),
        (r#"{"a,\"b":1,"\u0063":2}"#, vec![set("a,\"b", "3"), set("c", "4")], r#"{"a,\"b":3,"\u0063":4}"#),
    ];
    for (text, changes, expected) in cases {
        assert_eq!(edited(text, &changes), expected, "{text} {changes:?}");
    }
}

#[test]
fn refusals() {
    let refusal = |text: &str, change| {
        edit(Document::read(text.as_bytes(), Limits::default()).unwrap().root(), &[change])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refusal("[]", Change::remove("a")), "only an object has members to change, not a list");
    assert_eq!(
        refusal("{}", Change::set("a", "1, \"b\": 2")),
        "the new value of `a` is not strict JSON: more text after the end of the value at line 1, column 2"
    );
}

proptest! {
    #[test]
    fn what_is_not_named_keeps_its_bytes_and_its_order(
        names in prop::collection::btree_set("[a-f,\"{é]{1,3}", 0..8),
        value in prop::sample::select(&[r#"[1.0, "\u00e9,\"]"]"#, "1e3", r#""x, \"y""#, r#"{ "q" : 1, "r":2 }"#]),
        gap in "[ \n]{0,2}",
        removed in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        replaced in any::<prop::sample::Index>(),
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let member = |name: &String, value: &str| format!("{}{gap}:{gap}{value}", serde_json::to_string(name).unwrap());
        let members: Vec<_> = names.iter().map(|name| member(name, value)).collect();
        let text = format!("{{{gap}{}{gap}}}", members.join(&format!(",{gap}")));

        let removed: Vec<&String> = removed.iter().filter(|_| !names.is_empty()).map(|index| index.get(&names)).collect();
        let mut changes: Vec<_> = removed.iter().map(|name| Change::remove(*name)).collect();
        let target = if names.is_empty() { "new".to_owned() } else { replaced.get(&names).clone() };
        changes.push(Change::set(&target, "null"));

        let mut expected: Vec<_> = names.iter().filter(|name| **name == target || !removed.contains(name))
            .map(|name| member(name, if *name == target { "null" } else { value })).collect();
        let result = edited(&text, &changes);
        if names.is_empty() {
            expected.push("\"new\":null".into());
            prop_assert_eq!(result.replace(['\n', ' '], ""), format!("{{{}}}", expected[0]));
        } else {
            prop_assert_eq!(result, format!("{{{gap}{}{gap}}}", expected.join(&format!(",{gap}"))));
        }
    }
}
