//! Rejected records by feed and reason, most first.

use super::days::Days;
use super::html::{Escaped, begin_wide, count};
use crate::run::Report;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// Reasons that are shown one by one.
const SHOWN: usize = 40;

pub(super) fn write(html: &mut String, reports: &[Report], days: &Days) -> fmt::Result {
    html.push_str("<section id=\"rejections\"><h2>Rejected records</h2>\n");
    let mut reasons: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for report in reports.iter().filter(|report| days.place(&report.at).is_some()) {
        for (reason, records) in &report.staged.rejected {
            *reasons.entry((&report.feed, reason)).or_default() += records;
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, records)| Reverse(*records));
    let Some((_, most)) = reasons.first().copied() else {
        html.push_str("<p>None.</p></section>\n");
        return Ok(());
    };
    begin_wide(html, "Rejected records")?;
    html.push_str(
        "<table class=\"bars\"><thead><tr><th scope=\"col\">feed</th><th scope=\"col\">reason</th>\
         <th scope=\"col\">records</th><td></td></tr></thead><tbody>\n",
    );
    for ((feed, reason), records) in reasons.iter().take(SHOWN) {
        writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td><i style=\"width:{:.2}%\"></i></td></tr>",
            Escaped(feed),
            Escaped(reason),
            count(*records),
            *records as f64 / most.max(1) as f64 * 100.0
        )?;
    }
    html.push_str("</tbody></table></div>\n");
    let rest = reasons.iter().skip(SHOWN).map(|(_, records)| records);
    if reasons.len() > SHOWN {
        let more = reasons.len() - SHOWN;
        writeln!(html, "<p>{more} more reasons, of {} records.</p>", count(rest.sum()))?;
    }
    html.push_str("</section>\n");
    Ok(())
}
