//! Our side of each comparison.

use crate::measure::Work;
use bytes::Bytes;
use std::hint::black_box;
use stix_model::json::{Document, Limits};
use stix_model::pattern::{MatchLimits, Observations, Pattern, PatternSet};
use stix_model::validate::{Profile, Validator};
use stix_model::{AnyObject, Object, ObjectError, ObjectErrorKind, taxii};

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
            black_box(Object::parse(object).expect("an object with a header"));
        }
    })
}

/// The objects of a bundle as typed views of its text; types that the standard does not have stay text.
pub fn typed(bundle: &Bytes) -> Work<'_> {
    Box::new(move || {
        let document = Document::read(bundle, Limits::default()).expect("JSON");
        let objects = document.root().get("objects").expect("a bundle").elements();
        let is_custom = |error: &ObjectError| matches!(error.kind(), ObjectErrorKind::UnknownType);
        let objects: Vec<_> = objects.map(AnyObject::read).collect();
        assert!(
            objects.iter().all(|object| object.as_ref().err().is_none_or(is_custom)),
            "an object without type"
        );
        black_box(objects);
    })
}

/// Everything from the text of a bundle to the findings of all three tiers.
pub fn validate(bundle: &Bytes) -> Work<'_> {
    let validator = validator();
    Box::new(move || {
        let document = Document::read(bundle, Limits::default()).expect("JSON");
        black_box(validator.document(document.root()));
    })
}

/// The same, object by object.
pub fn validate_each(objects: &[String]) -> Work<'_> {
    let validator = validator();
    Box::new(move || {
        for object in objects {
            let document = Document::read(object.as_bytes(), Limits::default()).expect("JSON");
            black_box(validator.object(document.root()));
        }
    })
}

fn validator() -> Validator {
    Validator::new(Profile::Stix).most_findings(usize::MAX)
}

/// Each pattern to its tree.
pub fn parse_patterns(patterns: &[String]) -> Work<'_> {
    Box::new(move || {
        for pattern in patterns {
            black_box(Pattern::parse(pattern).expect("a pattern"));
        }
    })
}

/// Each pattern against each object; both are parsed before the clock starts, as with the peers. There must be as
/// many matches as a peer has found.
pub fn match_each<'a>(patterns: &[String], objects: &'a [Document<'a>], expected: usize) -> Work<'a> {
    let compile = |text: &String| Pattern::parse(text).expect("a pattern").compile(MatchLimits::default());
    let patterns: Vec<_> = patterns.iter().map(|text| compile(text).expect("it compiles")).collect();
    Box::new(move || {
        let mut matches = 0;
        for object in objects {
            for pattern in &patterns {
                matches += usize::from(pattern.matches_object(object.root()).expect("few steps"));
            }
        }
        assert_eq!(matches, expected);
    })
}

/// For [`match_each`].
pub fn documents(objects: &[String]) -> Vec<Document<'_>> {
    objects.iter().map(|text| Document::read(text.as_bytes(), Limits::default()).expect("JSON")).collect()
}

/// One compiled set of all patterns against each observation, from its text to the hits; the set is built before
/// the clock starts.
pub fn match_set<'a>(patterns: &[String], observations: &'a [String]) -> Work<'a> {
    let mut builder = PatternSet::builder();
    for (key, text) in (0..).zip(patterns) {
        builder.add(key, &Pattern::parse(text).expect("a pattern")).expect("it compiles");
    }
    let mut matcher = builder.build().matcher();
    Box::new(move || {
        let mut hits = 0;
        for text in observations {
            let document = Document::read(text.as_bytes(), Limits::default()).expect("JSON");
            let mut seen = Observations::from_bundles([document.root()]);
            if seen.is_empty() {
                seen.add_object(document.root());
            }
            for observation in seen.iter() {
                hits += matcher.matches(observation).expect("few steps").len();
            }
        }
        assert!(hits > observations.len() / 50, "only {hits} hits");
    })
}
