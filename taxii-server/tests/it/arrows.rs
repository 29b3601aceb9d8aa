//! Which package may depend on which, and what its manifest and its pages say alike.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::BTreeMap;

#[test]
fn dependencies_point_the_right_way() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    // What each package may use of ours; tests may use more where the second list says so.
    let allowed: BTreeMap<&str, (&[&str], &[&str])> = BTreeMap::from([
        ("concord-stix-model", (&[][..], &[][..])),
        ("concord-consensus", (&[], &[])),
        ("taxii-server", (&["concord-consensus", "concord-stix-model"], &[])),
        ("taxii-client", (&["concord-consensus", "concord-stix-model"], &[])),
        ("taxii-feeds", (&["concord-stix-model", "taxii-client"], &[])),
        ("taxii-conformance", (&[], &["concord-stix-model", "taxii-server"])),
    ]);
    let ours: Vec<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let mut arrows = 0;
    for package in &metadata.packages {
        let (always, in_tests) = allowed
            .get(package.name.as_str())
            .unwrap_or_else(|| panic!("{} is new: say here what it may depend on", package.name));
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if ["concord-stix-model", "concord-consensus"].contains(&package.name.as_str()) {
                let has_io = ["tokio", "axum", "hyper", "reqwest"].contains(&name);
                // The order of entries among nodes is a feature of its own.
                let is_always = dependency.kind == DependencyKind::Normal && !dependency.optional;
                assert!(!(has_io && is_always), "{} does no I/O, so it must not use {name}", package.name);
            }
            if ours.iter().any(|ours| ours == name) {
                let may = always.contains(&name)
                    || (dependency.kind == DependencyKind::Development && in_tests.contains(&name));
                assert!(may, "{} must not depend on {name}", package.name);
                arrows += 1;
            }
        }
    }
    assert!(arrows > 0, "no dependency was looked at");
}

#[test]
fn pages_of_a_package_agree_with_its_manifest() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().unwrap();
        let [readme, changes] =
            ["README.md", "CHANGELOG.md"].map(|page| std::fs::read_to_string(folder.join(page)).unwrap());
        let (name, oldest) = (&package.name, package.rust_version.as_ref().unwrap());
        assert!(readme.starts_with(&format!("# {name}\n")), "the title of {folder}/README.md");
        let oldest = format!("Rust {}.{} or newer", oldest.major, oldest.minor);
        assert!(readme.contains(&oldest), "{folder}/README.md does not say {oldest:?}");
        let version = format!("\n## {} ", package.version);
        assert!(changes.contains(&version), "{folder}/CHANGELOG.md has no version {}", package.version);
    }
}
