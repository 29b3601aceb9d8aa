//! Pieces that the sections of the page share.

use std::fmt::{self, Display, Write};

/// A text in which nothing is taken for HTML.
pub(super) struct Escaped<'t>(pub(super) &'t str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A number with its digits in groups.
pub(super) fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// Begins what is wide, and in a narrow window moves by itself.
pub(super) fn begin_wide(html: &mut String, label: &str) -> fmt::Result {
    write!(html, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\">")
}

/// A table; the first cell of a row names it.
pub(super) fn table(
    html: &mut String,
    label: &str,
    columns: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> fmt::Result {
    begin_wide(html, label)?;
    html.push_str("<table><thead><tr>");
    columns.iter().try_for_each(|column| write!(html, "<th scope=\"col\">{}</th>", Escaped(column)))?;
    html.push_str("</tr></thead><tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            match place {
                0 => write!(html, "<th scope=\"row\">{}</th>", Escaped(cell))?,
                _ => write!(html, "<td>{}</td>", Escaped(cell))?,
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    Ok(())
}

/// The numbers of a plot, as a table that is closed at first.
pub(super) fn numbers(
    html: &mut String,
    label: &str,
    columns: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> fmt::Result {
    html.push_str("<details><summary>Numbers</summary>\n");
    table(html, label, columns, rows)?;
    html.push_str("</details>\n");
    Ok(())
}
