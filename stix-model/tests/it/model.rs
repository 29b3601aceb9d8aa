//! The typed model on real objects: what is read is written again, whole.

use crate::vectors::rows;
use std::path::Path;
use stix_model::json::{Document, Limits, canonicalize};
use stix_model::sco::{File, NetworkTraffic, Process};
use stix_model::sdo::{Indicator, Malware};
use stix_model::sro::Relationship;
use stix_model::validate::{Code, Rule};
use stix_model::vocab::{HashAlgorithm, IndicatorType, PatternType};
use stix_model::{
    AnyObject, BuildError, Hashes, Json, Mint, Object, ObjectErrorKind, StixId, Timestamp, ToObject,
};

/// Reads an object of a type of the standard, writes it, and compares everything that it says.
fn assert_kept(text: &str, case: &str) {
    let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
    let typed = match AnyObject::read(document.root()) {
        Err(error) if *error.kind() == ObjectErrorKind::UnknownType => return,
        typed => typed.unwrap_or_else(|error| panic!("{case}: {error}\n{text}")),
    };
    let written = typed.to_json();
    let read = Document::read(written.as_bytes(), Limits::default()).unwrap();
    assert_eq!(AnyObject::read(read.root()).unwrap(), typed, "{case}");
    // An observable may leave `spec_version` out; it is written with it.
    let expected = match document.root().get("spec_version") {
        Some(_) => text.to_owned(),
        None => text.replacen('{', r#"{"spec_version":"2.1","#, 1),
    };
    let canonical = |text: &str| canonicalize(text.as_bytes()).unwrap();
    assert_eq!(canonical(&written), canonical(&expected), "{case}");
}

#[test]
fn objects_of_the_vectors() {
    for vectors in ["object_validation.jsonl", "object_mutations.jsonl"] {
        for (case, row, raw) in rows(vectors) {
            if row["expect_valid"] != true || row["object"]["type"] == "bundle" {
                continue;
            }
            let document = Document::read(raw.get().as_bytes(), Limits::default()).unwrap();
            assert_kept(document.root().get("object").unwrap().raw(), &case);
        }
    }
}

#[test]
fn official_examples() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/fixtures/examples");
    let mut objects = 0;
    for folder in ["cti-documentation", "json-schemas", "json-schemas/threat-reports"] {
        for entry in std::fs::read_dir(examples.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let bundle = Document::read(&bytes, Limits::default()).unwrap();
            let root = bundle.root();
            let list: Vec<_> = root.get("objects").map_or(vec![root], |objects| objects.elements().collect());
            for object in &list {
                assert_kept(object.raw(), &path.display().to_string());
            }
            objects += list.len();
        }
    }
    assert!(objects > 500, "only {objects} objects were found");
}

fn mint() -> Mint<impl FnMut() -> i64, impl FnMut(&mut [u8; 16])> {
    let (mut now, mut number) = (1_700_000_000_000_000, 0_u8);
    let clock = move || {
        now += 1000;
        now
    };
    Mint::new(clock, move |bytes: &mut [u8; 16]| {
        number += 1;
        bytes.fill(number);
    })
}

#[test]
fn an_indicator_is_built_with_all_that_it_needs() {
    let mut mint = mint();
    let stamp = mint.stamp();
    let valid_from = stamp.created.clone();
    let built = Indicator::new(stamp, "[url:value = 'http://x.example/']", PatternType::Stix, valid_from)
        .name("Bad address")
        .indicator_types([IndicatorType::MaliciousActivity, "x-ours".into()])
        .labels(["ours"])
        .confidence(80)
        .custom("x_acme_score", Json::parse("[1,2]").unwrap())
        .to_object()
        .unwrap();
    assert_eq!(
        std::str::from_utf8(built.json()).unwrap(),
        concat!(
            r#"{"type":"indicator","spec_version":"2.1","id":"indicator--01010101-0101-4101-8101-010101010101","#,
            r#""created":"2023-11-14T22:13:20.001000Z","modified":"2023-11-14T22:13:20.001000Z","confidence":80,"#,
            r#""labels":["ours"],"pattern":"[url:value = 'http://x.example/']","pattern_type":"stix","#,
            r#""valid_from":"2023-11-14T22:13:20.001000Z","name":"Bad address","#,
            r#""indicator_types":["malicious-activity","x-ours"],"x_acme_score":[1,2]}"#,
        )
    );
}

#[test]
fn what_breaks_a_rule_is_not_built() {
    let mut mint = mint();
    let family = Malware::new(mint.stamp(), true).to_object();
    let Err(BuildError::Invalid { findings, .. }) = family else { panic!("a family without name was built") };
    assert_eq!((findings[0].code, findings[0].rule), (Code::PropertyMissing, Some(Rule::S203)));

    let id = |text: &str| text.parse::<StixId>().unwrap();
    let marking = id("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9");
    assert!(stix_model::Ref::<stix_model::to::DomainObjectOrObservable>::try_from(marking).is_err());
    let campaign: stix_model::Ref<_> =
        id("campaign--12a111f0-b824-4baf-a224-83b80237a094").try_into().unwrap();
    let related = Relationship::new(mint.stamp(), "related-to", campaign.clone(), campaign);
    assert!(related.to_object().is_ok());
}

