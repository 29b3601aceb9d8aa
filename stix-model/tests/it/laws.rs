//! Properties, checked on random values; a failure prints the smallest value that breaks the law.

use proptest::prelude::*;
use serde_json::Value;
use stix_model::json::{self, Document, Limits};
use stix_model::{Timestamp, taxii};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 16, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..16).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..16)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_reader_accepts_what_serde_json_writes_and_canonical_form_is_a_fixed_point(value in any_json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        prop_assert_eq!(document.root().raw(), text.trim());
        let canonical = json::canonicalize(text.as_bytes()).unwrap();
        prop_assert_eq!(&json::canonicalize(canonical.as_bytes()).unwrap(), &canonical);
    }

    #[test]
    fn the_reader_agrees_with_serde_json_on_what_is_json(text in "[\\[\\]{}:,\"\\\\ a0-9.eE+-]{0,24}|\\PC{0,24}") {
        let strict = Document::read(text.as_bytes(), Limits::default().safe_integers(false));
        let lenient = serde_json::from_str::<Value>(&text);
        match strict {
            Ok(_) => prop_assert!(lenient.is_ok(), "only we accept {text:?}"),
            Err(error) if lenient.is_ok() => prop_assert_eq!(error.kind(), json::JsonErrorKind::DuplicateName),
            Err(_) => {}
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Document::read(&bytes, Limits::default());
        let _ = taxii::split(&bytes.into(), Limits::default());
    }

    #[test]
    fn timestamps_survive_the_way_through_microseconds(micros in -62_167_219_200_000_000_i64..=253_402_300_799_999_999) {
        let stamp = Timestamp::from_micros(micros).unwrap();
        prop_assert_eq!(stamp.micros(), micros);
        prop_assert_eq!(stamp.as_str().parse::<Timestamp>().unwrap(), stamp);
    }

    #[test]
    fn timestamps_order_like_their_instants(a in any::<i32>(), b in any::<i32>()) {
        let [left, right] = [a, b].map(|n| Timestamp::from_micros(i64::from(n)).unwrap());
        prop_assert_eq!(left.cmp(&right), a.cmp(&b));
    }
}
