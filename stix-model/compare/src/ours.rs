//! Our side of each comparison. What the library cannot do yet is `None`, and its row shows a gap.

use crate::measure::Work;
use bytes::Bytes;
use stix_model::json::Limits;
use stix_model::{Object, taxii};

/// The strict reader and the header of each object, digests included.
pub fn read(bundle: &Bytes) -> Work<'_> {
    Box::new(move || {
        let objects = taxii::split(bundle, Limits::default()).expect("a bundle");
        assert!(objects.iter().all(Result::is_ok), "an object without header");
    })
}

/// The same, object by object.
pub fn read_each<'a>(objects: &'a [&str]) -> Work<'a> {
    Box::new(move || {
        for object in objects {
            std::hint::black_box(Object::parse(object).expect("an object with a header"));
        }
    })
}

/// To be filled in: a bundle as typed objects that lose nothing.
pub fn typed(_bundle: &Bytes) -> Option<Work<'_>> {
    None
}

/// To be filled in: everything from the text of a bundle to the findings of all three tiers.
pub fn validate(_bundle: &Bytes) -> Option<Work<'_>> {
    None
}

/// To be filled in: the same, object by object.
pub fn validate_each(_objects: &[String]) -> Option<Work<'_>> {
    None
}

/// To be filled in: each pattern to its tree.
pub fn parse_patterns(_patterns: &[String]) -> Option<Work<'_>> {
    None
}

/// To be filled in: each pattern against each object; both are parsed before the clock starts. The closure must
/// find as many matches as `expected`.
pub fn match_each<'a>(_patterns: &'a [String], _objects: &'a [String], _expected: usize) -> Option<Work<'a>> {
    None
}

/// To be filled in: one compiled set of all patterns against each object; the set is built before the clock
/// starts.
pub fn match_set<'a>(_patterns: &'a [String], _objects: &'a [String]) -> Option<Work<'a>> {
    None
}
