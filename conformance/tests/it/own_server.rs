//! Our own server passes everything that can be tested, and refuses every malformed request.

use std::collections::BTreeSet;

use taxii_conformance::report::{Report, Row};
use taxii_conformance::{Options, Outcome, hostile, run};

use crate::server;

/// Rows that no run against a demo server can show.
const NOT_SHOWN: &[&str] = &[
    "T-039",   // DNS
    "T-133",   // takes a day
    "T-175",   // needs another format than STIX 2.1
    "I-3.1.3", // needs a client certificate
];

/// Rows about TLS, and about absolute URLs, which have to be HTTPS.
const NEEDS_TLS: &[&str] = &["T-001", "T-002", "T-003", "T-004", "T-005", "T-036"];

#[tokio::test(flavor = "multi_thread")]
async fn every_requirement_is_met() {
    let server = server::start().await;
    let report = run(&server.options(&server.origin), |_| {}).await.unwrap();
    assert_clean(&report, &[NOT_SHOWN, NEEDS_TLS].concat());
}

/// TLS itself, and everything once more through it.
#[tokio::test(flavor = "multi_thread")]
async fn every_requirement_is_met_over_tls() {
    let server = server::start_over_tls().await;
    let report = run(&server.options(&server.origin), |_| {}).await.unwrap();
    assert_clean(&report, NOT_SHOWN);
}

/// The same with a token, from the discovery on, reading only.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_with_a_token_sees_a_correct_server_too() {
    let server = server::start().await;
    let options = Options { auth: server.reader(), read_only: true, ..Options::new(&server.origin) };
    assert_no_failure(&run(&options, |_| {}).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_malformed_request_is_refused() {
    let server = server::start().await;
    let options = server.options(&server.origin);
    // Another seed for each run would find more, and would also fail the change of somebody who broke nothing.
    let plan = hostile::Plan { seed: 20_260_101, count: 2_000, only: None, concurrency: 8 };
    let report = hostile::run(&options, &plan).await.unwrap();
    let mut text = Vec::new();
    report.write(&mut text, "taxii-conformance hostile").unwrap();
    assert!(report.failures.is_empty(), "{}", String::from_utf8_lossy(&text));
}

/// No row fails, and each row that says nothing is known to do so: a check must not fall silent unnoticed.
fn assert_clean(report: &Report, not_shown: &[&str]) {
    assert_no_failure(report);
    let is_silent = |row: &&Row| matches!(row.outcome, Outcome::NotApplicable { .. });
    let silent: BTreeSet<&str> =
        report.rows.iter().filter(is_silent).map(|row| row.requirement.id.as_str()).collect();
    assert_eq!(silent, not_shown.iter().copied().collect());
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

pub(crate) fn assert_no_failure(report: &Report) {
    let mut text = Vec::new();
    report.write_table(&mut text).unwrap();
    assert_eq!(report.failures().count(), 0, "{}", String::from_utf8_lossy(&text));
}
