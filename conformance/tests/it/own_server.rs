//! Our own server passes everything that can be tested, and refuses every malformed request.

use taxii_conformance::{Options, Outcome, Report, hostile, run};

use crate::server;

/// Rows that a demo server over plain HTTP cannot show.
const NOT_SHOWN: &[&str] = &[
    "T-001", "T-002", "T-003", "T-004", "T-005",   // TLS
    "T-036",   // absolute URLs have to be HTTPS
    "T-039",   // DNS
    "T-133",   // takes a day
    "T-175",   // needs another format than STIX 2.1
    "I-3.1.3", // needs a client certificate
];

#[tokio::test(flavor = "multi_thread")]
async fn every_requirement_is_met() {
    let server = server::start().await;
    let report = run(&server.options(&server.origin), |_| {}).await.unwrap();
    assert_clean(&report);
    let unknown: Vec<&str> = report
        .rows
        .iter()
        .filter(|row| matches!(row.outcome, Outcome::NotApplicable { .. }))
        .map(|row| row.requirement.id.as_str())
        .filter(|id| !NOT_SHOWN.contains(id))
        .collect();
    assert!(unknown.is_empty(), "these rows were tested once and are not any more: {unknown:?}");
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

/// The same with a token, from the discovery on, reading only.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_with_a_token_sees_a_correct_server_too() {
    let server = server::start().await;
    let options = Options { auth: server.reader(), read_only: true, ..Options::new(&server.origin) };
    assert_clean(&run(&options, |_| {}).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_malformed_request_is_refused() {
    let server = server::start().await;
    let options = server.options(&server.origin);
    // Another seed for each run would find more, and would also fail the change of somebody who broke nothing.
    let plan = hostile::Plan { seed: 20_260_101, count: 1_500, only: None, concurrency: 8 };
    let report = hostile::run(&options, &plan).await.unwrap();
    let mut text = Vec::new();
    report.write(&mut text, "taxii-conformance hostile").unwrap();
    assert!(report.failures.is_empty(), "{}", String::from_utf8_lossy(&text));
}

fn assert_clean(report: &Report) {
    let mut text = Vec::new();
    report.write_table(&mut text).unwrap();
    assert_eq!(report.failures().count(), 0, "{}", String::from_utf8_lossy(&text));
}
