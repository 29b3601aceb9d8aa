//! How much of a feed others have, too.

use super::html::{Escaped, begin_wide, count, table};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

/// Pairs that are shown with their numbers.
const PAIRS: usize = 20;

/// What two feeds have in common, by their places, and what each has.
struct Overlap<'o> {
    feeds: Vec<&'o str>,
    common: Vec<Vec<u64>>,
}

pub(super) fn write(
    html: &mut String,
    observables: Option<&BTreeMap<String, BTreeSet<String>>>,
) -> fmt::Result {
    html.push_str("<section id=\"overlap\"><h2>Overlap</h2>\n");
    match observables {
        None => html.push_str(
            "<p>Not shown, because another process runs feeds with this state; stop it, or write the page when it has ended.</p>\n",
        ),
        Some(observables) if observables.is_empty() => html.push_str("<p>No feed has observables yet.</p>\n"),
        Some(observables) => {
            let overlap = Overlap::of(observables);
            matrix(html, &overlap)?;
            pairs(html, &overlap)?;
        }
    }
    html.push_str("</section>\n");
    Ok(())
}

impl<'o> Overlap<'o> {
    fn of(observables: &'o BTreeMap<String, BTreeSet<String>>) -> Self {
        let feeds: Vec<&str> = observables.keys().map(String::as_str).collect();
        let mut owners: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, ids) in observables.values().enumerate() {
            ids.iter().for_each(|id| owners.entry(id).or_default().push(place));
        }
        let mut common = vec![vec![0; feeds.len()]; feeds.len()];
        for places in owners.values() {
            for one in places {
                places.iter().for_each(|other| common[*one][*other] += 1);
            }
        }
        Self { feeds, common }
    }

    /// The share of the first feed that the other one has, too.
    fn percent(&self, one: usize, other: usize) -> f64 {
        self.common[one][other] as f64 / self.common[one][one].max(1) as f64 * 100.0
    }
}

fn matrix(html: &mut String, overlap: &Overlap<'_>) -> fmt::Result {
    html.push_str(
        "<p>Of the addresses, domains, URLs and files that the feed of a row has had, the percentage that the feed of the column has had, too.</p>\n",
    );
    begin_wide(html, "Overlap in percent")?;
    html.push_str("<table class=\"matrix\"><thead><tr><th scope=\"col\">feed</th><th scope=\"col\">all</th>");
    let feeds = &overlap.feeds;
    feeds.iter().try_for_each(|feed| {
        write!(html, "<th scope=\"col\" class=\"turned\"><span>{}</span></th>", Escaped(feed))
    })?;
    html.push_str("</tr></thead><tbody>\n");
    for (one, feed) in feeds.iter().enumerate() {
        let all = count(overlap.common[one][one]);
        write!(html, "<tr><th scope=\"row\">{}</th><td>{all}</td>", Escaped(feed))?;
        for (other, name) in feeds.iter().enumerate() {
            let (common, percent) = (overlap.common[one][other], overlap.percent(one, other));
            match common {
                _ if one == other => html.push_str("<td class=\"same\"></td>"),
                0 => html.push_str("<td>·</td>"),
                _ => write!(
                    html,
                    "<td style=\"--share:{percent:.0}%\" title=\"{} of {all} of {} are in {}\">{}</td>",
                    count(common),
                    Escaped(feed),
                    Escaped(name),
                    if percent < 1.0 { "&lt;1".to_owned() } else { format!("{percent:.0}") }
                )?,
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    Ok(())
}

/// The pairs that have most in common, with their numbers.
fn pairs(html: &mut String, overlap: &Overlap<'_>) -> fmt::Result {
    let Overlap { feeds, common } = overlap;
    let mut pairs: Vec<(usize, usize)> =
        (0..feeds.len()).flat_map(|one| (one + 1..feeds.len()).map(move |other| (one, other))).collect();
    pairs.retain(|(one, other)| common[*one][*other] > 0);
    if pairs.is_empty() {
        html.push_str("<p>No two feeds have anything in common.</p>\n");
        return Ok(());
    }
    pairs.sort_by_key(|(one, other)| Reverse(common[*one][*other]));
    html.push_str("<h3>Most in common</h3>\n");
    let rows = pairs.into_iter().take(PAIRS).map(|(one, other)| {
        vec![
            feeds[one].to_owned(),
            feeds[other].to_owned(),
            count(common[one][other]),
            format!("{:.1} %", overlap.percent(one, other)),
            format!("{:.1} %", overlap.percent(other, one)),
        ]
    });
    table(
        html,
        "Most in common",
        &["feed", "other feed", "in both", "of the feed", "of the other feed"],
        rows,
    )
}
