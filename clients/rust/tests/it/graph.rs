//! `taxii graph`

use crate::program::{rows, said};
use serde_json::{Value, json};

fn id(object_type: &str) -> String {
    format!("{object_type}--7d45bfa7-9b83-4b0c-b5ae-000000000001")
}

fn relationship(number: usize, source: &str, label: &str, target: &str) -> Value {
    json!({
        "type": "relationship", "id": format!("relationship--7d45bfa7-9b83-4b0c-b5ae-{number:012x}"),
        "relationship_type": label, "source_ref": id(source), "target_ref": id(target),
    })
}

/// indicator -> malware -> tool, malware -> a campaign that is not there.
fn objects() -> String {
    let object = |name: &str| json!({ "type": name, "id": id(name), "name": format!("The \"{name}\""), "created_by_ref": id("identity") });
    let objects = [
        object("indicator"),
        object("malware"),
        object("tool"),
        relationship(1, "indicator", "indicates", "malware"),
        relationship(2, "malware", "uses", "tool"),
        relationship(3, "malware", "attributed-to", "campaign"),
    ];
    objects.iter().map(|object| format!("{object}\n")).collect()
}

#[test]
fn objects_and_edges_are_counted() {
    let (code, found) = rows(&["graph", "--json", "-"], objects());
    let expected = json!({
        "objects": 6,
        "types": { "indicator": 1, "malware": 1, "tool": 1, "relationship": 3 },
        "relationships": { "indicates": 1, "uses": 1, "attributed-to": 1 },
        "sightings": 0,
        "embedded": { "created_by_ref": 3, "source_ref": 3, "target_ref": 3 },
        "dangling": 2,
    });
    assert_eq!((code, found), (0, vec![expected]));
    let (_, found, remark) = said(&["graph", "-"], objects());
    assert!(found.starts_with("TYPE          OBJECTS\nrelationship  3\nindicator     1\n"), "{found}");
    assert!(found.contains("\nuses            relationship  1\n"), "{found}");
    assert_eq!(remark, "6 objects; 2 more are referred to but not there (--dangling)\n");
}

#[test]
fn neighbours_are_listed() {
    let around = |depth: &str| {
        let (code, found) =
            rows(&["graph", "--json", "-", "--around", &id("indicator"), "--depth", depth], objects());
        assert_eq!(code, 0);
        found[0]["ids"].clone()
    };
    assert_eq!(around("1"), json!([id("indicator"), id("malware")]));
    assert_eq!(around("2").as_array().unwrap().len(), 4);
    let (_, found, remark) = said(&["graph", "-", "--around", &id("indicator")], objects());
    let row =
        format!("{}  The \"indicator\"  indicates  {}  The \"malware\"", id("indicator"), id("malware"));
    assert_eq!(found.lines().nth(1).unwrap(), row);
    assert_eq!(remark, "2 objects, 1 edges\n");
    let (_, found) = rows(&["graph", "--json", "-", "--embedded", "--around", &id("identity")], objects());
    assert_eq!(
        found[0]["edges"].as_array().unwrap().len(),
        5,
        "the authors, and what is between their objects"
    );
    assert_eq!(said(&["graph", "-", "--around", &id("location")], objects()).0, 1);
}

#[test]
fn ways_are_found() {
    let (code, found, _) = said(&["graph", "-", "--path", &id("tool"), &id("indicator")], objects());
    let expected = format!(
        "{}  The \"tool\"\n  ← uses\n{}  The \"malware\"\n  ← indicates\n{}  The \"indicator\"\n",
        id("tool"),
        id("malware"),
        id("indicator")
    );
    assert_eq!((code, found), (0, expected));
    let path = ["graph", "--json", "-", "--path", &id("tool"), &id("indicator")];
    let (code, found) = rows(&path, objects());
    assert_eq!((code, &found[0]["ids"]), (0, &json!([id("tool"), id("malware"), id("indicator")])));
    assert_eq!(found[0]["edges"][0]["via"], "relationship--7d45bfa7-9b83-4b0c-b5ae-000000000002");
    let (code, found) = rows(&[&path[..], &["--depth", "1"]].concat(), objects());
    assert_eq!((code, &found[0]["ids"]), (1, &Value::Null));
}

#[test]
fn what_is_missing_and_what_is_not_defined_is_listed() {
    let (code, found) = rows(&["graph", "--json", "-", "--dangling"], objects());
    assert_eq!(code, 0);
    let [malware, tool, indicator] = ["malware", "tool", "indicator"].map(id);
    let identity = json!({ "id": id("identity"), "referred_by": [indicator, malware, tool] });
    assert!(found.contains(&identity), "{found:?}");
    let campaign = json!({ "id": id("campaign"), "referred_by": ["relationship--7d45bfa7-9b83-4b0c-b5ae-000000000003"] });
    assert!(found.contains(&campaign) && found.len() == 2, "{found:?}");

    let (code, found) = rows(&["graph", "--json", "-", "--check"], objects());
    assert_eq!((code, found.len()), (1, 1));
    assert_eq!(
        (&found[0]["definition"], &found[0]["target_ref"]),
        (&json!("not-defined"), &json!(id("campaign")))
    );
    let good: String = objects().lines().take(5).map(|line| format!("{line}\n")).collect();
    let remark = "2 relationships, 0 that the standard does not define\n";
    assert_eq!(said(&["graph", "-", "--check"], good), (0, String::new(), remark.into()));
}

#[test]
fn graphviz_gets_a_digraph() {
    let (code, found, _) = said(&["graph", "--dot", "-"], objects());
    assert_eq!(code, 0);
    let [indicator, malware, campaign] = ["indicator", "malware", "campaign"].map(id);
    for line in [
        format!("  \"{indicator}\" [label=\"indicator\\nThe \\\"indicator\\\"\"];"),
        format!("  \"{indicator}\" -> \"{malware}\" [label=\"indicates\"];"),
        format!("  \"{campaign}\" [label=\"campaign\\n{campaign}\", style=dashed];"),
    ] {
        assert!(found.lines().any(|found| found == line), "{line}\nis missing in\n{found}");
    }
    assert!(found.starts_with("digraph stix {\n") && found.ends_with("}\n"));
    assert!(!found.contains("relationship--"), "{found}");
}

#[test]
fn what_is_no_object_is_left_out_and_told() {
    let (code, found, complaint) = said(&["graph", "-q", "-"], format!("{}17\n", objects()));
    assert_eq!(code, 1);
    assert!(found.contains("\nmalware "), "{found}");
    assert_eq!(complaint, "standard input:7:1: left out: must be an object, not a number\n");
    assert_eq!(said(&["graph", "-", "--check", "--dangling"], "").0, 2);
    assert_eq!(said(&["graph", "-", "--around", "x"], "").0, 2);
}
