//! Lists: one value a line.

use super::ConvertError;
use super::record::{Found, Record};
use std::io::{BufRead, Read};

/// Longest line that is read, in bytes.
pub(super) const MAX_LINE: u64 = 1 << 20;

pub(super) fn read(input: &mut dyn BufRead, take: &mut dyn FnMut(Found<'_>)) -> Result<(), ConvertError> {
    each_line(input, &mut |number, line| {
        let place = || format!("line {number}");
        let line = match line {
            Ok(line) => line.trim(),
            Err(reason) => return take(Found { place: place(), record: Err(reason) }),
        };
        if line.is_empty() || line.starts_with(['#', ';']) || line.starts_with("//") {
            return;
        }
        let (value, comment) = line.split_once([' ', '\t', ';', ',']).unwrap_or((line, ""));
        let comment = comment.trim_start_matches(['#', ';', ' ', '\t']).trim();
        take(Found { place: place(), record: Ok(Record::Line { value, comment }) });
    })
}

/// Reads lines of bounded length, one after the other, in memory that the longest one takes.
pub(super) fn each_line(
    mut input: &mut dyn BufRead,
    take: &mut dyn FnMut(u64, Result<&str, String>),
) -> Result<(), ConvertError> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(());
        }
        if length as u64 == MAX_LINE && !line.ends_with(b"\n") {
            take(number, Err(format!("the line is longer than {MAX_LINE} bytes")));
            input.skip_until(b'\n')?;
            continue;
        }
        let bytes = if number == 1 { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line) } else { &line };
        let bytes = bytes.trim_ascii_end();
        take(number, std::str::from_utf8(bytes).map_err(|_| "the line is not UTF-8".to_owned()));
    }
    Ok(())
}
