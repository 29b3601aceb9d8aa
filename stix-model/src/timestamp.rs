//! Timestamps that keep the precision they were given.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A STIX timestamp (STIX 2.1, section 2.16): RFC 3339 in UTC with a capital `T` and `Z`, and any number of
/// fraction digits.
///
/// The text stays as it was; comparison, equality and hashing look at the instant:
///
/// ```
/// use stix_model::Timestamp;
/// let short: Timestamp = "2016-01-20T12:31:12Z".parse()?;
/// let long: Timestamp = "2016-01-20T12:31:12.000Z".parse()?;
/// assert_eq!(short, long);
/// assert_eq!(long.as_str(), "2016-01-20T12:31:12.000Z");
/// assert!(long < "2016-01-20T12:31:12.0000000001Z".parse()?);
/// # Ok::<(), stix_model::TimestampError>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(Box<str>);

/// Length of `YYYY-MM-DDTHH:MM:SS`.
const SECONDS: usize = 19;

const EPOCH: jiff::civil::DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// The standard sets no limit on fraction digits; a text that must serve as a key needs one.
const MAX_LENGTH: usize = 255;

impl Timestamp {
    /// The instant so many microseconds after 1970, written with six fraction digits as TAXII demands
    /// (TAXII 2.1, section 2). `None` outside the years 0 to 9999.
    ///
    /// ```
    /// let stamp = stix_model::Timestamp::from_micros(1_500_000).unwrap();
    /// assert_eq!(stamp.as_str(), "1970-01-01T00:00:01.500000Z");
    /// ```
    pub fn from_micros(micros: i64) -> Option<Self> {
        let instant = EPOCH.checked_add(jiff::SignedDuration::from_micros(micros)).ok()?;
        let is_in_range = (0..=9999).contains(&instant.year());
        is_in_range.then(|| Self(format!("{instant:.6}Z").into()))
    }

    /// The instant of a text in any form of RFC 3339, also with another offset than `Z`, with a blank for the `T`, or
    /// without an offset, which is then UTC. For what others wrote; STIX itself has one form only.
    ///
    /// ```
    /// use stix_model::Timestamp;
    /// let read = |text| Timestamp::from_any_form(text).map(String::from);
    /// assert_eq!(read("2026-03-01T11:00:00.183201+01:00").as_deref(), Some("2026-03-01T10:00:00.183201Z"));
    /// assert_eq!(read("2026-03-01 10:00:00").as_deref(), Some("2026-03-01T10:00:00Z"));
    /// assert_eq!(read("yesterday"), None);
    /// ```
    pub fn from_any_form(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(strict) = text.parse() {
            return Some(strict);
        }
        let fraction = text.split_once(['.', ',']).map_or("", |(_, rest)| rest);
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count().min(9);
        let parser = jiff::fmt::temporal::DateTimeParser::new();
        let at = match parser.parse_timestamp(text) {
            Ok(instant) => jiff::tz::Offset::UTC.to_datetime(instant),
            Err(_) => parser.parse_datetime(text).ok()?,
        };
        format!("{at:.digits$}Z").parse().ok()
    }

