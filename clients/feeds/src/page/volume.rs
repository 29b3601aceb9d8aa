//! New objects a day: bars with a piece for each of the feeds that have most, and one for all others.

use super::days::Days;
use super::html::{Escaped, begin_wide, count, numbers};
use super::plot::Plot;
use crate::run::Report;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// What tells the pieces apart besides their colour, the first at the bottom.
const HATCHES: [&str; 8] =
    ["", "M0 6L6 0", "M0 3H6", "M0 0L6 6", "M3 0V6", "M2 3H4", "M0 3H6M3 0V6", "M0 6L6 0M0 0L6 6"];

struct Series {
    name: String,
    counts: Vec<u64>,
}

impl Series {
    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

pub(super) fn write(html: &mut String, reports: &[Report], days: &Days) -> fmt::Result {
    html.push_str("<section id=\"volume\"><h2>New objects a day</h2>\n");
    let series = series(reports, days);
    let total = |place: usize| series.iter().map(|one| one.counts[place]).sum::<u64>();
    let highest = (0..days.count()).map(total).max().unwrap_or_default();
    legend(html, &series)?;
    begin_wide(html, "Plot of new objects")?;
    let plot = Plot::new([70.0, 10.0, 1_120.0, 260.0], 5, 10, highest as f64);
    plot.begin(html, "New objects a day and feed; the numbers are in the table below", 10.0, 30.0)?;
    patterns(html)?;
    plot.axes(html, days, "")?;
    let slot = plot.slot(days);
    for place in 0..days.count() {
        let (x, mut below) = (plot.x(days, place) + slot * 0.1, 0);
        for (number, Series { name, counts }) in series.iter().enumerate() {
            let new = counts[place];
            if new == 0 {
                continue;
            }
            let (bottom, top) = (plot.y(below as f64), plot.y((below + new) as f64));
            below += new;
            writeln!(
                html,
                "<rect x=\"{x:.1}\" y=\"{top:.2}\" width=\"{:.1}\" height=\"{:.2}\" fill=\"url(#hatch-{number})\"><title>{} {}: {}</title></rect>",
                slot * 0.8,
                bottom - top,
                days.name(place),
                Escaped(name),
                count(new)
            )?;
        }
    }
    html.push_str("</svg></div>\n");
    let columns: Vec<&str> =
        ["day", "all"].into_iter().chain(series.iter().map(|series| &*series.name)).collect();
    let rows = (0..days.count()).map(|place| {
        let counts = series.iter().map(|one| count(one.counts[place]));
        [days.name(place), count(total(place))].into_iter().chain(counts).collect()
    });
    numbers(html, "New objects", &columns, rows)?;
    html.push_str("</section>\n");
    Ok(())
}

/// The feeds with most new objects, most first, and the others as one.
fn series(reports: &[Report], days: &Days) -> Vec<Series> {
    let mut feeds: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for report in reports {
        if let Some(place) = days.place(&report.at) {
            feeds.entry(&report.feed).or_insert_with(|| vec![0; days.count()])[place] += report.staged.new;
        }
    }
    let all = feeds.into_iter().map(|(name, counts)| Series { name: name.to_owned(), counts });
    let mut series: Vec<Series> = all.filter(|series| series.total() > 0).collect();
    series.sort_by_key(|series| Reverse(series.total()));
    if series.len() > HATCHES.len() {
        let others = series.split_off(HATCHES.len());
        let counts =
            (0..days.count()).map(|place| others.iter().map(|one| one.counts[place]).sum()).collect();
        series.push(Series { name: format!("{} others", others.len()), counts });
    }
    series
}

/// How the pieces are filled; the last one is that of others.
fn patterns(html: &mut String) -> fmt::Result {
    html.push_str("<defs>");
    for (number, hatch) in HATCHES.iter().chain(&[""]).enumerate() {
        write!(
            html,
            "<pattern id=\"hatch-{number}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
             <rect class=\"series-{number}\" width=\"6\" height=\"6\"/><path class=\"hatch\" d=\"{hatch}\"/></pattern>"
        )?;
    }
    html.push_str("</defs>\n");
    Ok(())
}

fn legend(html: &mut String, series: &[Series]) -> fmt::Result {
    html.push_str("<ol class=\"legend\">");
    for (number, one) in series.iter().enumerate() {
        write!(
            html,
            "<li><svg aria-hidden=\"true\" width=\"18\" height=\"14\"><rect width=\"18\" height=\"14\" fill=\"url(#hatch-{number})\"/></svg>{}: {}</li>",
            Escaped(&one.name),
            count(one.total())
        )?;
    }
    html.push_str("</ol>\n");
    Ok(())
}
