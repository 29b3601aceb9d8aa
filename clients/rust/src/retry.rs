//! When to ask again, and after how long.
//!
//! By hand: `backon` adds its jitter to the waiting time, so that it exceeds the longest one.

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// What to do when a server is busy (429, 503) or the connection breaks: wait and ask again.
///
/// A request that did not reach the server, or that the server put off, is always sent again. When its outcome is
/// unknown (the connection broke while the answer was awaited, or a proxy answered 502 or 504), it depends on
/// what it does; what stays unknown is an [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown):
///
/// - What reads is asked again.
/// - *Add objects* is sent again, with the same `Idempotency-Key`. A server that knows the header answers with the status
///   of the first request. Any other adds the objects a second time, which by the standard is no failure: a version that
///   is there already counts as a success. After a 500 they are sent once more, to learn the outcome.
/// - *Delete an object* is not sent again, because by default it deletes the latest version, and the second time the one
///   before it. Nor is it after a 503: many servers and proxies give it for what they have carried out. Only a Concord server
///   is asked again, with the same `Idempotency-Key`, once it says that it was not done (`unavailable`) or that the key
///   tells the outcome (`outcome_unknown`).
/// - A 303 says that either was carried out: from then on, only where it points to is asked, again and again if need be.
///
/// Waiting times double from `first_wait` and never exceed `longest_wait`. Each is drawn at random from the upper
/// half of that span, so that many clients that were refused together do not come back together.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Retry {
    /// How often to ask in all; 1 means never again.
    pub attempts: u32,
    /// The waiting time after the first refusal.
    pub first_wait: Duration,
    /// The longest waiting time. A server that asks for more than this in `Retry-After` is not waited for.
    pub longest_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 6, first_wait: Duration::from_millis(500), longest_wait: Duration::from_secs(60) }
    }
}

impl Retry {
    /// Sets how often to ask in all.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the waiting time after the first refusal.
    #[must_use]
    pub fn first_wait(mut self, first_wait: Duration) -> Self {
        self.first_wait = first_wait;
        self
    }

    /// Sets the longest waiting time.
    #[must_use]
    pub fn longest_wait(mut self, longest_wait: Duration) -> Self {
        self.longest_wait = longest_wait;
        self
    }

    /// The waiting time after so many attempts (from 1).
    pub(crate) fn wait(&self, attempts: u32) -> Duration {
        let factor = 1u32.checked_shl(attempts - 1).unwrap_or(u32::MAX);
        let span = self.first_wait.saturating_mul(factor).min(self.longest_wait);
        span / 2 + (span / 2).mul_f64(random_fraction())
    }
}

fn random_fraction() -> f64 {
    // Without random numbers the clients are merely less well spread.
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(random) / f64::from(u32::MAX)
}

/// The waiting time that the server asks for (RFC 9110, section 10.2.3): seconds or a date. A date is counted from
/// the server's own `Date`, so neither clock has to be right.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(RETRY_AFTER)?;
    // Some servers write fractions, though the standard has whole seconds only.
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let (until, now) = (date(value)?, date(text(DATE)?)?);
    Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// A date in one of the three forms of RFC 9110, section 5.6.7, or as RFC 3339 has it.
pub(crate) fn date(text: &str) -> Option<jiff::Timestamp> {
    let known = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).or_else(|_| text.parse());
    let old = |form: &str| {
        let date = jiff::fmt::strtime::parse(form, text).ok()?.to_datetime().ok()?;
        jiff::tz::Offset::UTC.to_timestamp(date).ok()
    };
    known.ok().or_else(|| old("%A, %d-%b-%y %H:%M:%S GMT")).or_else(|| old("%a %b %e %H:%M:%S %Y"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest() {
        let retry =
            Retry { attempts: 9, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(5) };
        for (attempts, longest) in [(1, 1), (2, 2), (3, 4), (4, 5), (80, 5)] {
            let wait = retry.wait(attempts);
            assert!(
                wait >= Duration::from_secs(longest) / 2 && wait <= Duration::from_secs(longest),
                "{wait:?}"
            );
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let headers = |pairs: &[(reqwest::header::HeaderName, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "7")])), Some(Duration::from_secs(7)));
        let later = "Tue, 24 Nov 2026 06:01:30 GMT";
        let now = "Tue, 24 Nov 2026 06:01:10 GMT";
        assert_eq!(
            retry_after(&headers(&[(RETRY_AFTER, later), (DATE, now)])),
            Some(Duration::from_secs(20))
        );
        for same in
            ["Tuesday, 24-Nov-26 06:01:30 GMT", "Tue Nov 24 06:01:30 2026", "2026-11-24T07:01:30+01:00"]
        {
            let headers = headers(&[(RETRY_AFTER, same), (DATE, now)]);
            assert_eq!(retry_after(&headers), Some(Duration::from_secs(20)), "{same}");
        }
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "1.5")])), Some(Duration::from_millis(1500)));
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "-1")])), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, now), (DATE, later)])), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, later)])), None);
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "soon")])), None);
    }
}
