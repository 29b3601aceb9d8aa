//! Runs as one page of HTML that needs nothing else: new objects a day, overlap between sources, lag, rejections by reason.

use crate::run::Report;
use crate::state::{State, StateError};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Colours of feeds, which tell them apart for people who see few colours, too.
const COLOURS: [&str; 8] =
    ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#222222"];
const STYLE: &str = include_str!("page.css");
/// Days that the page shows.
const DAYS: usize = 60;
/// Height of the bars, in pixels.
const HEIGHT: f64 = 220.0;

/// Writes the page.
///
/// # Errors
/// When the state cannot be read.
pub fn page(reports: &[Report], state: &State) -> Result<String, StateError> {
    let feeds: Vec<&str> =
        reports.iter().map(|report| &*report.feed).collect::<BTreeSet<_>>().into_iter().collect();
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Feeds</title><style>{STYLE}</style></head>\n\
         <body><h1>Feeds</h1>\n"
    );
    if let (Some(first), Some(last)) = (reports.first(), reports.last()) {
        let (from, to) = (first.at.as_str(), last.at.as_str());
        add(
            &mut html,
            format_args!("<p>{} runs of {} feeds, from {from} to {to}.</p>\n", reports.len(), feeds.len()),
        );
    } else {
        html.push_str("<p>No feed was run yet.</p>\n");
    }
    legend(&mut html, &feeds);
    new_objects(&mut html, reports, &feeds);
    last_runs(&mut html, reports, &feeds);
    rejections(&mut html, reports);
    overlap(&mut html, &state.observables()?);
    html.push_str("</body></html>\n");
    Ok(html)
}

fn add(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).expect("a string takes everything");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn colour(feeds: &[&str], feed: &str) -> &'static str {
    let place = feeds.iter().position(|known| *known == feed).unwrap_or_default();
    COLOURS[place % COLOURS.len()]
}

fn legend(html: &mut String, feeds: &[&str]) {
    html.push_str("<p class=\"legend\">");
    for feed in feeds {
        add(
            html,
            format_args!(
                "<span><i style=\"background:{}\"></i>{}</span> ",
                colour(feeds, feed),
                escaped(feed)
            ),
        );
    }
    html.push_str("</p>\n");
}

/// Bars, one a day, each with a piece for each feed.
fn new_objects(html: &mut String, reports: &[Report], feeds: &[&str]) {
    let mut days: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for report in reports {
        let day = report.at.as_str().get(..10).unwrap_or_default();
        *days.entry(day).or_default().entry(&report.feed).or_default() += report.staged.new;
    }
    let skip = days.len().saturating_sub(DAYS);
    let days: Vec<_> = days.into_iter().skip(skip).collect();
    let most = days.iter().map(|(_, feeds)| feeds.values().sum::<u64>()).max().unwrap_or_default().max(1);
    let width = 16 * days.len().max(1) + 60;
    add(
        html,
        format_args!(
            "<h2>New objects a day</h2>\n<svg role=\"img\" aria-label=\"New objects a day and source\" width=\"{width}\" height=\"{}\">\n\
             <text x=\"0\" y=\"12\">{most}</text><text x=\"0\" y=\"{HEIGHT}\">0</text>\n",
            HEIGHT + 60.0
        ),
    );
    for (place, (day, counts)) in days.iter().enumerate() {
        let x = 56 + 16 * place;
        let mut bottom = HEIGHT;
        for feed in feeds {
            let count = counts.get(feed).copied().unwrap_or_default();
            let height = count as f64 / most as f64 * (HEIGHT - 10.0);
            bottom -= height;
            if count > 0 {
                let (colour, feed) = (colour(feeds, feed), escaped(feed));
                add(
                    html,
                    format_args!(
                        "<rect x=\"{x}\" y=\"{bottom:.1}\" width=\"12\" height=\"{height:.1}\" fill=\"{colour}\"><title>{day} {feed}: {count}</title></rect>\n"
                    ),
                );
            }
        }
        let y = HEIGHT + 8.0;
        add(
            html,
            format_args!(
                "<text class=\"day\" transform=\"translate({},{y}) rotate(60)\">{day}</text>\n",
                x + 2
            ),
        );
    }
    html.push_str("</svg>\n");
}

fn last_runs(html: &mut String, reports: &[Report], feeds: &[&str]) {
    html.push_str(
        "<h2>Last runs</h2>\n<table><tr><th>feed</th><th>run</th><th>records</th><th>new</th><th>updated</th><th>unchanged</th>\
         <th>revoked</th><th>rejected</th><th>refused by the server</th><th>lag, hours</th></tr>\n",
    );
    for feed in feeds {
        let Some(Report { at, staged, delivered, lag, .. }) =
            reports.iter().rev().find(|report| report.feed == *feed)
        else {
            continue;
        };
        let rejected: u64 = staged.rejected.values().sum();
        let lag = lag.map_or("–".to_owned(), |lag| format!("{:.1}", lag as f64 / 3_600.0));
        add(
            html,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{rejected}</td><td>{}</td><td>{lag}</td></tr>\n",
                escaped(feed),
                at.as_str(),
                staged.records,
                staged.new,
                staged.updated,
                staged.unchanged,
                staged.revoked,
                delivered.refused
            ),
        );
    }
    html.push_str("</table>\n");
}

fn rejections(html: &mut String, reports: &[Report]) {
    let mut reasons: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for report in reports {
        for (reason, count) in &report.staged.rejected {
            *reasons.entry((&report.feed, reason)).or_default() += count;
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    html.push_str("<h2>Rejected records</h2>\n");
    if reasons.is_empty() {
        html.push_str("<p>None.</p>\n");
        return;
    }
    let most = reasons[0].1.max(1);
    html.push_str("<table><tr><th>feed</th><th>reason</th><th>records</th><th></th></tr>\n");
    for ((feed, reason), count) in reasons {
        let width = (count * 200).div_ceil(most);
        let (feed, reason) = (escaped(feed), escaped(reason));
        add(
            html,
            format_args!(
                "<tr><td>{feed}</td><td>{reason}</td><td>{count}</td><td><div class=\"bar\" style=\"width:{width}px\"></div></td></tr>\n"
            ),
        );
    }
    html.push_str("</table>\n");
}

/// How many of the values of one feed another one has, too.
fn overlap(html: &mut String, observables: &BTreeMap<String, BTreeSet<String>>) {
    html.push_str("<h2>Overlap</h2>\n<p>How many addresses, domains, URLs and files of the feed on the left are in the feed above, too.</p>\n<table><tr><th></th>");
    observables.keys().for_each(|feed| add(html, format_args!("<th>{}</th>", escaped(feed))));
    html.push_str("</tr>\n");
    for (feed, own) in observables {
        add(html, format_args!("<tr><th>{}</th>", escaped(feed)));
        for other in observables.values() {
            let common = own.intersection(other).count();
            let share = common as f64 / own.len().max(1) as f64;
            add(html, format_args!("<td style=\"background:rgba(68,119,170,{share:.2})\">{common}</td>"));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table>\n");
}
