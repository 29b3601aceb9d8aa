//! `taxii validate`: places, pointers, and one verdict for each object.

use crate::program::{rows, said};
use serde_json::{Value, json};

const BUNDLE_ID: &str = "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
const URL_ID: &str = "url--dc3c39a7-17a5-5899-8d1e-aa57279297f6";

/// A good object over two lines.
fn url() -> String {
    format!("{{\"type\": \"url\",\n \"id\": \"{URL_ID}\", \"value\": \"u:x\"}}")
}

fn tool(number: usize, rest: &str) -> String {
    format!(
        "{{\"type\":\"tool\",\"spec_version\":\"2.1\",\"id\":\"tool--7d45bfa7-9b83-4b0c-b5ae-{number:012x}\",\
         \"created\":\"2024-01-01T00:00:00.000Z\",\"modified\":\"2024-01-01T00:00:00.000Z\"{rest}}}"
    )
}

fn bundle(objects: &[String]) -> String {
    format!("{{\"type\": \"bundle\", \"id\": \"{BUNDLE_ID}\",\n\"objects\": [\n{}]}}", objects.join(",\n"))
}

#[test]
fn good_objects_pass() {
    let lines = [url(), tool(1, ",\"name\":\"n\"")].map(|object| object.replace('\n', " ")).join("\n");
    let envelope = format!("{{\"more\": false,\n\"objects\": [{}]}}", url());
    for (input, count) in [
        (bundle(&[url(), tool(1, ",\"name\":\"n\"")]), 2),
        (envelope, 1),
        (format!("[\n{},\n{}]", url(), url()), 2),
        (url(), 1),
        (lines, 2),
        (String::new(), 0),
    ] {
        let (code, found, remark) = said(&["validate", "-"], &input);
        assert_eq!((code, &*found), (0, ""), "{input}");
        assert_eq!(remark, format!("{count} objects, 0 invalid; 0 errors, 0 warnings\n"));
        assert_eq!(said(&["validate", "--quiet", "-"], &input), (0, String::new(), String::new()));
    }
}

#[test]
fn faults_have_a_place() {
    let with_seven = tool(1, ",\"name\":\"n\",\"aliases\":[\"a\",7]");
    let column = with_seven.find("7]").unwrap() + 1;
    let input = bundle(&[
        url(),
        " {\"type\": \"url\", \"id\": 7}".into(),
        " {\"type\": \"url\",\n \"é\": 1, \"id\": \"url-1\", \"value\": \"u:x\"}".to_owned(),
        "17".into(),
        with_seven,
    ]);
    let (code, found, remark) = said(&["validate", "--no-warnings", "-"], &input);
    assert_eq!(code, 1);
    let expected = [
        "standard input:5:24: error: /id: must be a string, not a number [property-type, ",
        "standard input:5:2: error: the required property `value` is missing [property-missing, ",
        "standard input:7:16: error: url-1: /id: an identifier has the form type--UUID [identifier, ",
    ];
    let lines: Vec<_> = found.lines().filter(|line| !line.starts_with("  fix: ")).collect();
    for line in expected {
        assert!(lines.iter().any(|found| found.starts_with(line)), "{line}\nis missing in\n{found}");
    }
    assert!(lines.iter().any(|line| line.starts_with("standard input:8:1: error: ")), "{found}");
    let last = lines.last().unwrap();
    let place = format!("standard input:9:{column}: error: tool--7d45bfa7-9b83-4b0c-b5ae-000000000001: ");
    assert!(last.starts_with(&format!("{place}/aliases/1: ")), "{last}");
    assert!(remark.starts_with("5 objects, 4 invalid; "), "{remark}");
    assert!(remark.ends_with(" errors, 0 warnings\n"), "{remark}");
}