#[test]
fn an_observable_gets_the_identifier_of_its_content() {
    let mut hashes = Hashes::default();
    hashes.set(HashAlgorithm::Md5, "d41d8cd98f00b204e9800998ecf8427e");
    let file = File::new().hashes(hashes).to_object().unwrap();
    let expected = stix_model::sco_id(file.document().root()).unwrap();
    assert_eq!(expected.id(), Some(&file.header().id));

    // Nothing in a process tells it from another, so it needs a random identifier.
    assert!(matches!(Process::new().pid(5).to_object(), Err(BuildError::Object(_))));
    let process = Process::new().pid(5).id(mint().stamp().uuid).to_object().unwrap();
    assert_eq!(process.header().id.object_type(), "process");
}

#[test]
fn a_read_names_the_place_of_a_fault() {
    let text = r#"{"type": "network-traffic", "id": "network-traffic--2568d22a-8998-58eb-99ec-3c8ca74f527d",
        "protocols": ["tcp", 6]}"#;
    let object = Object::parse(text).unwrap();
    let document = object.document();
    let error = NetworkTraffic::read(document.root()).unwrap_err();
    assert_eq!(error.to_string(), "/protocols/1: must be a string, not a number");
}

macro_rules! extensions {
    ($($type:ident $text:literal;)*) => {
        #[test]
        fn every_predefined_extension_is_read_and_written() {
            $({
                let text = $text;
                let document = Document::read(text.as_bytes(), Limits::default()).unwrap();
                let typed = stix_model::extension::$type::read(document.root()).unwrap();
                let written = Json::from_typed(&typed);
                assert_eq!(canonicalize(written.as_str().as_bytes()), canonicalize(text.as_bytes()));
            })*
        }
    };
}

extensions! {
    ArchiveExt r#"{"contains_refs": ["file--019fde1c-94ca-5967-8b3c-a906a51d87ac"], "comment": "c"}"#;
    NtfsExt r#"{"sid": "S-1", "alternate_data_streams": [{"name": "second.stream", "size": 25536}]}"#;
    PdfExt r#"{"version": "1.7", "is_optimized": true, "document_info_dict": {"Title": "t"}, "pdfid0": "DFC"}"#;
    RasterImageExt r#"{"image_height": 10, "bits_per_pixel": 8, "exif_tags": {"Make": "Nikon", "XResolution": 4928}}"#;
    WindowsPeBinaryExt r#"{"pe_type": "exe", "machine_hex": "014c", "time_date_stamp": "2016-01-22T12:31:12Z",
        "file_header_hashes": {"MD5": "d41d8cd98f00b204e9800998ecf8427e"},
        "optional_header": {"magic_hex": "010b", "size_of_code": 512, "hashes": {"x-own": "1"}},
        "sections": [{"name": "CODE", "entropy": 0.061089}]}"#;
    HttpRequestExt r#"{"request_method": "get", "request_value": "/d", "request_header": {"Accept": ["text/html", "*/*"]}}"#;
    IcmpExt r#"{"icmp_type_hex": "08", "icmp_code_hex": "00"}"#;
    SocketExt r#"{"address_family": "AF_INET", "socket_type": "SOCK_STREAM", "options": {"SO_KEEPALIVE": 1}}"#;
    TcpExt r#"{"src_flags_hex": "00000002"}"#;
    WindowsProcessExt r#"{"aslr_enabled": true, "window_title": "w", "integrity_level": "high", "startup_info": {"a": 1}}"#;
    WindowsServiceExt r#"{"service_name": "sirvis", "descriptions": ["d"], "start_type": "SERVICE_AUTO_START"}"#;
    UnixAccountExt r#"{"gid": 1001, "groups": ["wheel"], "home_dir": "/home/jd", "shell": "/bin/bash", "x_own": null}"#;
}

#[test]
fn timestamps_keep_their_digits() {
    let time: Timestamp = "2016-01-20T12:31:12.12345Z".parse().unwrap();
    let text = format!(
        r#"{{"type":"campaign","spec_version":"2.1","id":"campaign--12a111f0-b824-4baf-a224-83b80237a094","created":"{time}","modified":"{time}","name":"n"}}"#
    );
    assert_kept(&text, "five digits");
}

#[test]
fn typed_values_outlive_their_object() {
    let text = r#"{"type": "indicator", "spec_version": "2.1", "pattern": "[a:b = 'c']", "pattern_type": "stix",
        "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "valid_from": "2020-01-01T00:00:00Z", "x_rank": 1.50,
        "created_by_ref": "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "labels": ["a", "b"],
        "created": "2020-01-01T00:00:00.000Z", "modified": "2020-01-01T00:00:00.000Z"}"#;
    let object = Object::parse(text).unwrap();
    let (indicator, any): (Indicator, AnyObject) = (object.read().unwrap(), object.read_any().unwrap());
    let error = object.read::<Malware>().unwrap_err();
    assert_eq!(error.id(), Some(object.id()));
    assert_eq!(
        error.to_string(),
        "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f: /type: must be `malware`"
    );
    let labels: Option<Vec<String>> = object.get("labels").unwrap();
    drop(object);
    assert_eq!(labels.unwrap(), ["a", "b"]);
    assert_eq!(indicator.other.get("x_rank").unwrap().as_str(), "1.50");
    assert_eq!(any.created_by_ref(), indicator.common.created_by_ref.as_ref());
    assert_eq!(any.common(), Some(&indicator.common));
    assert_eq!(any, AnyObject::Indicator(indicator));
}