    /// Whole microseconds since 1970, rounded towards the past. A leap second counts as the second after it.
    pub fn micros(&self) -> i64 {
        let number = |range: std::ops::Range<usize>| self.0[range].parse::<i16>().unwrap_or_default();
        let small = |at: usize| i8::try_from(number(at..at + 2)).unwrap_or_default();
        let midnight = jiff::civil::date(number(0..4), small(5), small(8)).at(0, 0, 0, 0);
        let day = midnight.duration_since(EPOCH).as_secs();
        let seconds = day + i64::from(small(11)) * 3600 + i64::from(small(14)) * 60 + i64::from(small(17));
        let fraction = self.fraction().bytes().chain(std::iter::repeat(b'0')).take(6);
        seconds * 1_000_000 + fraction.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0'))
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A text whose byte order is the order of instants: no `Z`, no trailing zeros. Fit for a sorted key.
    ///
    /// ```
    /// let stamp: stix_model::Timestamp = "2016-01-20T12:31:12.120Z".parse()?;
    /// assert_eq!(stamp.sort_key(), "2016-01-20T12:31:12.12");
    /// # Ok::<(), stix_model::TimestampError>(())
    /// ```
    pub fn sort_key(&self) -> &str {
        sort_key(&self.0)
    }

    /// Checks a text without keeping it.
    pub(crate) fn check(text: &str) -> Result<(), TimestampError> {
        let bytes = text.as_bytes();
        let has_form = (SECONDS + 1..=MAX_LENGTH).contains(&bytes.len())
            && bytes.iter().zip(b"0000-00-00T00:00:00").all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                separator => byte == separator,
            });
        let has_fraction = || match &bytes[SECONDS..] {
            [b'Z'] => true,
            [b'.', digits @ .., b'Z'] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        if !has_form || !has_fraction() {
            return Err(TimestampError::Form);
        }
        let digit = |at: usize| (bytes[at] - b'0').cast_signed();
        let small = |at: usize| digit(at) * 10 + digit(at + 1);
        let year = i16::from(small(0)) * 100 + i16::from(small(2));
        let is_date = jiff::civil::Date::new(year, small(5), small(8)).is_ok();
        let (hour, minute, second) = (small(11), small(14), small(17));
        // RFC 3339, section 5.7: a leap second stands at the end of a day.
        let is_time = hour < 24 && minute < 60 && (second < 60 || (hour, minute, second) == (23, 59, 60));
        if is_date && is_time { Ok(()) } else { Err(TimestampError::Calendar) }
    }

    /// Compares the instants of two texts that passed [`check`](Self::check).
    pub(crate) fn compare(a: &str, b: &str) -> Ordering {
        sort_key(a).cmp(sort_key(b))
    }

    /// How many digits stand after the seconds.
    pub fn fraction_digits(&self) -> usize {
        self.fraction().len()
    }

    fn fraction(&self) -> &str {
        self.0[SECONDS..].trim_start_matches('.').trim_end_matches('Z')
    }
}

fn sort_key(text: &str) -> &str {
    let significant = match text[SECONDS..].strip_prefix('.') {
        Some(fraction) => fraction.trim_end_matches('Z').trim_end_matches('0').len(),
        None => 0,
    };
    if significant == 0 { &text[..SECONDS] } else { &text[..SECONDS + 1 + significant] }
}

impl std::str::FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        Self::check(text).map(|()| Self(text.into()))
    }
}

/// With the digits that it has. Refused before the year 0.
///
/// ```
/// use stix_model::Timestamp;
/// let instant = jiff::Timestamp::from_millisecond(1500)?;
/// let stamp = Timestamp::try_from(instant)?;
/// assert_eq!(stamp.as_str(), "1970-01-01T00:00:01.500Z");
/// assert_eq!(jiff::Timestamp::try_from(&stamp)?, instant);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl TryFrom<jiff::Timestamp> for Timestamp {
    type Error = TimestampError;

    fn try_from(instant: jiff::Timestamp) -> Result<Self, TimestampError> {
        // Common properties have at least three digits (STIX 2.1, section 3.2).
        let nanos = instant.as_nanosecond();
        let digits = [(3, 1_000_000), (6, 1000)]
            .into_iter()
            .find(|(_, unit)| nanos % unit == 0)
            .map_or(9, |(digits, _)| digits);
        format!("{:.digits$}Z", jiff::tz::Offset::UTC.to_datetime(instant)).parse()
    }
}

/// To the microsecond, rounded towards the past. Refused in the last two days of the year 9999.
impl TryFrom<&Timestamp> for jiff::Timestamp {
    type Error = TimestampError;

    fn try_from(timestamp: &Timestamp) -> Result<Self, TimestampError> {
        Self::from_microsecond(timestamp.micros()).map_err(|_| TimestampError::Calendar)
    }
}

/// Why a text is not a STIX timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Another form than `YYYY-MM-DDTHH:MM:SS[.s…]Z`, or longer than 255 characters.
    #[error("a timestamp has the form 2016-01-20T12:31:12.123Z, in UTC with T and Z")]
    Form,
    /// The form is right, but there is no such day or time.
    #[error("there is no such date or time")]
    Calendar,
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.sort_key() == other.sort_key()
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(other.sort_key())
    }
}

impl Hash for Timestamp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.sort_key().hash(state);
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, TimestampError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> String {
        timestamp.0.into()
    }
}
