//! Reads have a viewer: whatever the store gives of a collection, it gives to a `View`.

const STORE: &str = include_str!("../../src/store.rs");

/// Methods that read something else than a collection.
const OF_NO_COLLECTION: [(&str, &str); 3] = [
    ("directory", "API roots, collections and accounts, which extractors look up"),
    ("status", "a status belongs to an account, and takes the principal that asks for it"),
    ("ready", "says whether reading and writing work"),
];

/// Methods that write; what they answer is decided in `apply` with the clearance of the view that they take.
const WRITES: [&str; 4] = ["change_directory", "add", "delete", "close"];

#[test]
fn every_read_takes_a_view() {
    let (_, methods) = STORE.split_once("\nimpl Store {\n").unwrap();
    let (methods, _) = methods.split_once("\n}\n").unwrap();
    let methods = methods.split("\n    pub ").skip(1).filter_map(|text| {
        let (_, text) = text.split_once("fn ")?;
        let signature = text.split('{').next()?;
        let name = signature.split(['(', '<']).next()?;
        signature.contains("&self").then_some((name, signature))
    });
    let mut views = 0;
    for (name, signature) in methods {
        let is_plain = !signature.contains("Result") && !signature.contains("Watch");
        let is_known = OF_NO_COLLECTION.iter().any(|(known, _)| *known == name) || WRITES.contains(&name);
        if signature.contains("view: &View") || signature.contains("views: &[View]") {
            views += 1;
        } else {
            assert!(is_plain || is_known, "Store::{name} reads without a view");
        }
    }
    assert!(views >= 9, "only {views} methods take a view");
}
