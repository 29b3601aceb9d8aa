//! Tables: values between commas or other characters. Names of columns come from the declaration, from a first row, or from a
//! comment that has them, as abuse.ch writes it.

use super::ConvertError;
use super::lines::each_line;
use super::record::{Found, Record};
use crate::feed::{Feed, Pick};
use csv_core::ReadRecordResult;
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
    let mut parser = Parser::new(delimiter);
    let mut columns = feed.columns.clone();
    // A value may have line breaks between its quotes: then a row is several lines.
    let mut pending = String::new();
    let (mut began, mut last) = (0, 0);
    let mut row = |parser: &mut Parser, number: u64, text: &str, columns: &mut Vec<String>| {
        let place = || format!("line {number}");
        let Some(parsed) = parser.parse(text) else { return };
        if columns.is_empty() {
            *columns = parsed;
            return;
        }
        if parsed == *columns {
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
                    && let Some(names) = names_in(comment, &mut parser, feed)
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
        row(&mut parser, began, &pending, &mut columns);
        pending.clear();
    })?;
    if !pending.is_empty() {
        row(&mut parser, began, &pending, &mut columns);
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

/// Takes rows apart, one after the other.
struct Parser {
    reader: csv_core::Reader,
    delimiter: u8,
    /// The values of a row behind each other, and where each of them ends.
    values: Vec<u8>,
    ends: Vec<usize>,
}

impl Parser {
    fn new(delimiter: u8) -> Self {
        let reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, delimiter, values: vec![0; 1 << 10], ends: vec![0; 32] }
    }

    /// The values of a row, without blanks around them; `None` when there is none.
    fn parse(&mut self, text: &str) -> Option<Vec<String>> {
        let text = without_blanks(text, self.delimiter);
        self.reader.reset();
        let (mut rest, mut length, mut count) = (text.as_bytes(), 0, 0);
        loop {
            let Self { reader, values, ends, .. } = self;
            let (result, read, written, ended) =
                reader.read_record(rest, &mut values[length..], &mut ends[count..]);
            (rest, length, count) = (&rest[read..], length + written, count + ended);
            match result {
                // The next call, with no input, ends the row.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => values.resize(values.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return None,
            }
        }
        let mut start = 0;
        let value = |&end: &usize| {
            let value = String::from_utf8_lossy(&self.values[start..end]).trim().to_owned();
            start = end;
            value
        };
        Some(self.ends[..count].iter().map(value).collect())
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
fn names_in(comment: &str, parser: &mut Parser, feed: &Feed) -> Option<Vec<String>> {
    let comment = comment.strip_prefix("fields").unwrap_or(comment).trim();
    let names = parser.parse(comment)?;
    let value = feed.fields.value.as_ref()?;
    value.fields.iter().any(|field| names.contains(field)).then_some(names)
}
