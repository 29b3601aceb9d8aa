//! Lag: how old the latest record of a feed is when it is fetched. A small plot for each feed, all of the same days.

use super::days::Days;
use super::html::{Escaped, numbers};
use super::plot::Plot;
use crate::run::Report;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// The medians of a feed, each with the place of its day.
type Course = Vec<(usize, i64)>;

pub(super) fn write(html: &mut String, reports: &[Report], days: &Days) -> fmt::Result {
    html.push_str(
        "<section id=\"lag\"><h2>Lag</h2>\n\
         <p>How old the latest record of a feed is when it is fetched: the median of the runs of a day. Each plot has a scale of its own.</p>\n",
    );
    let courses = courses(reports, days);
    if courses.is_empty() {
        html.push_str("<p>No source says when its records are from.</p>\n");
    }
    html.push_str("<div class=\"plots\">\n");
    courses.iter().try_for_each(|(feed, course)| plot(html, feed, course, days))?;
    html.push_str("</div>\n");
    let rows = courses.iter().flat_map(|(feed, course)| {
        course.iter().map(|(place, lag)| vec![(*feed).to_owned(), days.name(*place), hours(*lag)])
    });
    numbers(html, "Lag", &["feed", "day", "median lag, hours"], rows)?;
    html.push_str("</section>\n");
    Ok(())
}

/// Seconds as hours.
pub(super) fn hours(seconds: i64) -> String {
    format!("{:.1}", seconds as f64 / 3_600.0)
}

fn courses<'r>(reports: &'r [Report], days: &Days) -> BTreeMap<&'r str, Course> {
    let mut lags: BTreeMap<&str, BTreeMap<usize, Vec<i64>>> = BTreeMap::new();
    for report in reports {
        if let (Some(place), Some(lag)) = (days.place(&report.at), report.lag) {
            lags.entry(&report.feed).or_default().entry(place).or_default().push(lag);
        }
    }
    let course = |days: BTreeMap<usize, Vec<i64>>| {
        days.into_iter().map(|(place, mut lags)| (place, median(&mut lags))).collect()
    };
    lags.into_iter().map(|(feed, days)| (feed, course(days))).collect()
}

/// The median of some numbers; of an even count the mean of the two in the middle.
fn median(numbers: &mut [i64]) -> i64 {
    numbers.sort_unstable();
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { numbers[middle - 1].midpoint(numbers[middle]) }
}

fn plot(html: &mut String, feed: &str, course: &Course, days: &Days) -> fmt::Result {
    let highest = course.iter().map(|(_, lag)| *lag).max().unwrap_or_default();
    let (unit, seconds) = match highest {
        ..7_200 => ("min", 60.0),
        7_200..172_800 => ("h", 3_600.0),
        _ => ("d", 86_400.0),
    };
    let within = |lag: i64| lag as f64 / seconds;
    let (mut all, last) =
        (course.iter().map(|(_, lag)| *lag).collect::<Vec<_>>(), course[course.len() - 1].1);
    let summary = format!(
        "last {:.1} {unit}, median {:.1} {unit}, highest {:.1} {unit}",
        within(last),
        within(median(&mut all)),
        within(highest)
    );
    write!(html, "<figure><figcaption><b>{}</b> {summary}</figcaption>", Escaped(feed))?;
    let plot = Plot::new([44.0, 8.0, 240.0, 70.0], 2, 2, within(highest));
    plot.begin(html, &format!("Lag of {feed} a day: {summary}"), 6.0, 26.0)?;
    plot.axes(html, days, &format!(" {unit}"))?;
    // A source may be ahead of this machine's clock.
    let points = course.iter().map(|(place, lag)| {
        let middle = plot.x(days, *place) + plot.slot(days) / 2.0;
        (middle, plot.y(within(*lag).max(0.0)), *place, *lag)
    });
    html.push_str("<polyline points=\"");
    points.clone().try_for_each(|(x, y, ..)| write!(html, "{x:.1},{y:.1} "))?;
    html.push_str("\"/>\n");
    for (x, y, place, lag) in points {
        writeln!(
            html,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.8\"><title>{}: {} hours</title></circle>",
            days.name(place),
            hours(lag)
        )?;
    }
    html.push_str("</svg></figure>\n");
    Ok(())
}
