//! Markings: selectors, what applies where, the fixed TLP objects, and editing.

use crate::vectors::rows;
use proptest::prelude::*;
use stix_model::json::{self, Document, Limits, Value};
use stix_model::marking::{
    Mark, Markings, Selector, TLP_2_EXTENSION, TLP_2_EXTENSION_ID, Tlp, TlpEdition, add_granular,
    check_selectors, remove_granular,
};
use stix_model::{Object, StixId};

fn read(text: &str) -> Document<'_> {
    Document::read(text.as_bytes(), Limits::default()).unwrap()
}

fn selector(text: &str) -> Selector {
    text.parse().unwrap()
}

#[test]
fn selector_vectors() {
    for (case, row, raw) in rows("granular_selectors.jsonl") {
        let document = read(raw.get());
        let selectors: Vec<_> =
            row["selectors"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        let checked = check_selectors(document.root().get("object").unwrap(), &selectors);
        assert_eq!(checked.is_ok(), row["valid"].as_bool().unwrap(), "{case} {selectors:?} {checked:?}");
    }
}

#[test]
fn selectors_of_the_published_examples_resolve() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/fixtures/examples/cti-documentation");
    let text = std::fs::read_to_string(format!("{folder}/using-granular-markings.json")).unwrap();
    let document = read(&text);
    let mut count = 0;
    for object in document.root().get("objects").unwrap().elements() {
        for marking in Markings::of(object).unwrap().granular() {
            for selector in &marking.selectors {
                selector.resolve(object).unwrap();
                count += 1;
            }
        }
    }
    assert_eq!(count, 5);
}

#[test]
fn malformed_selectors_are_refused_with_the_place() {
    for (text, message) in [
        ("", "a component is missing at character 1: property names and `[n]` are joined by single dots"),
        ("a..b", "a component is missing at character 3: property names and `[n]` are joined by single dots"),
        ("a.", "a component is missing at character 3: property names and `[n]` are joined by single dots"),
        ("labels[0]", "`[` at character 7 does not belong into a name; an element is written `.[0]`"),
        ("é.b c", "`é` at character 1 does not belong into a name"),
        ("a.b c", "` ` at character 4 does not belong into a name"),
        ("a.[-2]", "the component at character 3 is no index: write `[0]`, with a plain decimal number"),
        ("a.[01]", "the component at character 3 is no index: write `[0]`, with a plain decimal number"),
        ("a.[]", "the component at character 3 is no index: write `[0]`, with a plain decimal number"),
        ("a.[1", "the component at character 3 is no index: write `[0]`, with a plain decimal number"),
        (
            "a.[99999999999999999999]",
            "the component at character 3 is no index: write `[0]`, with a plain decimal number",
        ),
        ("[0]", "a selector begins with the name of a property"),
    ] {
        assert_eq!(text.parse::<Selector>().unwrap_err().to_string(), message, "{text}");
    }
    assert!("a".repeat(251).parse::<Selector>().is_err());
}

#[test]
fn selectors_that_hit_nothing_say_what_stands_there() {
    let document = read(r#"{"a":[1],"hashes":{"SHA-256":"x"},"s":"t"}"#);
    let resolve =
        |text: &str| selector(text).resolve(document.root()).map(Value::raw).map_err(|e| e.to_string());
    assert_eq!(resolve("hashes.SHA-256"), Ok("\"x\""));
    for (text, message) in [
        ("b", "there is no `b` where character 1 looks for it"),
        ("hashes.MD5", "there is no `MD5` where character 8 looks for it"),
        ("a.[1]", "the index at character 3 is past the end of a list of 1"),
        ("a.x", "the name at character 3 follows a list, which has no properties"),
        ("s.[0]", "the index at character 3 follows a string, which is no list"),
        ("hashes.[0]", "the index at character 8 follows an object, which is no list"),
    ] {
        assert_eq!(resolve(text), Err(message.into()), "{text}");
    }
}

const GREEN: &str = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da";
const AMBER: &str = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82";
const RED: &str = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
const STATEMENT: &str = "marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

fn marked() -> String {
    format!(
        r#"{{"name":"n","labels":["a","b"],"external_references":[{{"source_name":"x","url":"y"}}],
            "lang":"de","object_marking_refs":["{GREEN}","{STATEMENT}"],
            "granular_markings":[
                {{"marking_ref":"{AMBER}","selectors":["external_references"]}},
                {{"marking_ref":"{RED}","selectors":["external_references.[0].url"]}},
                {{"marking_ref":"{STATEMENT}","selectors":["name","labels.[0]"]}},
                {{"lang":"en","selectors":["labels"]}},
                {{"lang":"fr","selectors":["labels.[1]"]}}]}}"#
    )
}