#[test]
fn a_bundle_has_a_verdict_before_those_of_its_objects() {
    let other = tool(1, ",\"name\":\"other\"");
    let objects = [tool(1, ",\"name\":\"n\""), url(), other];
    let input = bundle(&objects).replace(BUNDLE_ID, "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f");
    let (code, found) = rows(&["validate", "--json", "-"], &input);
    assert_eq!(code, 1);
    let found: Vec<_> = found
        .iter()
        .map(|row| {
            let codes: Vec<_> =
                row["findings"].as_array().unwrap().iter().map(|f| (&f["code"], &f["pointer"])).collect();
            json!([row["line"], row["id"], row["valid"], codes, row["file"]])
        })
        .collect();
    let id = "tool--7d45bfa7-9b83-4b0c-b5ae-000000000001";
    let expected = [
        json!([
            1,
            "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            false,
            [["identifier-type", "/id"]],
            "standard input"
        ]),
        json!([3, id, true, [], "standard input"]),
        json!([4, URL_ID, true, [], "standard input"]),
        // The one that is noticed is the later one.
        json!([6, id, false, [["version-conflict", ""]], "standard input"]),
    ];
    assert_eq!(found, expected);

    // On a line, the bundle has one verdict, and pointers begin at the line.
    let (_, found) = rows(&["validate", "--json", "--lines", "-"], input.replace('\n', " "));
    assert_eq!(found.len(), 1);
    let pointers: Vec<_> = found[0]["findings"].as_array().unwrap().iter().map(|f| &f["pointer"]).collect();
    assert_eq!(pointers, ["/id", "/objects/2"]);
    // People are told which object it is all the same.
    let (_, found, _) = said(&["validate", "--lines", "-"], input.replace('\n', " "));
    assert!(found.lines().nth(1).unwrap().contains(&format!("error: {id}: ")), "{found}");
}

#[test]
fn each_line_has_a_verdict() {
    let good = url().replace('\n', " ");
    let input = format!(
        "{good}\n\n{{\"type\":\"url\",\"type\":\"x\"}}\n{}\n  {{\"a\":\n[{good},1]\n{good}",
        tool(1, "")
    );
    let (code, found) = rows(&["validate", "--json", "-"], &input);
    assert_eq!(code, 1);
    let finding = |code: &str, pointer: &str, rule: &str, message: &str, place: [usize; 2]| {
        json!([{ "code": code, "severity": "error", "pointer": pointer, "rule": rule, "message": message,
            "line": place[0], "column": place[1] }])
    };
    let verdict = |line: usize, id: Option<&str>, findings: Value| {
        let valid = findings == json!([]);
        json!({ "line": line, "id": id, "valid": valid, "findings": findings, "file": "standard input" })
    };
    let twice = "this member name occurs twice in one object";
    let missing = "the required property `name` is missing";
    let id = "tool--7d45bfa7-9b83-4b0c-b5ae-000000000001";
    let expected = [
        verdict(1, Some(URL_ID), json!([])),
        verdict(3, None, finding("json", "/type", "RFC 7493, section 2.3", twice, [3, 15])),
        verdict(4, Some(id), finding("property-missing", "", "S-034", missing, [4, 1])),
        verdict(5, None, finding("json", "/a", "RFC 8259", "the text ends too early", [5, 8])),
    ];
    assert_eq!(found[..4], expected);
    assert_eq!((&found[4]["id"], &found[4]["findings"][0]["pointer"]), (&Value::Null, &json!("/1")));
    assert_eq!(found[5], verdict(7, Some(URL_ID), json!([])));
}

#[test]
fn a_text_that_cannot_be_read_is_one_fault() {
    let (code, found) = rows(&["validate", "--json", "-"], "{\"objects\": [\n {\"a\": 01}]}");
    assert_eq!((code, found.len()), (1, 1));
    assert_eq!([&found[0]["line"], &found[0]["findings"][0]["code"]], [&json!(2), &json!("json")]);
    for input in ["{}", "17", "{\"objects\": {}}", "{\"type\": \"bundle\", \"objects\": {}}"] {
        let (code, found) = rows(&["validate", "--json", "-"], input);
        assert_eq!((code, found.len(), &found[0]["valid"]), (1, 1, &json!(false)), "{input}");
    }
}

/// A hostile bundle neither fills the memory nor passes: who is not reported on is not called valid.
#[test]
fn a_flood_of_findings_is_cut() {
    let labels = format!(",\"name\":\"n\",\"labels\":[{}1]", "1,".repeat(1_000_100));
    let input = bundle(&[tool(1, ",\"name\":\"n\""), tool(2, &labels)]);
    let (code, found) = rows(&["validate", "--json", "-"], &input);
    let cut = |row: &Value| {
        let findings = row["findings"].as_array().unwrap();
        (findings.len(), findings.last().unwrap()["code"].clone(), row["valid"].clone())
    };
    let found: Vec<_> = found.iter().map(cut).collect();
    let too_many = |findings| (findings, json!("too-many"), json!(false));
    assert_eq!((code, found), (1, vec![too_many(1), too_many(1), too_many(1001)]));
}

