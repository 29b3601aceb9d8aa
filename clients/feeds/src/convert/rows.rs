//! Tables: values between commas or other characters. Names of columns come from the declaration, from a first row, or from a
//! comment that has them, as abuse.ch writes it.

use super::ConvertError;
use super::lines::each_line;
use super::record::{Found, Record};
use crate::feed::{Feed, Pick};
use std::borrow::Cow;
use std::io::BufRead;

pub(super) fn read(
    feed: &Feed,
    input: &mut dyn BufRead,
    take: &mut dyn FnMut(Found<'_>),
) -> Result<(), ConvertError> {
    let delimiter = feed.delimiter.unwrap_or(',');
    let delimiter = u8::try_from(delimiter)
        .map_err(|_| ConvertError::Declaration(format!("`{delimiter}` separates no columns")))?;
    let mut columns = feed.columns.clone();
    // A value may have line breaks between its quotes: then a row is several lines.
    let mut pending = String::new();
    let (mut began, mut last) = (0, 0);
    let mut row = |number: u64, text: &str, columns: &mut Vec<String>| {
        let place = || format!("line {number}");
        let parsed = match parse(text, delimiter) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return,
            Err(reason) => return take(Found { place: place(), record: Err(reason) }),
        };
        if columns.is_empty() {
            *columns = parsed.iter().map(str::to_owned).collect();
            return;
        }
        if parsed.iter().eq(columns.iter().map(String::as_str)) {
            return;
        }
        if parsed.len() != columns.len() {
            let reason = format!("it has {} columns, and not {}", parsed.len(), columns.len());
            return take(Found { place: place(), record: Err(reason) });
        }
        take(Found { place: place(), record: Ok(Record::Row { columns, row: &parsed }) });
    };
    let mut wrong: Vec<(u64, String)> = Vec::new();
    each_line(input, &mut |number, line| {
        last = number;
        let line = match line {
            Ok(line) => line,
            Err(reason) => return wrong.push((number, reason)),
        };
        if pending.is_empty() {
            if line.trim().is_empty() {
                return;
            }
            if let Some(comment) = line.strip_prefix('#') {
                if columns.is_empty()
                    && let Some(names) = names_in(comment, delimiter, feed)
                {
                    columns = names;
                }
                return;
            }
            began = number;
        } else {
            pending.push('\n');
        }
        pending.push_str(line);
        let is_open = pending.bytes().filter(|byte| *byte == b'"').count() % 2 == 1;
        // A quote that nothing ends must not swallow the rest of the file.
        if is_open && number - began < 64 && pending.len() < 1 << 20 {
            return;
        }
        row(began, &pending, &mut columns);
        pending.clear();
    })?;
    if !pending.is_empty() {
        row(began, &pending, &mut columns);
    }
    for (number, reason) in wrong {
        take(Found { place: format!("line {number}"), record: Err(reason) });
    }
    if columns.is_empty() && last > 0 {
        return Err(ConvertError::Form("it has no names of columns".to_owned()));
    }
    let wanted: Vec<&str> =
        feed.fields.value.iter().chain(feed.fields.hashes.values()).flat_map(Pick::names).collect();
    if !columns.is_empty() && !columns.iter().any(|column| wanted.contains(&column.as_str())) {
        let (columns, wanted) = (columns.join(", "), wanted.join(", "));
        return Err(ConvertError::Form(format!("it has the columns {columns}, and not {wanted}")));
    }
    Ok(())
}

fn parse(text: &str, delimiter: u8) -> Result<Option<csv::StringRecord>, String> {
    let text = without_blanks(text, delimiter);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut row = csv::StringRecord::new();
    match reader.read_record(&mut row) {
        Ok(true) => Ok(Some(row)),
        Ok(false) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Takes out the blanks between a delimiter and a quote: some sources write them, and the quote would count as text then.
fn without_blanks(text: &str, delimiter: u8) -> Cow<'_, str> {
    if !text.contains(" \"") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let (mut is_quoted, mut rest) = (false, text);
    while let Some(next) = rest.chars().next() {
        is_quoted ^= next == '"';
        plain.push(next);
        rest = &rest[next.len_utf8()..];
        if !is_quoted && next == char::from(delimiter) {
            let trimmed = rest.trim_start_matches(' ');
            rest = if trimmed.starts_with('"') { trimmed } else { rest };
        }
    }
    Cow::Owned(plain)
}

/// Names of columns in a comment: those that the declaration asks for are among them.
fn names_in(comment: &str, delimiter: u8, feed: &Feed) -> Option<Vec<String>> {
    let comment = comment.strip_prefix("fields").unwrap_or(comment).trim();
    let row = parse(comment, delimiter).ok().flatten()?;
    let names: Vec<String> = row.iter().map(str::to_owned).collect();
    let value = feed.fields.value.as_ref()?;
    value.fields.iter().any(|field| names.contains(field)).then_some(names)
}
