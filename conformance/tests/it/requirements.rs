//! Each requirement has a check, each check a requirement.

use std::collections::BTreeSet;

use taxii_conformance::{checks, requirements};

#[test]
fn rows_and_checks_name_each_other() {
    let named: BTreeSet<String> = requirements::all().into_iter().map(|row| row.check).collect();
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
    assert!(rows.iter().all(|row| row.text.ends_with('.')), "a text is one sentence");
}
