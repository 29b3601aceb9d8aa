//! What a new object starts from: an identifier and a time.

use crate::Timestamp;
use uuid::Uuid;

/// Identifier and time of a new object. They come from the caller, because this crate has neither a clock nor a
/// source of random numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// A random UUID (version 4).
    pub uuid: Uuid,
    /// Now, at least to the millisecond.
    pub created: Timestamp,
}

/// Makes a [`Stamp`] for each new object, from a clock and a source of random bytes.
///
/// ```
/// use stix_model::{Mint, ToObject, sdo::Campaign};
/// // A program passes its clock and its random numbers here; a test passes fixed ones.
/// let mut mint = Mint::new(|| 1_500_000_000_000_000, |bytes: &mut [u8; 16]| bytes.fill(7));
/// let campaign = Campaign::new(mint.stamp(), "Bank attack").aliases(["Red"]).to_object()?;
/// assert_eq!(campaign.header().id.as_str(), "campaign--07070707-0707-4707-8707-070707070707");
/// assert_eq!(campaign.header().created.as_ref().unwrap().as_str(), "2017-07-14T02:40:00.000000Z");
/// # Ok::<(), stix_model::BuildError>(())
/// ```
pub struct Mint<C, R> {
    now_micros: C,
    random: R,
}

impl<C: FnMut() -> i64, R: FnMut(&mut [u8; 16])> Mint<C, R> {
    /// A mint that asks `now_micros` for the microseconds since 1970 and `random` for random bytes.
    pub fn new(now_micros: C, random: R) -> Self {
        Self { now_micros, random }
    }

    /// The stamp of one new object. A clock that shows a year beyond 9999 counts as 1970.
    pub fn stamp(&mut self) -> Stamp {
        let mut bytes = [0; 16];
        (self.random)(&mut bytes);
        let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        let created = Timestamp::from_micros((self.now_micros)())
            .unwrap_or_else(|| Timestamp::from_micros(0).expect("1970 is a year that timestamps have"));
        Stamp { uuid, created }
    }
}
