use serde_json::json;
use std::collections::BTreeMap;
use taxii_feeds::{Report, page};

fn report(feed: &str, at: &str, new: u64, lag: i64) -> Report {
    let delivered = json!({"accepted": 0, "pending": 0, "refused": 0, "reasons": []});
    let report = json!({
        "feed": feed, "at": at, "fetched": 1, "records": 1, "new": new, "updated": 0, "unchanged": 0, "revoked": 0,
        "rejected": {"`…` is no <address>": 3}, "first_rejected": [], "notes": [], "newest": null,
        "delivered": delivered, "lag": lag,
    });
    serde_json::from_value(report).unwrap()
}

#[test]
fn a_page_without_runs_says_so() {
    assert!(page(&[], None).contains("No feed was run yet."));
}

#[test]
fn the_course_is_that_of_the_last_days() {
    let reports = [
        report("a", "2026-01-01T00:00:00.000Z", 7, 0),
        report("a", "2026-11-30T01:00:00.000Z", 2, 3_600),
        report("a", "2026-11-30T23:59:59.999Z", 3, 7_200),
        report("b", "2026-11-29T00:00:00.000Z", 4, -60),
    ];
    let html = page(&reports, Some(&BTreeMap::new()));
    assert!(html.contains("4 runs of 2 feeds. The plots show 2026-10-02 to 2026-11-30 (UTC)."));
    assert!(html.contains("2026-11-30 a: 5<") && html.contains("2026-11-29 b: 4<"));
    assert!(!html.contains("2026-01-01"));
    // The median of two runs is between them; a source may be ahead.
    assert!(html.contains("2026-11-30: 1.5 hours") && html.contains("2026-11-29: -0.0 hours"));
    assert!(html.contains("<td>`…` is no &lt;address&gt;</td><td>6</td>"));
}
