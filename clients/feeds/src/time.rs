//! Times, which sources write in many ways.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use stix_model::Timestamp;

/// Forms that are no RFC 3339, most usual first.
const FORMS: [&str; 6] =
    ["%Y-%m-%d", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%Y/%m/%d", "%a, %d %b %Y %H:%M:%S", "%Y%m%d"];

/// Reads a time in any of the forms that sources use, as UTC with milliseconds; a time of the year 1 or of no value is none.
///
/// ```
/// use taxii_feeds::time::read;
/// assert_eq!(read("2026-07-24 13:50:06 UTC").unwrap().as_str(), "2026-07-24T13:50:06.000Z");
/// assert_eq!(read("12/22/2023 6:58").unwrap().as_str(), "2023-12-22T06:58:00.000Z");
/// assert_eq!(read("1543326120").unwrap().as_str(), "2018-11-27T13:42:00.000Z");
/// assert_eq!(read("0001-01-01T00:00:00Z"), None);
/// ```
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let bare = text.trim_end_matches("(UTC)").trim_end().trim_end_matches(" UTC").trim_end_matches(" GMT");
    let micros = match bare.parse::<i64>() {
        // Twelve digits and more are milliseconds; eight are a date.
        Ok(seconds) if bare.len() == 9 || bare.len() == 10 => seconds.checked_mul(1_000_000)?,
        Ok(milliseconds) if bare.len() == 13 => milliseconds.checked_mul(1_000)?,
        _ => civil(bare)?,
    };
    from_micros(micros)
}

/// An instant with milliseconds; `None` for what is before 1970 or beyond 9999.
pub(crate) fn from_micros(micros: i64) -> Option<Timestamp> {
    let instant = Timestamp::from_micros(micros - micros.rem_euclid(1_000)).filter(|_| micros > 0)?;
    format!("{}Z", &instant.as_str()[..23]).parse().ok()
}

fn civil(text: &str) -> Option<i64> {
    if let Some(instant) = Timestamp::from_any_form(text) {
        return Some(instant.micros());
    }
    let parsed = FORMS.iter().find_map(|form| {
        let (parsed, _) = strtime::BrokenDownTime::parse_prefix(form, text).ok()?;
        let date: Date = parsed.to_date().ok()?;
        let time = parsed.to_time().unwrap_or_default();
        Some(DateTime::from_parts(date, time))
    })?;
    let instant = jiff::tz::Offset::UTC.to_timestamp(parsed).ok()?;
    Some(instant.as_microsecond())
}
