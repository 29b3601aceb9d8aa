use crate::{converted, feed};
use taxii_feeds::Collected;

fn package(inside: &str) -> String {
    format!(
        "<stix:STIX_Package xmlns:stix='http://stix.mitre.org/stix-1' id='e:Package-8b8ed1c1-f01d-4393-ac65-97017ed15876' \
         timestamp='2014-05-08T09:00:00Z'>{inside}</stix:STIX_Package>"
    )
}

fn indicator(properties: &str) -> String {
    package(&format!(
        "<Indicators><Indicator id='e:Indicator-53fe3b22-0201-47cf-85d0-97c02164528d'><Observable><Object>{properties}\
         </Object></Observable></Indicator></Indicators>"
    ))
}

fn made(text: &str) -> (Collected, Vec<serde_json::Value>) {
    let (found, objects) = converted(&feed("stix1"), text.as_bytes()).unwrap();
    let parsed = objects.iter().map(|object| serde_json::from_slice(object.json()).unwrap());
    (found, parsed.collect())
}

fn pattern(properties: &str) -> String {
    let (found, objects) = made(&indicator(properties));
    match objects.iter().find(|object| object["type"] == "indicator") {
        Some(indicator) => indicator["pattern"].as_str().unwrap().to_owned(),
        None => found.rejected[0].reason.clone(),
    }
}

#[test]
fn conditions_and_lists_become_comparisons() {
    let uri = |attributes: &str, value: &str| {
        pattern(&format!(
            "<Properties xsi:type='URIObj:URIObjectType'><Value {attributes}>{value}</Value></Properties>"
        ))
    };
    assert_eq!(uri("condition='Equals'", "http://a'b/"), r"[url:value = 'http://a\'b/']");
    assert_eq!(uri("condition='StartsWith'", "http://a"), "[url:value LIKE 'http://a%']");
    assert_eq!(uri("", "u:a##comma##u:b"), "[(url:value = 'u:a' OR url:value = 'u:b')]");
    assert_eq!(
        uri("condition='DoesNotEqual'", "u:a##comma##u:b"),
        "[(url:value != 'u:a' AND url:value != 'u:b')]"
    );
    assert_eq!(uri("condition='InclusiveBetween'", "u:a"), "a pattern has no condition `InclusiveBetween`");
}

#[test]
fn identifiers_keep_their_uuid_and_others_are_made() {
    let (_, objects) =
        made(&indicator("<Properties xsi:type='A:MutexObjectType'><Name>m</Name></Properties>"));
    let found = objects.iter().find(|object| object["type"] == "indicator").unwrap();
    assert_eq!(found["id"], "indicator--53fe3b22-0201-47cf-85d0-97c02164528d");
    assert_eq!((&found["created"], &found["valid_from"]), (&found["modified"], &found["created"]));
    assert_eq!(found["created"], "2014-05-08T09:00:00.000Z", "the package says when");
}

#[test]
fn components_that_refer_to_themselves_are_rejected() {
    let text = package(
        "<Indicators><Indicator id='e:i'><Composite_Indicator_Expression operator='AND'><Indicator idref='e:i'/>\
         </Composite_Indicator_Expression></Indicator></Indicators><TTPs><TTP id='e:t'><Title>t</Title></TTP></TTPs>",
    );
    let (found, _) = made(&text);
    let reasons: Vec<&str> = found.rejected.iter().map(|rejected| rejected.reason.as_str()).collect();
    let expected = [
        "its indicators stand too deep in each other, or in themselves",
        "it has no behaviour, no resource and no victim",
    ];
    assert_eq!((found.records, &reasons[..]), (2, &expected[..]));
}

#[test]
fn a_marking_holds_for_all_of_a_package() {
    let mark = |structure: &str| {
        let text = package(&format!(
            "<STIX_Header><Handling><Marking><Marking_Structure {structure}</Marking_Structure></Marking></Handling>\
             </STIX_Header><Campaigns><Campaign id='e:c'><Title>c</Title></Campaign></Campaigns>"
        ));
        let (_, objects) = made(&text);
        let campaign = objects.iter().find(|object| object["type"] == "campaign").unwrap();
        campaign["object_marking_refs"].as_array().unwrap().len()
    };
    let red = mark("xsi:type='tlpMarking:TLPMarkingStructureType' color='RED'>");
    assert_eq!((red, mark("xsi:type='x:Simple'><Statement>only for us</Statement>")), (1, 2));
    assert_eq!(
        mark("xsi:type='isa:ISAMarkingsType'><ControlSet>CLS:U</ControlSet>"),
        2,
        "unknown ones are told in words"
    );
}

#[test]
fn what_is_no_package_is_refused() {
    for text in ["<a/>", "<STIX_Package>", "", &"<STIX_Package>".repeat(1_000)] {
        assert!(converted(&feed("stix1"), text.as_bytes()).is_err());
    }
}
