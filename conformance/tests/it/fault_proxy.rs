//! A fault planted in front of a correct server is found by the check that owns it.

use std::collections::BTreeSet;

use taxii_conformance::{Options, Outcome, checks, requirements, run};

use crate::proxy::{self, Fault};
use crate::{faults, server};

/// Checks without a fault behind this proxy, each with its reason.
const WITHOUT_FAULT: &[(&str, &str)] = &[
    ("https_is_served", "says only how the run was made"),
    ("tls_1_2_is_accepted", "planted in tls.rs, with real handshakes"),
    ("tls_1_3_is_accepted", "planted in tls.rs"),
    ("early_data_is_never_offered", "planted in tls.rs"),
    ("weak_tls_1_2_suites_are_refused", "planted in tls.rs"),
    ("client_certificate_authenticates", "never applicable: the suite holds no certificate"),
    ("dns_srv_record_names_taxii2", "never applicable: not a matter of HTTP"),
    ("formats_without_versions_ignore_it", "never applicable: there is no such format to add"),
    ("collections_cover_all_rights", "says only what the run could see"),
    ("date_is_sent", "the HTTP library of the proxy sends it by itself"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_caught_by_its_check() {
    let server = server::start().await;
    let mut missed = Vec::new();
    for fault in faults::all() {
        let outcome = outcome_of(&server, fault).await;
        // No answer at all would mean that the fault itself broke down.
        if !matches!(&outcome, Outcome::Fail { evidence } if evidence.status.is_some()) {
            missed.push(format!("{}: {} says {outcome:?}", fault.name, fault.check));
        }
    }
    assert!(missed.is_empty(), "not caught:\n{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_itself_plants_nothing() {
    let server = server::start().await;
    let proxy = proxy::start(&server.origin, proxy::NO_FAULT).await;
    let report = run(&server.options(&format!("http://{proxy}")), |_| {}).await.unwrap();
    let failed: Vec<_> = report.failures().collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn every_check_can_fail() {
    let planted: BTreeSet<&str> = faults::all().iter().map(|fault| fault.check).collect();
    let excused: BTreeSet<&str> = WITHOUT_FAULT.iter().map(|(check, _)| *check).collect();
    let all: Vec<_> = checks::all();
    let forgotten: Vec<_> =
        all.iter().map(|c| c.name).filter(|c| planted.contains(c) == excused.contains(c)).collect();
    assert!(forgotten.is_empty(), "plant a fault or give the reason why there is none: {forgotten:?}");
}

/// What the check of a fault says when the fault is there.
async fn outcome_of(server: &server::Server, fault: Fault) -> Outcome {
    let proxy = proxy::start(&server.origin, fault).await;
    let options = Options {
        only: requirements::all().into_iter().filter(|r| r.check == fault.check).map(|r| r.id).collect(),
        ..server.options(&format!("http://{proxy}"))
    };
    assert!(!options.only.is_empty(), "{} is no check", fault.check);
    let report = run(&options, |_| {}).await.unwrap();
    report.rows[0].outcome.clone()
}
