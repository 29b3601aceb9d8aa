//! STIX 2.0 in STIX 2.1: what changes, what stays, what is reported.

use proptest::prelude::*;
use serde_json::Value as Json;
use stix_model::convert::{
    ConvertOptions, Converted, MalwareKind, ObservedData, bundle_to_2_1, object_to_2_1,
};
use stix_model::json::{Document, Limits};
use stix_model::validate::{Profile, Severity, Validator};
use stix_model::{Object, SpecVersion, sco_id};

const STAMPS: &str = r#""created":"2017-01-01T00:00:00.000Z","modified":"2017-01-01T00:00:00.000Z""#;

/// An object of STIX 2.0.
fn old(object_type: &str, rest: &str) -> String {
    format!(
        r#"{{"type":"{object_type}","id":"{object_type}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",{STAMPS}{rest}}}"#
    )
}

fn convert_with(text: &str, options: ConvertOptions) -> (Vec<Json>, Vec<String>) {
    let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
    let Converted { objects, notes, .. } = object_to_2_1(document.root(), options).unwrap();
    let objects = objects.iter().map(|text| {
        assert_eq!(Object::parse(text).unwrap().header().spec_version, SpecVersion::V2_1, "{text}");
        serde_json::from_str(text).unwrap()
    });
    (objects.collect(), notes.iter().map(ToString::to_string).collect())
}

fn convert(text: &str) -> (Vec<Json>, Vec<String>) {
    convert_with(text, ConvertOptions::default())
}