#[test]
fn markings_apply_to_what_lies_inside() {
    let text = marked();
    let document = read(&text);
    let markings = Markings::of(document.root()).unwrap();
    let at = |part: &str| markings.refs_at(&selector(part)).iter().map(|id| id.as_str()).collect::<Vec<_>>();
    assert_eq!(at("type"), [GREEN, STATEMENT]);
    assert_eq!(at("name"), [GREEN, STATEMENT], "each marking once");
    assert_eq!(at("external_references"), [GREEN, STATEMENT, AMBER]);
    assert_eq!(at("external_references.[0].source_name"), [GREEN, STATEMENT, AMBER]);
    assert_eq!(at("external_references.[0].url"), [GREEN, STATEMENT, AMBER, RED]);

    let part = selector("external_references.[0]");
    assert_eq!(markings.tlp_at(&part), Some(Tlp::Amber));
    assert_eq!(markings.tlp_within(&part), Some(Tlp::Red));
    assert_eq!(markings.tlp_within(&selector("external_references.[0].source_name")), Some(Tlp::Amber));
    assert_eq!(markings.tlp_within(&selector("name")), Some(Tlp::Green));
    assert_eq!(markings.tlp(), Some(Tlp::Red));
    assert_eq!(markings.tlp(), Tlp::effective(document.root()));
}

