//! Points in time as people type them.

use jiff::{SignedDuration, civil};
use stix_model::Timestamp;

/// Reads a time: a timestamp with `Z` or an offset, a date or a local time, which count as UTC, or how long ago: `7d`,
/// `12h`, `30m`, `2w`.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    parse_at(text, now())
}

#[expect(clippy::disallowed_methods, reason = "`7d` counts back from the clock of this machine")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

fn parse_at(text: &str, now: jiff::Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(stamp) = text.parse() {
        return Ok(stamp);
    }
    let instant = if let Some(ago) = ago(text) {
        now.checked_sub(ago).ok()
    } else if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        Some(instant)
    } else {
        let local = text.parse::<civil::DateTime>().ok();
        let local = local.or_else(|| text.parse::<civil::Date>().ok().map(|date| date.at(0, 0, 0, 0)));
        local.and_then(in_utc)
    };
    instant.and_then(|instant| Timestamp::from_micros(instant.as_microsecond())).ok_or_else(|| {
        "a time is a timestamp (2026-01-31T12:00:00Z, or with +02:00), a date (2026-01-31), or how long ago \
         (7d, 12h, 30m, 2w)"
            .to_owned()
    })
}

/// A local time as one in UTC.
fn in_utc(local: civil::DateTime) -> Option<jiff::Timestamp> {
    jiff::tz::Offset::UTC.to_timestamp(local).ok()
}

/// `7d` and the like.
fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let count: i64 = text[..text.len() - unit.len_utf8()].trim().parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    (count >= 0).then_some(())?;
    count.checked_mul(seconds).map(SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let read = |text| parse_at(text, now).map(|stamp| stamp.to_string());
        for (text, expected) in [
            ("2026-01-31T00:00:00.5Z", "2026-01-31T00:00:00.5Z"),
            ("2026-01-31T00:00:00+02:00", "2026-01-30T22:00:00.000000Z"),
            ("2026-01-31T00:00:00.25-0130", "2026-01-31T01:30:00.250000Z"),
            ("2026-01-31", "2026-01-31T00:00:00.000000Z"),
            ("2026-01-31T10:20", "2026-01-31T10:20:00.000000Z"),
            ("2026-01-31 10:20:30", "2026-01-31T10:20:30.000000Z"),
            ("7d", "2026-02-22T12:00:00.000000Z"),
            ("12h", "2026-03-01T00:00:00.000000Z"),
            ("90m", "2026-03-01T10:30:00.000000Z"),
            ("2w", "2026-02-15T12:00:00.000000Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "7", "d", "-7d", "7y", "2026-13-01", "yesterday", "99999999999999999d", "é"] {
            assert!(read(text).unwrap_err().starts_with("a time is "), "{text}");
        }
    }
}
