//! What a new object starts from: an identifier and a time.

use crate::{IdError, StixId, Timestamp};
use uuid::Uuid;

/// Identifier and time of a new object. They come from the caller, because this crate has neither a clock nor a
/// source of random numbers of its own; with the feature `std` it takes those of the system.
///
/// A type that needs the time twice takes the stamp by reference:
/// ```
/// use stix_model::{Mint, sdo::Indicator, vocab::PatternType};
/// # let mut mint = Mint::new(|| 1_700_000_000_000_000, |bytes: &mut [u8; 16]| bytes.fill(7));
/// let stamp = mint.stamp();
/// let indicator = Indicator::new(&stamp, "[url:value = 'u:x']", PatternType::Stix, &stamp);
/// assert_eq!(indicator.valid_from, indicator.common.created);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// A random UUID (version 4).
    pub uuid: Uuid,
    /// Now, at least to the millisecond.
    pub created: Timestamp,
}

impl From<&Stamp> for Stamp {
    fn from(stamp: &Stamp) -> Self {
        stamp.clone()
    }
}

/// When the object of this stamp is made.
impl From<&Stamp> for Timestamp {
    fn from(stamp: &Stamp) -> Self {
        stamp.created.clone()
    }
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

    /// A new identifier of an object of this type, or of a bundle (STIX 2.1, section 2.9).
    ///
    /// ```
    /// # let mut mint = stix_model::Mint::new(|| 0, |bytes: &mut [u8; 16]| bytes.fill(7));
    /// assert_eq!(mint.id("bundle")?.as_str(), "bundle--07070707-0707-4707-8707-070707070707");
    /// # Ok::<(), stix_model::IdError>(())
    /// ```
    ///
    /// # Errors
    /// When the text is no name of a type.
    pub fn id(&mut self, object_type: &str) -> Result<StixId, IdError> {
        let mut bytes = [0; 16];
        (self.random)(&mut bytes);
        StixId::random(object_type, bytes)
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
