//! The programs in `examples/`, run.

#[cfg(feature = "std")]
#[path = "../../examples/indicators.rs"]
mod indicators;
#[path = "../../examples/match_patterns.rs"]
mod match_patterns;

#[cfg(feature = "std")]
#[test]
fn indicators() {
    use stix_model::{Object, Tlp, bundle};
    let (lines, bundle) = indicators::run().unwrap();
    assert_eq!(lines, ["C2 address: TLP:amber", "Phishing page: TLP:none"]);
    let objects = bundle::read(bundle.into(), Default::default()).unwrap();
    let objects: Vec<Object> = objects.map(|element| element.object.unwrap()).collect();
    let of =
        |object_type: &str| objects.iter().find(|object| object.id().object_type() == object_type).unwrap();
    assert_eq!(of("relationship").get("source_ref").unwrap(), Some(of("indicator").id().clone()));
    assert!(objects.iter().all(|object| object.header().tlp == Some(Tlp::Green)));
}

#[test]
fn match_patterns() {
    assert_eq!(match_patterns::run().unwrap(), ["rule 2024-17", "rule 2024-18"]);
}
