//! The forms a report is written in.

use taxii_conformance::report::{Report, Row, Tally};
use taxii_conformance::requirements::{Level, Requirement};
use taxii_conformance::{Evidence, Outcome};

fn row(id: &str, level: Level, outcome: Outcome) -> Row {
    let requirement = Requirement {
        id: id.into(),
        level,
        section: "3.1".into(),
        text: "A rule with <marks> & \"quotes\".".into(),
        check: "some_check".into(),
    };
    Row { requirement, outcome }
}

fn report() -> Report {
    let evidence = Evidence {
        request: "GET http://h/api1/".into(),
        status: Some(200),
        at: "Content-Type".into(),
        detail: "text/html\u{1b}[31m".into(),
    };
    Report {
        api_root: "http://h/api1/".into(),
        rows: vec![
            row("T-001", Level::Must, Outcome::Pass),
            row("T-002", Level::Must, Outcome::Fail { evidence: evidence.clone() }),
            row("T-003", Level::Should, Outcome::Fail { evidence }),
            row("T-004", Level::Info, Outcome::NotApplicable { reason: "tested over plain HTTP".into() }),
        ],
        notes: vec!["one object is left".into()],
    }
}

fn written(write: impl Fn(&Report, &mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&report(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_tally_counts_each_row_once() {
    let expected = Tally { passed: 1, failed: 2, failed_musts: 1, not_applicable: 1 };
    assert_eq!(report().tally(), expected);
}

#[test]
fn the_table_shows_evidence_and_reasons() {
    let text = written(Report::write_table);
    assert!(text.contains("GET http://h/api1/ answered 200, Content-Type: text/html"), "{text}");
    assert!(text.contains("tested over plain HTTP"));
    assert!(text.contains("4 requirements: 1 pass, 2 fail (1 of them MUST), 1 not applicable"));
    assert!(text.contains("note: one object is left"));
    assert!(!text.contains('\u{1b}'), "a server's escape sequence reached the terminal");
}

#[test]
fn json_holds_the_whole_report() {
    let json: serde_json::Value = serde_json::from_str(&written(Report::write_json)).unwrap();
    assert_eq!(json["rows"][1]["id"], "T-002");
    assert_eq!(json["rows"][1]["level"], "MUST");
    assert_eq!(json["rows"][1]["outcome"], "fail");
    assert_eq!(json["rows"][1]["evidence"]["status"], 200);
    assert_eq!(json["rows"][3]["reason"], "tested over plain HTTP");
}

#[test]
fn junit_is_well_formed() {
    let xml = written(Report::write_junit);
    assert!(xml.contains(r#"tests="4" failures="2" errors="0" skipped="1""#), "{xml}");
    assert!(xml.contains("&lt;marks&gt; &amp; &quot;quotes&quot;"));
    assert_eq!(xml.matches("<testcase").count(), xml.matches("</testcase>").count());
    assert!(!xml.contains('\u{1b}'), "XML has no such character");
}
