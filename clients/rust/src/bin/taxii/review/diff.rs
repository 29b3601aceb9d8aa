//! What a version changes of another one.

use std::collections::BTreeMap;
use stix_model::json::{Kind, Value, write_canonical};

/// One difference, at a JSON pointer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Difference {
    Added { pointer: String, new: String },
    Removed { pointer: String, old: String },
    Changed { pointer: String, old: String, new: String },
}

/// The differences between two objects, in the order of their pointers. Lists are compared as wholes, because one more
/// element at the beginning would make all others differ.
pub(super) fn differences(old: Value<'_>, new: Value<'_>) -> Vec<Difference> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    leaves(old, String::new(), &mut before);
    leaves(new, String::new(), &mut after);
    let mut found = Vec::new();
    for (pointer, old) in &before {
        let (pointer, old) = (pointer.clone(), old.clone());
        match after.get(&pointer) {
            None => found.push(Difference::Removed { pointer, old }),
            Some(new) if *new != old => {
                found.push(Difference::Changed { pointer, old, new: new.clone() });
            }
            Some(_) => {}
        }
    }
    for (pointer, new) in after {
        if !before.contains_key(&pointer) {
            found.push(Difference::Added { pointer, new });
        }
    }
    let place = |difference: &Difference| match difference {
        Difference::Added { pointer, .. }
        | Difference::Removed { pointer, .. }
        | Difference::Changed { pointer, .. } => pointer.clone(),
    };
    found.sort_by_key(place);
    found
}

fn leaves(value: Value<'_>, pointer: String, found: &mut BTreeMap<String, String>) {
    if value.kind() == Kind::Object && value.count() > 0 {
        for (name, member) in value.members() {
            let name = name.replace('~', "~0").replace('/', "~1");
            leaves(member, format!("{pointer}/{name}"), found);
        }
        return;
    }
    let mut text = String::new();
    write_canonical(value, &mut text);
    found.insert(pointer, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use stix_model::json::{Document, Limits};

    #[test]
    fn each_difference_has_its_place() {
        let read = |text: &'static str| Document::read(text.as_bytes(), Limits::default()).unwrap();
        let old = read(r#"{"a": 1.0, "b": {"c/d": "x", "e": []}, "labels": ["p"]}"#);
        let new = read(r#"{"labels": ["q", "p"], "b": {"e": [], "f": null}, "a": 1}"#);
        let expected = [
            Difference::Removed { pointer: "/b/c~1d".into(), old: "\"x\"".into() },
            Difference::Added { pointer: "/b/f".into(), new: "null".into() },
            Difference::Changed {
                pointer: "/labels".into(),
                old: "[\"p\"]".into(),
                new: "[\"q\",\"p\"]".into(),
            },
        ];
        assert_eq!(differences(old.root(), new.root()), expected);
        assert_eq!(differences(old.root(), old.root()), []);
    }
}