#[test]
fn the_closest_language_counts() {
    let text = marked();
    let document = read(&text);
    let markings = Markings::of(document.root()).unwrap();
    let lang = |part: &str| markings.lang_at(&selector(part));
    assert_eq!(
        [lang("name"), lang("labels"), lang("labels.[0]"), lang("labels.[1]")],
        ["de", "en", "en", "fr"]
    );
    let plain = read(r#"{"name":"n"}"#);
    assert_eq!(Markings::of(plain.root()).unwrap().lang_at(&selector("name")), "en", "STIX 2.1, section 3.2");
}

#[test]
fn unreadable_markings_are_refused_with_the_place() {
    for (text, message) in [
        (r#"{"object_marking_refs":"x"}"#, "/object_marking_refs: must be a list, not a string"),
        (r#"{"object_marking_refs":["x"]}"#, "/object_marking_refs/0: an identifier has the form type--UUID"),
        (
            r#"{"object_marking_refs":["tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"]}"#,
            "/object_marking_refs/0: a marking is named by the identifier of a marking-definition",
        ),
        (r#"{"granular_markings":[7]}"#, "/granular_markings/0: must be an object, not a number"),
        (
            r#"{"granular_markings":[{"selectors":["a"]}]}"#,
            "/granular_markings/0: a granular marking has either `marking_ref` or `lang`, and not both",
        ),
        (
            r#"{"granular_markings":[{"lang":"de"}]}"#,
            "/granular_markings/0/selectors: a granular marking has at least one selector",
        ),
        (
            r#"{"granular_markings":[{"lang":"de","selectors":["a","a[0]"]}]}"#,
            "/granular_markings/0/selectors/1: `[` at character 2 does not belong into a name; an element is written `.[0]`",
        ),
    ] {
        assert_eq!(Markings::of(read(text).root()).unwrap_err().to_string(), message);
    }
}

#[test]
fn the_fixed_tlp_objects_are_what_they_say() {
    let mut found = Vec::new();
    for level in Tlp::ALL {
        for edition in [TlpEdition::V1, TlpEdition::V2] {
            let Some(text) = level.definition(edition) else { continue };
            let document = read(text);
            assert_eq!(Tlp::of_definition(document.root()), Ok(Some(level)), "{text}");
            let object = Object::parse(text).unwrap();
            assert_eq!(Tlp::of_marking(object.header().id.as_str()), Some(level));
            found.push(object.header().id.clone());
        }
    }
    assert_eq!(found.len(), 9);
    assert_eq!(Object::parse(TLP_2_EXTENSION).unwrap().header().id.as_str(), TLP_2_EXTENSION_ID);
}

#[test]
fn nothing_else_may_claim_to_be_tlp() {
    let of = |text: &str| Tlp::of_definition(read(text).root()).map_err(|error| error.to_string());
    let red = Tlp::Red.definition(TlpEdition::V1).unwrap();
    assert_eq!(of(r#"{"definition_type":"statement","definition":{"statement":"©"}}"#), Ok(None));
    assert_eq!(
        of(&red.replace(r#""name":"TLP:RED","#, "")),
        Ok(Some(Tlp::Red)),
        "many write it without a name"
    );
    assert_eq!(of(&red.replace(".000Z", "Z")), Ok(Some(Tlp::Red)), "the same instant");
    for (text, message) in [
        (
            red.replace("5e57c739", "5e57c738"),
            "TLP `red` is the object marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed; no other may be made",
        ),
        (
            red.replace(r#":"red""#, r#":"green""#),
            "TLP `green` is the object marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da; no other may be made",
        ),
        (red.replace(r#":"red""#, r#":"pink""#), "`pink` is no level of this edition of TLP"),
        (red.replace("TLP:RED", "TLP:GREEN"), "this fixed marking has the name `TLP:RED`"),
        (red.replace("2017", "2018"), "TLP `red` was created 2017-01-20T00:00:00.000Z"),
        (
            red.replace(r#""definition_type":"tlp""#, r#""definition_type":"statement""#),
            "this identifier belongs to TLP `red`, but the object says something else",
        ),
        (
            Tlp::Red.definition(TlpEdition::V2).unwrap().replace(r#""red""#, r#""white""#),
            "`white` is no level of this edition of TLP",
        ),
    ] {
        assert_eq!(of(&text), Err(message.into()), "{text}");
    }
}

#[test]
fn marks_are_added_to_and_taken_off_parts() {
    let mark = Mark::Ref(RED.parse::<StixId>().unwrap());
    let [name, labels] = ["name", "labels.[0]"].map(selector);
    let apply =
        |text: &str, change: Option<json::Change>| json::edit(read(text).root(), &[change.unwrap()]).unwrap();
    let plain = r#"{"name":"n","labels":["a"]}"#;

    let one = apply(plain, add_granular(read(plain).root(), &mark, std::slice::from_ref(&name)).unwrap());
    assert_eq!(
        one,
        format!(
            r#"{{"name":"n","labels":["a"],"granular_markings":[{{"marking_ref":"{RED}","selectors":["name"]}}]}}"#
        )
    );
    let two = apply(&one, add_granular(read(&one).root(), &mark, &[name.clone(), labels.clone()]).unwrap());
    assert_eq!(two, one.replace(r#"["name"]"#, r#"["name","labels.[0]"]"#), "the same mark is extended");
    assert_eq!(add_granular(read(&two).root(), &mark, std::slice::from_ref(&labels)).unwrap(), None);

    let german = Mark::Lang("de".into());
    let three = apply(&two, add_granular(read(&two).root(), &german, std::slice::from_ref(&name)).unwrap());
    assert_eq!(three, two.replace("]}]", r#"]},{"lang":"de","selectors":["name"]}]"#));

    let back =
        apply(&three, remove_granular(read(&three).root(), &german, std::slice::from_ref(&name)).unwrap());
    assert_eq!(back, two);
    let back = apply(&two, remove_granular(read(&two).root(), &mark, &[labels]).unwrap());
    assert_eq!(back, one);
    let back = apply(&one, remove_granular(read(&one).root(), &mark, std::slice::from_ref(&name)).unwrap());
    assert_eq!(back, plain);
    assert_eq!(remove_granular(read(plain).root(), &mark, &[name]).unwrap(), None);
    let missing = add_granular(read(plain).root(), &mark, &[selector("description")]).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "/granular_markings: there is no `description` where character 1 looks for it"
    );
}

proptest! {
    #[test]
    fn printing_a_selector_gives_its_text(text in "[a-z_][A-Za-z0-9_-]{0,9}(\\.(\\[(0|[1-9][0-9]{0,5})\\]|[A-Za-z0-9_-]{1,9})){0,5}") {
        prop_assert_eq!(selector(&text).to_string(), text);
    }

    #[test]
    fn what_parses_prints_the_same_and_nothing_panics(text in "[a-c.\\[\\]0-9é]{0,12}|\\PC{0,12}") {
        if let Ok(selector) = text.parse::<Selector>() {
            prop_assert_eq!(selector.to_string(), text);
            let _ = selector.resolve(read(r#"{"a":[{"b":[0]}],"c":{}}"#).root());
        }
    }
}

#[test]
fn the_marking_of_the_whole_object_changes_in_place() {
    use stix_model::marking::set_tlp;
    let statement = "marking-definition--1b6a1a5c-6c5a-4d7b-9d28-4b9a3c6d8b10";
    let (old, green, amber) = (
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    );
    let list = |ids: &[&str]| {
        let ids: Vec<_> = ids.iter().map(|id| format!("\"{id}\"")).collect();
        format!(r#"{{"a":1.0,"object_marking_refs":[{}],"b":2}}"#, ids.join(","))
    };
    for (before, after) in [
        (list(&[old, statement]), list(&[statement, green])),
        (list(&[statement, amber, green]), list(&[statement, green])),
        (list(&[]), list(&[green])),
        (r#"{"a":1.0,"object_marking_refs":7,"b":2}"#.to_owned(), list(&[green])),
    ] {
        let document = Document::read(before.as_bytes(), Limits::default()).unwrap();
        let change = set_tlp(document.root(), Tlp::Green).unwrap();
        assert_eq!(json::edit(document.root(), &[change]).unwrap(), after, "{before}");
    }
    let done = list(&[statement, green]);
    let document = Document::read(done.as_bytes(), Limits::default()).unwrap();
    assert_eq!(set_tlp(document.root(), Tlp::Green), None);
}
