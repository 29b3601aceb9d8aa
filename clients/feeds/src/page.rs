//! Runs as one page of HTML that needs nothing else: new objects a day, lag, rejections by reason, overlap between sources.

mod days;
mod html;
mod lag;
mod overlap;
mod plot;
mod rejections;
mod runs;
mod volume;

use crate::run::Report;
use days::Days;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

const STYLE: &str = include_str!("page.css");

/// Writes the page: of all runs the last one of each feed, and the course of the last 60 days. `observables` are those that each
/// feed has ([`State::observables`](crate::State::observables)), when they can be read.
#[must_use]
pub fn page(reports: &[Report], observables: Option<&BTreeMap<String, BTreeSet<String>>>) -> String {
    let mut html = String::new();
    write(&mut html, reports, observables).expect("a string takes everything");
    html
}

fn write(
    html: &mut String,
    reports: &[Report],
    observables: Option<&BTreeMap<String, BTreeSet<String>>>,
) -> fmt::Result {
    write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Feeds</title><style>{STYLE}</style></head>\n<body><main><h1>Feeds</h1>\n"
    )?;
    let feeds = reports.iter().map(|report| &*report.feed).collect::<BTreeSet<_>>();
    match Days::of(reports) {
        None => html.push_str("<p>No feed was run yet.</p>\n"),
        Some(days) => {
            let (first, last) = (days.name(0), days.name(days.count() - 1));
            writeln!(
                html,
                "<p>{} runs of {} feeds. The plots show {first} to {last} (UTC).</p>",
                html::count(reports.len() as u64),
                feeds.len()
            )?;
            runs::write(html, reports, &feeds)?;
            volume::write(html, reports, &days)?;
            lag::write(html, reports, &days)?;
            rejections::write(html, reports, &days)?;
        }
    }
    overlap::write(html, observables)?;
    html.push_str("</main></body></html>\n");
    Ok(())
}
