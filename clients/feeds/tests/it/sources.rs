//! Laws that hold for each known feed.

use crate::{NOW, converted, feed, samples};
use std::collections::BTreeMap;
use std::fs;
use stix_model::Object;
use taxii_feeds::feed::OnWarninglist;
use taxii_feeds::warninglist::Warninglist;
use taxii_feeds::{Collected, convert, known};

#[test]
fn each_declaration_can_be_read() {
    for name in known::names() {
        let feed = feed(name);
        assert!(feed.title.contains(": ") || feed.url.is_none(), "{name} does not say what it lists");
        assert!(!feed.mapping.is_empty(), "{name} does not say what becomes of a record");
    }
}

#[test]
fn the_same_bytes_become_the_same_objects() {
    let bytes = fs::read(samples().join("threatfox.csv")).unwrap();
    let feed = feed("threatfox");
    let [one, other] = [(); 2].map(|()| converted(&feed, &bytes).unwrap().1);
    assert!(one.iter().map(|object| object.json()).eq(other.iter().map(|object| object.json())));
}

#[test]
fn each_record_is_an_object_or_a_rejection() {
    let list = "192.0.2.1 # first\n\nnonsense\n2001:db8::/32\n192.0.2.1\n";
    let (found, objects) = converted(&feed("blocklist-de"), list.as_bytes()).unwrap();
    assert_eq!((found.records, found.rejected.len()), (4, 1));
    assert_eq!(found.rejected[0].record, "line 3");
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    objects.iter().for_each(|object| *types.entry(object.id().object_type()).or_default() += 1);
    assert_eq!(types["indicator"], 2);
}

#[test]
fn quotes_and_backslashes_in_a_value_stay_in_the_pattern() {
    let list = "http://evil.example/a'b\\c\n";
    let (_, objects) = converted(&feed("openphish"), list.as_bytes()).unwrap();
    let indicator = objects.iter().find(|object| object.id().object_type() == "indicator").unwrap();
    let pattern: String = indicator.get("pattern").unwrap().unwrap();
    assert_eq!(pattern, r"[url:value = 'http://evil.example/a\'b\\c']");
}

#[test]
fn what_is_usual_has_little_confidence_or_is_held_back() {
    let list = br#"{"name": "Public DNS", "type": "cidr", "list": ["192.0.2.0/24"], "matching_attributes": ["ip-dst"]}"#;
    let mut feed = feed("blocklist-de");
    let mut labels = Vec::new();
    for hold in [OnWarninglist::Lower, OnWarninglist::Hold] {
        feed.on_warninglist = hold;
        let mut found = Collected::default();
        found.warninglists = vec![Warninglist::parse(list).unwrap()];
        convert(&feed, &NOW.parse().unwrap(), &mut "192.0.2.1\n198.51.100.1\n".as_bytes(), &mut found)
            .unwrap();
        let indicators = found.objects.iter().filter(|object| object.id().object_type() == "indicator");
        let confidence = |object: &Object| object.get::<i64>("confidence").unwrap();
        labels.push((indicators.map(confidence).collect::<Vec<_>>(), found.rejected.len()));
    }
    assert_eq!(labels, [(vec![Some(10), Some(60)], 0), (vec![Some(60)], 1)]);
}