#[test]
fn profiles_ask_for_more_and_warnings_can_be_left_out() {
    let input = tool(1, ",\"name\":\"n\",\"x_rank\":1");
    let codes = |arguments: &[&str]| {
        let (code, found) = rows(&[&["validate", "--json", "-"], arguments].concat(), &input);
        let codes = found[0]["findings"].as_array().unwrap().iter().map(|finding| finding["code"].clone());
        (code, codes.collect::<Vec<_>>())
    };
    assert_eq!(codes(&[]), (0, vec![json!("property-custom")]));
    assert_eq!(codes(&["--no-warnings"]), (0, vec![]));
    assert_eq!(codes(&["--no-warnings", "--profile", "strict"]).0, 1);
    assert_eq!(codes(&["--profile", "interop"]).0, 1);
    let (code, _, complaint) = said(&["validate", "--profile", "lax", "-"], &input);
    assert_eq!(code, 2);
    assert!(complaint.contains("[possible values: stix, interop, strict]"), "{complaint}");
}

#[test]
fn colours_are_for_terminals() {
    let fault =
        r#"{"type":"url","id":"url--dc3c39a7-17a5-5899-8d1e-aa57279297f6","value":"u:x","é\u001b[2J":1}"#;
    let (_, plain, _) = said(&["validate", "-"], fault);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    let (_, coloured, _) = said(&["validate", "--color", "always", "-"], fault);
    assert!(coloured.contains("\u{1b}[33mwarning\u{1b}[0m: "), "{coloured:?}");
    assert!(!coloured.contains("\u{1b}[2J"), "{coloured:?}");
}

#[test]
fn a_sarif_log_names_rules_and_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b.json");
    std::fs::write(&path, bundle(&[url(), tool(1, ""), tool(2, ",\"name\":\"n\",\"x_rank\":1")])).unwrap();
    let (code, log, _) = said(&["validate", "--format", "sarif", path.to_str().unwrap()], "");
    assert_eq!(code, 1);
    let log: Value = serde_json::from_str(&log).unwrap();
    assert_eq!((&log["version"], log["runs"].as_array().unwrap().len()), (&json!("2.1.0"), 1));
    let run = &log["runs"][0];
    let rules: Vec<_> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    assert_eq!(rules, ["property-missing", "property-custom"]);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!([&results[0]["ruleId"], &results[0]["level"]], ["property-missing", "error"]);
    let location = &results[0]["locations"][0];
    let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.starts_with("file:///") && uri.ends_with("/a%20b.json"), "{uri}");
    assert_eq!(location["physicalLocation"]["region"], json!({ "startLine": 5, "startColumn": 1 }));
    assert_eq!(location["logicalLocations"][0]["fullyQualifiedName"], "/objects/1");
    assert_eq!(results[1]["level"], "warning");

    // Without findings it is a log all the same.
    let (code, log, _) = said(&["validate", "--format", "sarif", "-"], url());
    let log: Value = serde_json::from_str(&log).unwrap();
    assert_eq!((code, &log["runs"][0]["results"]), (0, &json!([])));
    assert_eq!(said(&["validate", "--json", "--format", "sarif", "-"], url()).0, 2);
}

