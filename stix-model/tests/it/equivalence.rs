//! Equivalence: what is taken for the same, what is not, and why.

use stix_model::Object;
use stix_model::equivalence::{Candidate, DedupOptions, Relation, compare, dedup};

fn object(object_type: &str, number: u8, rest: &str) -> Object {
    let id = format!("{object_type}--00000000-0000-4000-8000-0000000000{number:02}");
    Object::parse(&format!(r#"{{"type":"{object_type}","id":"{id}"{rest}}}"#)).unwrap()
}

fn relation(object_type: &str, a: &str, b: &str) -> Relation {
    compare(&Candidate::new(&object(object_type, 1, a)), &Candidate::new(&object(object_type, 2, b)))
}

fn explained(object_type: &str, a: &str, b: &str) -> String {
    match relation(object_type, a, b) {
        Relation::Similar(similarity) => similarity.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn certain_relations() {
    let url = |number: u8, rest: &str| object("url", number, &format!(r#","value":"x"{rest}"#));
    let of = |a: &Object, b: &Object| compare(&Candidate::new(a), &Candidate::new(b));
    assert_eq!(of(&url(1, ""), &url(1, "")), Relation::Identical);
    assert_eq!(of(&url(1, ""), &url(1, r#","defanged":true"#)), Relation::SameObject);
    let Relation::SameObservable(id) = of(&url(1, ""), &url(2, "")) else { panic!() };
    assert_eq!(id.as_str(), "url--4380b12f-9945-5d38-b6ee-2b8430723926");
    assert_eq!(of(&url(1, ""), &object("url", 2, r#","value":"y""#)), Relation::Unrelated);
    assert_eq!(
        of(&object("process", 1, r#","pid":1"#), &object("process", 2, r#","pid":1"#)),
        Relation::Unrelated
    );
}

#[test]
fn similar_objects_with_the_reasons() {
    let attack = |id: &str| {
        format!(r#""external_references":[{{"source_name":"mitre-attack","external_id":"{id}"}}]"#)
    };
    let [t1, t2] = ["T1001", "T1002"].map(attack);
    let ics = r#""external_references":[{"source_name":"mitre-ics-attack","external_id":"t1001"}]"#;
    for (object_type, a, b, expected) in [
        (
            "malware",
            r#","name":"Poison Ivy""#,
            r#","name":"POISON-IVY""#,
            "100: names 100 of 100 (weight 40)",
        ),
        (
            "attack-pattern",
            &format!(r#","name":"x",{t1}"#),
            &format!(r#","name":"y",{ics}"#),
            "70: external_ids 100 of 100 (weight 70), names 0 of 100 (weight 30)",
        ),
        (
            "attack-pattern",
            &format!(r#","name":"x",{t1}"#),
            &format!(r#","name":"x",{t2}"#),
            "30: external_ids 0 of 100 (weight 70), names 100 of 100 (weight 30)",
        ),
        (
            "malware",
            r#","name":"Ryuk","is_family":true"#,
            r#","name":"ryuk","is_family":false"#,
            "80: names 100 of 100 (weight 40), is_family 0 of 100 (weight 10)",
        ),
        ("malware", r#","is_family":true"#, r#","is_family":true"#, "Unrelated"),
        (
            "threat-actor",
            r#","name":"A","threat_actor_types":["spy","hacker"]"#,
            r#","name":"B","aliases":["a"],"threat_actor_types":["spy"]"#,
            "90: names 100 of 100 (weight 80), threat_actor_types 50 of 100 (weight 20)",
        ),
        (
            "vulnerability",
            r#","name":"CVE-2021-44228""#,
            r#","name":"Log4Shell","external_references":[{"source_name":"cve","external_id":"CVE-2021-44228"}]"#,
            "80: external_ids 100 of 100 (weight 80), names 0 of 100 (weight 20)",
        ),
        (
            "indicator",
            r#","pattern":"[a:b=1]","pattern_type":"stix""#,
            r#","pattern":"[a:b=1]","pattern_type":"sigma""#,
            "Unrelated",
        ),
        (
            "location",
            r#","country":"US","city":"x""#,
            r#","country":"US""#,
            "50: place 50 of 100 (weight 100)",
        ),
        (
            "relationship",
            r#","relationship_type":"uses","source_ref":"a","target_ref":"b""#,
            r#","relationship_type":"uses","source_ref":"a","target_ref":"c""#,
            "50: ends 50 of 100 (weight 100)",
        ),
        ("note", r#","content":"x""#, r#","content":"x""#, "Unrelated"),
    ] {
        assert_eq!(explained(object_type, a, b), expected, "{object_type} {a} {b}");
    }
}

#[test]
fn the_pattern_counts_in_the_form_it_is_given() {
    let a = object("indicator", 1, r#","pattern":"[a:b  =  1]""#);
    let b = object("indicator", 2, r#","pattern":"[a:b = 1]""#);
    assert_eq!(compare(&Candidate::new(&a), &Candidate::new(&b)), Relation::Unrelated);
    let canonical = |object| Candidate::new(object).with_pattern("[a:b = 1]");
    assert_eq!(compare(&canonical(&a), &canonical(&b)).score(), 100);
}

#[test]
fn duplicates_come_in_groups() {
    let named = |number: u8, name: &str, alias: &str| {
        object("intrusion-set", number, &format!(r#","name":"{name}","aliases":["{alias}"]"#))
    };
    let objects = [
        named(1, "APT28", "Fancy Bear"),
        object("tool", 2, r#","name":"Fancy Bear""#),
        named(3, "Sofacy", "Pawn Storm"),
        named(4, "fancy bear", "SOFACY"),
        object("url", 5, r#","value":"x""#),
        object("url", 6, r#","value":"x""#),
        named(7, "APT29", "Cozy Bear"),
    ];
    let candidates: Vec<_> = objects.iter().map(Candidate::new).collect();
    let groups = dedup(&candidates, DedupOptions::default());
    let members: Vec<_> = groups.iter().map(|group| group.members.clone()).collect();
    assert_eq!(members, [vec![0, 2, 3], vec![4, 5]]);
    let pairs: Vec<_> =
        groups[0].evidence.iter().map(|(a, b, relation)| (*a, *b, relation.score())).collect();
    assert_eq!(pairs, [(0, 3, 100), (2, 3, 100)], "by a chain");
    assert!(matches!(groups[1].evidence[..], [(4, 5, Relation::SameObservable(_))]));
    assert!(dedup(&[], DedupOptions::default()).is_empty());
}

#[test]
fn many_objects_of_one_name_are_compared_in_a_window() {
    let objects: Vec<_> = (0..100).map(|number| object("campaign", number, r#","name":"x""#)).collect();
    let candidates: Vec<_> = objects.iter().map(Candidate::new).collect();
    let groups = dedup(&candidates, DedupOptions::default().window(1));
    assert_eq!((groups.len(), groups[0].members.len(), groups[0].evidence.len()), (1, 100, 99));
    assert!(dedup(&candidates, DedupOptions::default().window(0)).is_empty());
    assert!(dedup(&candidates, DedupOptions::default().threshold(101)).is_empty());
}
