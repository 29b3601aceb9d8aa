//! The last run of each feed.

use super::html::{count, table};
use crate::run::Report;
use std::collections::BTreeSet;
use std::fmt;

const COLUMNS: [&str; 10] = [
    "feed",
    "last run (UTC)",
    "records",
    "new",
    "updated",
    "unchanged",
    "revoked",
    "rejected",
    "refused by the server",
    "lag, hours",
];

pub(super) fn write(html: &mut String, reports: &[Report], feeds: &BTreeSet<&str>) -> fmt::Result {
    html.push_str("<section id=\"runs\"><h2>Last runs</h2>\n");
    let last = feeds.iter().filter_map(|feed| reports.iter().rfind(|report| report.feed == *feed));
    table(html, "Last runs", &COLUMNS, last.map(row))?;
    html.push_str("</section>\n");
    Ok(())
}

fn row(report: &Report) -> Vec<String> {
    let Report { feed, at, staged, delivered, lag, .. } = report;
    vec![
        feed.clone(),
        at.as_str().get(..16).unwrap_or_default().replace('T', " "),
        count(staged.records),
        count(staged.new),
        count(staged.updated),
        count(staged.unchanged),
        count(staged.revoked),
        count(staged.rejected.values().sum()),
        count(delivered.refused),
        lag.map_or("–".to_owned(), super::lag::hours),
    ]
}