/// In whatever form several objects come, those with one identifier are versions of one object.
#[test]
fn versions_of_one_object_are_held_against_each_other() {
    let version = |day: usize, rest: &str| {
        let text = tool(1, &format!(",\"name\":\"n\"{rest}"));
        text.replace("\"modified\":\"2024-01-01", &format!("\"modified\":\"2024-01-0{day}"))
    };
    let revoked = [version(1, ""), version(2, ",\"revoked\":true"), version(3, "")];
    let other_creation =
        [version(1, ""), version(2, "").replace("\"created\":\"2024-01-01", "\"created\":\"2024-01-02")];
    let other_content = [version(1, ""), version(1, ",\"description\":\"d\"")];
    for (objects, index, pointer, rule) in [
        (&revoked[..], 2, "/modified", "S-043"),
        (&other_creation, 1, "/created", "S-042"),
        (&other_content, 1, "", "S-084"),
    ] {
        let list = objects.join(",\n");
        let envelope = format!("{{\"objects\": [{list}]}}");
        for (input, before) in [(bundle(objects), 1), (envelope, 0), (format!("[{list}]"), 0)] {
            let (code, rows) = rows(&["validate", "--json", "-"], &input);
            assert_eq!(code, 1, "{input}");
            let invalid: Vec<_> = (0..rows.len()).filter(|row| rows[*row]["valid"] == false).collect();
            assert_eq!(invalid, [index + before], "{input}");
            let finding = &rows[index + before]["findings"][0];
            assert_eq!([&finding["pointer"], &finding["rule"]], [pointer, rule], "{input}");
        }
        let (code, rows) = rows(&["validate", "--json", "-"], objects.join("\n"));
        assert_eq!((code, &rows[index]["valid"]), (1, &json!(false)));
        let finding = rows[index]["findings"].as_array().unwrap().last().unwrap();
        let found = [&finding["pointer"], &finding["rule"], &finding["severity"]];
        assert_eq!(found, [pointer, rule, "error"], "{rows:?}");
        // So it is between lines that hold several objects each.
        let line = |object: &String| bundle(&[url(), object.clone()]).replace('\n', " ");
        let lines = objects.iter().map(line).collect::<Vec<_>>().join("\n");
        let (code, rows) = self::rows(&["validate", "--json", "-"], &lines);
        assert_eq!((code, rows.len()), (1, objects.len()));
        let conflicts = |row: &Value| {
            let findings = row["findings"].as_array().unwrap().iter();
            let conflicts = findings.filter(|finding| finding["code"] == "version-conflict");
            conflicts.map(|finding| finding["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let found: Vec<_> = rows.iter().flat_map(conflicts).collect();
        assert_eq!(found, [format!("/objects/1{pointer}")], "{rows:?}");
        let (_, found, _) = said(&["validate", "-"], &lines);
        assert_eq!(found.matches("version-conflict").count(), 1, "{found}");
        // What one line says of itself is said once.
        let mut backwards = objects.to_vec();
        backwards.reverse();
        let (_, rows) = self::rows(&["validate", "--json", "-"], bundle(&backwards).replace('\n', " "));
        assert_eq!(rows.iter().flat_map(conflicts).count(), 1, "{rows:?}");
    }
}

#[test]
fn stix_2_0_is_named() {
    let object =
        tool(1, ",\"name\":\"n\",\"labels\":[\"remote-access\"]").replace("\"spec_version\":\"2.1\",", "");
    let input = bundle(&[object]).replacen('{', "{\"spec_version\": \"2.0\", ", 1);
    let (code, found) = rows(&["validate", "--json"], &input);
    assert_eq!(code, 1);
    for row in &found {
        let finding = &row["findings"][0];
        assert!(finding["message"].as_str().unwrap().contains("STIX 2.0"), "{finding}");
        assert!(finding["fix"].as_str().unwrap().contains("`taxii convert`"), "{finding}");
    }
    assert_eq!(found.len(), 2);
}

#[test]
fn findings_that_repeat_are_summed_up_and_errors_come_first() {
    let nameless = (0..50).map(|number| tool(number, ",\"x_mine\":1"));
    let input = nameless.chain([tool(50, ",\"name\":7")]).collect::<Vec<_>>().join("\n");
    let (code, found, remark) = said(&["validate"], &input);
    assert_eq!(code, 1);
    let lines: Vec<_> = found.lines().filter(|line| !line.starts_with("  fix: ")).collect();
    let errors = lines.iter().filter(|line| line.contains("error: ")).count();
    assert!(lines[..errors].iter().all(|line| line.contains("error: ")), "{found}");
    let count = |mark: &str| lines.iter().filter(|line| line.contains(mark)).count();
    assert_eq!((count("[property-missing, S-034]"), count("/name: ")), (4, 1), "{found}");
    let more = "error: 47 more like the one at standard input:1:1: the required property `name` is missing";
    assert!(lines.iter().any(|line| line.starts_with(more)), "{found}");
    assert!(lines.iter().any(|line| line.starts_with("warning: 47 more like the one at ")), "{found}");
    assert!(remark.starts_with("51 objects, 51 invalid; 51 errors, "), "{remark}");
    let all = said(&["validate", "--all"], &input).1;
    assert_eq!(all.matches("[property-missing, S-034]").count(), 50);
}
