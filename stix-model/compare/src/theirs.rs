//! The Rust peers. Each checks that it did what its row says, so that no early error passes for speed.

use crate::measure::Work;
use bytes::Bytes;
use rstix::model::{Bundle, ParseOptions, StixObject, deserialize_stix_object_from_value};
use rstix::validate::ValidationPhase;
use rstix::{Pattern, Validator};
use std::hint::black_box;

pub fn value(text: &Bytes) -> Work<'_> {
    Box::new(move || {
        black_box(serde_json::from_slice::<serde_json::Value>(text).expect("JSON"));
    })
}

pub fn value_each<'a>(texts: &'a [&str]) -> Work<'a> {
    Box::new(move || {
        for text in texts {
            black_box(serde_json::from_str::<serde_json::Value>(text).expect("JSON"));
        }
    })
}

/// ATT&CK has types of its own.
fn options() -> ParseOptions {
    ParseOptions::default().allow_custom(true)
}

fn utf8(text: &Bytes) -> &str {
    std::str::from_utf8(text).expect("JSON is UTF-8")
}

fn bundle(text: &Bytes) -> Bundle {
    Bundle::parse_with_options(utf8(text), &options()).expect("rstix reads the bundle")
}

pub fn typed(text: &Bytes, count: usize) -> Work<'_> {
    Box::new(move || assert_eq!(bundle(text).objects().len(), count))
}

/// The phases of `Validator::consumer_strict`, which cannot allow custom types.
fn validator() -> Validator {
    let builder = Validator::builder().with_parse_options(options());
    ValidationPhase::IMPLEMENTED.into_iter().fold(builder, |builder, phase| builder.with_phase(phase)).build()
}

pub fn validate(text: &Bytes) -> Work<'_> {
    let (validator, text) = (validator(), utf8(text));
    Box::new(move || {
        black_box(validator.validate_json_str(text));
    })
}

/// As `validate_json_str` does it for bundles; a bare object it refuses at once.
pub fn validate_each(objects: &[String]) -> Work<'_> {
    let (validator, options) = (validator(), options());
    Box::new(move || {
        for object in objects {
            let value = serde_json::from_str(object).expect("JSON");
            let (object, _) =
                deserialize_stix_object_from_value(value, &options).expect("rstix reads the object");
            black_box(validator.validate_object(&object));
        }
    })
}

pub fn parse_patterns(patterns: &[String]) -> Work<'_> {
    Box::new(move || {
        for pattern in patterns {
            black_box(Pattern::parse(pattern).expect("a pattern"));
        }
    })
}

/// The work, and how many pairs match.
pub fn match_each<'a>(patterns: &'a [String], objects: &'a [String]) -> (Work<'a>, usize) {
    let patterns: Vec<_> = patterns.iter().map(|text| Pattern::parse(text).expect("a pattern")).collect();
    let bundle = bundle(&crate::data::bundle(objects));
    let count = move || {
        let mut matches = 0;
        for object in bundle.objects() {
            let StixObject::Sco(object) = object else { panic!("an observable") };
            for pattern in &patterns {
                matches += usize::from(pattern.matches_single(object).expect("a pattern of one observation"));
            }
        }
        matches
    };
    let matches = count();
    assert!(matches > 0, "nothing to find");
    (Box::new(move || assert_eq!(count(), matches)), matches)
}