/// What is new or different in the converted object, as JSON; members that went are null.
fn difference(text: &str) -> Json {
    let before: Json = serde_json::from_str(text).unwrap();
    let (objects, _) = convert(text);
    let after = objects[0].as_object().unwrap();
    let gone = before.as_object().unwrap().keys().filter(|name| !after.contains_key(*name));
    let gone = gone.map(|name| (name.clone(), Json::Null));
    let new = after.iter().filter(|(name, value)| before.get(name) != Some(value));
    gone.chain(new.map(|(name, value)| (name.clone(), value.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

#[test]
fn labels_of_some_types_become_their_types() {
    for (object_type, labels, expected) in [
        (
            "indicator",
            r#"["malicious-activity"]"#,
            r#"{"labels":null,"indicator_types":["malicious-activity"],"pattern_type":"stix"}"#,
        ),
        (
            "report",
            r#"["mine","campaign","Threat-Report"]"#,
            r#"{"labels":["mine","Threat-Report"],"report_types":["campaign"]}"#,
        ),
        ("threat-actor", r#"["spy"]"#, r#"{"labels":null,"threat_actor_types":["spy"]}"#),
        ("tool", r#"["remote-access"]"#, r#"{"labels":null,"tool_types":["remote-access"]}"#),
        ("malware", r#"["worm"]"#, r#"{"labels":null,"malware_types":["worm"],"is_family":true}"#),
        ("identity", r#"["CEO"]"#, r#"{"labels":null,"roles":["CEO"]}"#),
        ("campaign", r#"["campaign"]"#, "{}"),
        ("x-thing", r#"["worm"]"#, "{}"),
    ] {
        let mut expected = json(expected);
        expected["spec_version"] = "2.1".into();
        assert_eq!(
            difference(&old(object_type, &format!(r#","labels":{labels}"#))),
            expected,
            "{object_type}"
        );
    }
}

#[test]
fn selected_labels_stay() {
    let text =
        old("tool", r#","labels":["remote-access"],"granular_markings":[{"selectors":["labels.[0]"]}]"#);
    assert_eq!(difference(&text), json(r#"{"spec_version":"2.1"}"#));
    assert_eq!(convert(&text).1, ["/labels: stays as it is: a granular marking selects it"]);
}

#[test]
fn timestamps_get_milliseconds_and_keep_what_they_have() {
    let object = |created: &str, modified: &str| {
        let text =
            old("tool", "").replace(STAMPS, &format!(r#""created":"{created}","modified":"{modified}""#));
        let (objects, _) = convert(&text);
        [&objects[0]["created"], &objects[0]["modified"]].map(|value| value.as_str().unwrap().to_owned())
    };
    assert_eq!(
        object("2017-01-01T00:00:00Z", "2017-01-01T00:00:00.12Z"),
        ["2017-01-01T00:00:00.000Z", "2017-01-01T00:00:00.120Z"]
    );
    assert_eq!(
        object("2017-01-01T00:00:00.123Z", "2017-01-01T00:00:00.123456Z"),
        ["2017-01-01T00:00:00.123Z", "2017-01-01T00:00:00.123456Z"]
    );
}

#[test]
fn malware_is_a_family_unless_told_otherwise() {
    let text = old("malware", "");
    let (objects, notes) = convert_with(&text, ConvertOptions::default().malware(MalwareKind::Instance));
    assert_eq!(objects[0]["is_family"], false);
    assert_eq!(notes, ["/is_family: assumed to be false, because STIX 2.1 demands it"]);
    assert_eq!(convert(&text).0[0]["is_family"], true);
}

#[test]
fn objects_of_the_newer_edition_are_not_touched() {
    for text in [
        old("malware", r#","spec_version":"2.1","labels":["worm"]"#),
        r#"{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"x"}"#.to_owned(),
    ] {
        assert_eq!(difference(&text), json("{}"));
    }
}

fn pattern(text: &str) -> (String, Vec<String>) {
    let mut quoted = String::new();
    stix_model::json::write_string(text, &mut quoted);
    let (objects, notes) = convert(&old("indicator", &format!(r#","pattern":{quoted}"#)));
    (objects[0]["pattern"].as_str().unwrap().to_owned(), notes)
}

#[test]
fn patterns_change_where_the_language_did() {
    for (before, after) in [
        (
            "[a:b = 'c'] START '2017-01-01T00:00:00Z'  STOP '2017-01-02T00:00:00.5Z'",
            "[a:b = 'c'] START t'2017-01-01T00:00:00Z'  STOP t'2017-01-02T00:00:00.5Z'",
        ),
        ("[a:b = ' START \\'2017-01-01T00:00:00Z\\' x']", ""),
        ("[a:b = 'c'] START t'2017-01-01T00:00:00Z' STOP t'2017-01-02T00:00:00Z'", ""),
        ("[a:b = 'c'] START 'yesterday' STOP 'today'", ""),
        ("[file:created > t'2017-01-01T00:00:00Z']", "[file:ctime > t'2017-01-01T00:00:00Z']"),
        (
            "[file:hashes.'SHA-256' = 'x' AND file:hashes.ssdeep='y']",
            "[file:hashes.'SHA-256' = 'x' AND file:hashes.SSDEEP='y']",
        ),
        (
            "[file:extensions.'windows-pebinary-ext'.sections[*].hashes.'ssdeep' = 'x']",
            "[file:extensions.'windows-pebinary-ext'.sections[*].hashes.'SSDEEP' = 'x']",
        ),
        (
            "[process:binary_ref.created = 'x' OR process:parent_ref.created = 'y']",
            "[process:image_ref.ctime = 'x' OR process:parent_ref.created_time = 'y']",
        ),
        (
            "[process:'created' IN ('created', 'file:created')]",
            "[process:'created_time' IN ('created', 'file:created')]",
        ),
        ("[email-message:from_ref.value MATCHES '.+\\\\@x\\\\.com$']", ""),
        (
            "[user-account:password_last_changed = 1 AND windows-registry-key:modified = 2]",
            "[user-account:credential_last_changed = 1 AND windows-registry-key:modified_time = 2]",
        ),
        ("[file:name = 'file:created' AND file:x_created = 'unclosed", ""),
        ("[x-thing:created = 1]", ""),
    ] {
        let expected = if after.is_empty() { before } else { after };
        assert_eq!(pattern(before).0, expected);
        assert_eq!(pattern(expected).0, expected, "twice");
    }
}

#[test]
fn a_pattern_that_can_no_longer_match_is_reported() {
    let (text, notes) = pattern("[process:name = 'x' OR file:extensions.'archive-ext'.version = '1']");
    assert_eq!(text, "[process:name = 'x' OR file:extensions.'archive-ext'.version = '1']");
    assert_eq!(
        notes,
        [
            "/pattern: STIX 2.1 has no `process:name`, so it matches nothing",
            "/pattern: STIX 2.1 has no `file:extensions.'archive-ext'.version`, so it matches nothing",
        ]
    );
}

#[test]
fn long_patterns_take_time_in_proportion() {
    for part in ["a:b[", "a:'archive-ext'", ".'archive-ext'.version", "'", "START '", "file:created."] {
        pattern(&part.repeat(40_000));
    }
}

#[test]
fn observed_objects_stand_on_their_own() {
    let text = old(
        "observed-data",
        r#","object_marking_refs":["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"],"objects":{
            "0":{"type":"file","name":"a.zip","parent_directory_ref":"1","created":"2016-01-01T00:00:00Z",
                "hashes":{"ssdeep":"x"},"is_encrypted":true,
                "extensions":{"archive-ext":{"contains_refs":["2"],"version":"5.0"}}},
            "1":{"type":"directory","path":"/tmp","contains_refs":["0"]},
            "2":{"type":"file","name":"b"},
            "3":{"type":"process","pid":1,"binary_ref":"0","environment_variables":{"MY_ref":"0"}},
            "4":{"type":"email-message","is_multipart":false,"additional_header_fields":{"X":"1","Y":["2"]}},
            "5":{"type":"file","name":"b"},
            "6":{"type":"file","name":"b","size":3}}"#,
    );
    let (objects, notes) = convert(&text);
    let [observed, archive, directory, b, process, email, other_b] = &objects[..] else {
        panic!("{objects:#?}")
    };
    assert_eq!(observed.get("objects"), None);
    let ids: Vec<_> = objects[1..].iter().map(|object| object["id"].clone()).collect();
    assert_eq!(observed["object_refs"], Json::from(ids), "each once, in their order");
    for object in &objects[1..] {
        assert_eq!(object["object_marking_refs"], observed["object_marking_refs"], "still protected");
    }
    for object in [archive, directory, b] {
        let text = object.to_string();
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        assert_eq!(
            sco_id(document.root()).unwrap().id().map(|id| id.as_str()),
            object["id"].as_str(),
            "{text}"
        );
    }
    assert_eq!(archive["parent_directory_ref"], directory["id"]);
    assert_eq!(archive["ctime"], "2016-01-01T00:00:00Z");
    assert_eq!(archive["hashes"], json(r#"{"SSDEEP":"x"}"#));
    assert_eq!(archive["extensions"]["archive-ext"]["contains_refs"], Json::from(vec![b["id"].clone()]));
    assert_eq!(directory["contains_refs"], Json::from(vec![archive["id"].clone()]));
    assert_eq!(process["image_ref"], archive["id"]);
    assert_eq!(process["environment_variables"], json(r#"{"MY_ref":"0"}"#), "no reference");
    assert_eq!(email["additional_header_fields"], json(r#"{"X":["1"],"Y":["2"]}"#));
    assert_ne!(other_b["id"], b["id"], "it says more, so it is another object");
    assert_eq!(
        notes,
        [
            "/objects/0/is_encrypted: lost, STIX 2.1 has no place for it; it was true",
            r#"/objects/0/extensions/archive-ext/version: lost, STIX 2.1 has no place for it; it was "5.0""#,
        ]
    );
    assert_eq!(convert(&text).0, objects, "the same every time");
}

#[test]
fn references_in_a_circle_are_kept_without_end() {
    let text = old(
        "observed-data",
        r#","objects":{"a":{"type":"file","name":"a","extensions":{"archive-ext":{"contains_refs":["b"]}}},
            "b":{"type":"file","name":"b","extensions":{"archive-ext":{"contains_refs":["a"]}}}}"#,
    );
    let (objects, notes) = convert(&text);
    assert_eq!(objects[1]["extensions"]["archive-ext"]["contains_refs"][0], objects[2]["id"]);
    assert_eq!(objects[2]["extensions"]["archive-ext"]["contains_refs"][0], objects[1]["id"]);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn containers_that_would_lose_something_stay() {
    for (rest, why) in [
        (
            r#","objects":{"0":{"type":"file","name":"a","content_ref":"7"}}"#,
            "a reference in it leads nowhere",
        ),
        (r#","objects":{"0":{"name":"a"}}"#, "an element has no type"),
        (
            r#","objects":{"0":{"type":"process","name":"a"}}"#,
            "an element has no property that STIX 2.1 knows",
        ),
        (r#","objects":{"0":{"type":"A","name":"a"}}"#, "the type of an element is no type name"),
        (r#","objects":{}"#, "it is empty"),
        (r#","objects":[]"#, "`objects` is no dictionary"),
        (
            r#","objects":{"0":{"type":"url","value":"a"}},"object_refs":["x"]"#,
            "`object_refs` is there already",
        ),
        (
            r#","objects":{"0":{"type":"url","value":"a"}},"object_marking_refs":"x""#,
            "its markings cannot be read",
        ),
        (
            r#","objects":{"0":{"type":"url","value":"a"}},"granular_markings":[{"selectors":["objects.0.value"]}]"#,
            "a granular marking reaches into it",
        ),
        (
            r#","objects":{"0":{"type":"url","value":"a","id":"x"}}"#,
            "an element has properties of an object of its own",
        ),
    ] {
        let text = old("observed-data", rest);
        assert_eq!(difference(&text), json(r#"{"spec_version":"2.1"}"#), "{text}");
        assert_eq!(convert(&text).1, [format!("/objects: stays as it is: {why}")]);
    }
    let text = old("observed-data", r#","objects":{"0":{"type":"url","value":"a"}}"#);
    let keep = ConvertOptions::default().observed_data(ObservedData::Keep);
    assert_eq!(convert_with(&text, keep).0.len(), 1);
}

/// One object of each type of STIX 2.0 with what that edition demands of it.
fn samples() -> Vec<String> {
    let id = |object_type: &str| format!("{object_type}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f");
    let seen = r#","first_observed":"2017-01-01T00:00:00Z","last_observed":"2017-01-01T00:00:00Z","number_observed":1"#;
    let container = r#"{
        "0":{"type":"file","name":"a","size":3,"accessed":"2017-01-01T00:00:00Z","parent_directory_ref":"1","content_ref":"2",
            "hashes":{"MD5":"79054025255fb1a26e4bc422aef54eb4","ssdeep":"3:a:b"},"decryption_key":"x","is_encrypted":true,
            "extensions":{"raster-image-ext":{"image_height":1,"image_compression_algorithm":"x"}}},
        "1":{"type":"directory","path":"/tmp","created":"2017-01-01T00:00:00Z","contains_refs":["0"]},
        "2":{"type":"artifact","mime_type":"text/plain","payload_bin":"AAAA"},
        "3":{"type":"network-traffic","src_ref":"4","dst_ref":"5","protocols":["tcp","http"],
            "extensions":{"http-request-ext":{"request_method":"get","request_value":"/","request_header":{"Accept":"*"}},
                "socket-ext":{"address_family":"AF_INET","protocol_family":"PF_INET"}}},
        "4":{"type":"ipv4-addr","value":"198.51.100.2","resolves_to_refs":["6"]},
        "5":{"type":"domain-name","value":"example.com","resolves_to_refs":["4"]},
        "6":{"type":"mac-addr","value":"d2:fb:49:24:37:18"},
        "7":{"type":"process","pid":1,"name":"x","created":"2017-01-01T00:00:00Z","binary_ref":"0","opened_connection_refs":["3"],
            "creator_user_ref":"8","arguments":["-v"]},
        "8":{"type":"user-account","user_id":"1","password_last_changed":"2017-01-01T00:00:00Z"},
        "9":{"type":"windows-registry-key","key":"HKEY_LOCAL_MACHINE\\\\a","modified":"2017-01-01T00:00:00Z"},
        "a":{"type":"email-message","is_multipart":true,"from_ref":"b","body_multipart":[{"body_raw_ref":"2"}],
            "additional_header_fields":{"Reply-To":"x@example.com"}},
        "b":{"type":"email-addr","value":"a@example.com","belongs_to_ref":"8"},
        "c":{"type":"software","name":"Word"}, "d":{"type":"mutex","name":"m"}, "e":{"type":"url","value":"http://example.com/"},
        "f":{"type":"autonomous-system","number":1}, "g":{"type":"x509-certificate","serial_number":"1"}}"#;
    let rows = [
        ("attack-pattern", r#","name":"n""#.to_owned()),
        ("campaign", r#","name":"n","first_seen":"2017-01-01T00:00:00Z""#.into()),
        ("course-of-action", r#","name":"n""#.into()),
        ("identity", r#","name":"n","identity_class":"group","labels":["CEO"]"#.into()),
        ("indicator", r#","labels":["benign"],"pattern":"[file:created = t'2017-01-01T00:00:00Z'] START '2017-01-01T00:00:00Z' STOP '2018-01-01T00:00:00Z'","valid_from":"2017-01-01T00:00:00Z""#.into()),
        ("intrusion-set", r#","name":"n""#.into()),
        ("malware", r#","name":"n","labels":["worm"]"#.into()),
        ("observed-data", format!(r#"{seen},"objects":{container}"#)),
        ("report", format!(r#","name":"n","labels":["campaign"],"published":"2017-01-01T00:00:00Z","object_refs":["{}"]"#, id("campaign"))),
        ("threat-actor", r#","name":"n","labels":["spy"]"#.into()),
        ("tool", r#","name":"n","labels":["remote-access"]"#.into()),
        ("vulnerability", r#","name":"n""#.into()),
        ("relationship", format!(r#","relationship_type":"uses","source_ref":"{}","target_ref":"{}""#, id("campaign"), id("tool"))),
        ("sighting", format!(r#","sighting_of_ref":"{}""#, id("tool"))),
    ];
    let statement =
        old("marking-definition", r#","definition_type":"statement","definition":{"statement":"©"}"#);
    let statement = statement.replace(r#","modified":"2017-01-01T00:00:00.000Z""#, "");
    rows.iter().map(|(object_type, rest)| old(object_type, rest)).chain([statement]).collect()
}

#[test]
fn what_comes_out_is_valid() {
    let validator = Validator::new(Profile::Stix);
    let mut types = std::collections::BTreeSet::new();
    for text in samples() {
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        for text in object_to_2_1(document.root(), ConvertOptions::default()).unwrap().objects {
            let object = Object::parse(&text).unwrap();
            let findings = validator.object(object.document().root());
            let errors: Vec<_> =
                findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
            assert!(errors.is_empty(), "{text}\n{errors:?}");
            types.insert(object.header().id.object_type().to_owned());
        }
    }
    assert_eq!(types.len(), 15 + 17, "{types:?}");
}

#[test]
fn bundles_are_converted_with_all_that_is_in_them() {
    let observed = |last: u8, url: &str| {
        let container = format!(r#","objects":{{"0":{{"type":"url","value":"x"{url}}}}}"#);
        old("observed-data", &container).replace("cd3f", &format!("cd3{last}"))
    };
    let text = format!(
        r#"{{"type":"bundle","id":"bundle--1","spec_version":"2.0", "x_mine": 1.0, "objects":[{},{},{},7,{}]}}"#,
        observed(1, ""),
        observed(2, ""),
        observed(3, r#","x_more":1"#),
        old("tool", r#", "x_a" : 1.0 "#)
    );
    let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
    let converted = bundle_to_2_1(document.root(), ConvertOptions::default()).unwrap();
    assert!(converted.json.starts_with(r#"{"type":"bundle","id":"bundle--1", "x_mine": 1.0, "objects":["#));
    assert!(converted.json.contains(r#", "x_a" : 1.0"#), "bytes are kept: {}", converted.json);
    let bundle = json(&converted.json);
    let types: Vec<_> =
        bundle["objects"].as_array().unwrap().iter().map(|object| object["type"].as_str()).collect();
    let [observed, url] = [Some("observed-data"), Some("url")];
    assert_eq!(types, [observed, url, observed, observed, url, None, Some("tool")]);
    assert_eq!(
        converted.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "/objects/2/objects: another description of url--4380b12f-9945-5d38-b6ee-2b8430723926; both are there",
            "/objects/3: stays as it is: a STIX object is a JSON object, not a number",
        ]
    );
}

#[test]
fn refusals() {
    let refusal = |text: &str| {
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        let as_object = object_to_2_1(document.root(), ConvertOptions::default()).unwrap_err().to_string();
        let as_bundle = bundle_to_2_1(document.root(), ConvertOptions::default()).map(|_| ());
        (as_object, as_bundle.map_err(|error| error.to_string()))
    };
    assert_eq!(
        refusal(r#"{"type":"bundle"}"#),
        ("a bundle is not a STIX object; convert it as a bundle".into(), Ok(()))
    );
    let not_a_bundle = || Err("not a bundle: `type` is something else".into());
    assert_eq!(
        refusal(r#"{"id":1}"#),
        ("the required property `type` is missing or not a string".into(), not_a_bundle())
    );
    assert_eq!(
        refusal(r#"{"type":"tool","id":"x"}"#),
        ("/id: an identifier has the form type--UUID".into(), not_a_bundle())
    );
}

proptest! {
    #[test]
    fn other_members_keep_their_bytes(
        members in prop::collection::vec("\"x_[a-z]{3,6}\" ?: ?(1\\.0|\"\\\\\\\\u00e9\"|\\[1, 2\\]|null)", 0..6),
    ) {
        let mut names = std::collections::BTreeSet::new();
        let unique = members.iter().filter(|member| names.insert(member.split('"').nth(1).unwrap()));
        let text = old("x-thing", &unique.map(|member| format!(" , {member}")).collect::<String>());
        let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
        let converted = object_to_2_1(document.root(), ConvertOptions::default()).unwrap();
        let added = converted.objects[0].strip_prefix(&text[..text.len() - 1]).unwrap().trim_start_matches([',', ' ']);
        prop_assert!(added.starts_with(r#""spec_version""#) && added.ends_with(r#""2.1"}"#), "{added}");
    }

    #[test]
    fn no_pattern_makes_it_panic(text in "[a-z:.'\\[\\]\\\\ STARTOP_0-9é-]{0,40}|\\PC{0,24}") {
        let (once, _) = pattern(&text);
        prop_assert_eq!(pattern(&once).0, once);
    }
}
