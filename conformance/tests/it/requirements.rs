//! Each requirement has a check, each check a requirement.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use stix_model::finding::Rule;
use taxii_conformance::{checks, requirements};

#[test]
fn rows_and_checks_name_each_other() {
    let named: BTreeSet<String> = requirements::of_servers().into_iter().map(|row| row.check).collect();
    let existing: BTreeSet<String> = checks::all().iter().map(|check| check.name.to_owned()).collect();
    let orphans: Vec<_> = named.symmetric_difference(&existing).collect();
    assert!(orphans.is_empty(), "a row without its check or a check without a row: {orphans:?}");
    assert_eq!(checks::all().len(), existing.len(), "a check is registered twice");
}

#[test]
fn ids_are_unique() {
    let rows = requirements::all();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids.len(), rows.len());
    assert!(rows.iter().all(|row| row.text.ends_with('.')), "a text is one sentence or two");
}

#[test]
fn the_library_says_of_its_rules_what_the_rows_say() {
    let rows = requirements::all();
    let said: BTreeMap<_, _> =
        rows.iter().map(|row| (row.id.as_str(), (row.section.as_str(), row.text.as_str()))).collect();
    for rule in Rule::ALL {
        assert_eq!(said.get(rule.as_str()), Some(&(rule.section(), rule.text())), "{rule}");
    }
}

/// The file with examples, by its name in a check.
const EXAMPLES: &str = "stix_rules.jsonl";

/// How many rules of the library nobody can check, because what they ask is not in the data. Keep it small.
const NOT_CHECKABLE: usize = 3;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// How many good and bad examples each rule has.
fn examples() -> BTreeMap<String, [usize; 2]> {
    let text = std::fs::read_to_string(repository().join("conformance/fixtures").join(EXAMPLES)).unwrap();
    let mut counts = BTreeMap::<String, [usize; 2]>::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let count = counts.entry(row["rule"].as_str().unwrap().to_owned()).or_default();
        match row["valid"].as_bool().or(row["match"].as_bool()) {
            Some(true) => count[0] += 1,
            Some(false) => count[1] += 1,
            None => {}
        }
        if let Some(found) = row["found"].as_str() {
            counts.entry(found.to_owned()).or_default();
        }
    }
    counts
}

#[test]
fn rows_of_the_library_have_examples_or_tests() {
    let rows = requirements::all();
    let examples = examples();
    let mut faults = Vec::new();
    let mut not_checkable = 0;
    for row in rows.iter().filter(|row| !row.is_of_server()) {
        if let Some(reason) = row.check.strip_prefix("not checkable: ") {
            not_checkable += usize::from(!reason.is_empty());
            continue;
        }
        for check in row.check.split(", ") {
            let is_there = match check.split_once("::") {
                None => check == EXAMPLES && examples.get(&row.id).is_some_and(|count| !count.contains(&0)),
                Some((file, test)) => std::fs::read_to_string(repository().join(file))
                    .is_ok_and(|text| text.contains(&format!("\nfn {test}()"))),
            };
            if !is_there {
                faults.push(format!("{}: {check}", row.id));
            }
        }
    }
    assert!(faults.is_empty(), "no such test, or not both a good and a bad example: {faults:#?}");
    assert_eq!(not_checkable, NOT_CHECKABLE);
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let orphans: Vec<_> = examples.keys().filter(|rule| !ids.contains(rule.as_str())).collect();
    assert!(orphans.is_empty(), "examples for rules without a row: {orphans:?}");
}

/// The validator names a rule with each finding; whoever looks it up has to find it.
#[test]
fn every_rule_that_the_library_names_has_a_row() {
    let ids: BTreeSet<String> = requirements::all().into_iter().map(|row| row.id).collect();
    let mut named = BTreeSet::new();
    collect_rules(&repository().join("stix-model/src"), &mut named);
    assert!(named.len() > 100, "only {} rules are named", named.len());
    let orphans: Vec<_> = named.difference(&ids).collect();
    assert!(orphans.is_empty(), "rules without a row: {orphans:?}");
}

/// String literals such as `"S-001"` in the sources below a folder.
fn collect_rules(folder: &Path, rules: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_rules(&path, rules);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let literals = text.split('"').filter(|literal| {
                let number = ["S-", "P-", "I-"].iter().find_map(|kind| literal.strip_prefix(kind));
                number.is_some_and(|number| {
                    number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit())
                })
            });
            rules.extend(literals.map(str::to_owned));
        }
    }
}
