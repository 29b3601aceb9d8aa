//! Dates as servers write them into headers.

use crate::retry;
use stix_model::Timestamp;

/// A date as RFC 3339 has it, in UTC with `Z` and with all fraction digits that it had; `None` when it cannot be read.
pub(crate) fn in_utc(text: &str) -> Option<String> {
    let text = text.trim();
    let fraction = |at: usize| {
        let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let is_in_number = digits > 0 && text[..at].ends_with(|before: char| before.is_ascii_digit());
        is_in_number.then_some(at..at + 1 + digits)
    };
    let fraction = text.find(['.', ',']).and_then(fraction).unwrap_or(text.len()..text.len());
    // An offset has no fraction of a second, so the digits are the same in UTC, however many there are.
    let whole = format!("{}{}", &text[..fraction.start], &text[fraction.end..]);
    let at = Timestamp::from_any_form(&whole).map(String::from);
    let at = at.or_else(|| Some(retry::date(&whole)?.to_string()))?;
    let at = at.strip_suffix('Z')?;
    Some(match text.get(fraction.start + 1..fraction.end) {
        Some(digits) => format!("{at}.{digits}Z"),
        None => format!("{at}Z"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_in_utc_with_their_digits() {
        for (text, expected) in [
            ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"),
            ("2026-03-01T10:00:00.120Z", "2026-03-01T10:00:00.120Z"),
            ("2026-03-01T10:00:00.183201+00:00", "2026-03-01T10:00:00.183201Z"),
            ("2026-03-01T11:30:00.123456789012+01:30", "2026-03-01T10:00:00.123456789012Z"),
            (" 2026-03-01 10:00:00,5 ", "2026-03-01T10:00:00.5Z"),
            ("2026-03-01T10:00:00", "2026-03-01T10:00:00Z"),
            ("Sun, 01 Mar 2026 10:00:00 GMT", "2026-03-01T10:00:00Z"),
            ("Sunday, 01-Mar-26 10:00:00 GMT", "2026-03-01T10:00:00Z"),
            ("Sun Mar  1 10:00:00 2026", "2026-03-01T10:00:00Z"),
        ] {
            assert_eq!(in_utc(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "1772359200", "2026-13-01T00:00:00Z", ".5", "2026-03-01T10:00:00.é"] {
            assert_eq!(in_utc(text), None, "{text}");
        }
    }
}
