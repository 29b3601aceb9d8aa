//! Scales for `confidence`: words and numbers that people use, and the 0 to 100 of STIX (STIX 2.1, appendix
//! A).
//!
//! ```
//! use stix_model::confidence::{Confidence, Scale};
//! let confidence = Confidence::new(72).unwrap();
//! assert_eq!(Scale::NoneLowMedHigh.term(Some(confidence)), "High");
//! assert_eq!(Scale::Wep.term(Some(confidence)), "Likely/Probable");
//! assert_eq!(Scale::NoneLowMedHigh.value("Med"), Ok(Confidence::new(50)));
//! ```

use crate::word::UnknownWord;

/// A value of `confidence`: 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Confidence(u8);

impl Confidence {
    /// `None` above 100.
    pub fn new(value: u8) -> Option<Self> {
        (value <= 100).then_some(Self(value))
    }

    /// The value.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// One of the scales whose mapping the standard lays down. When `confidence` is shown in one of them, this
/// mapping is the one to use (STIX 2.1, section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scale {
    /// None, Low, Med, High.
    NoneLowMedHigh,
    /// 0 to 10.
    ZeroToTen,
    /// Admiralty credibility, from `6 - Truth cannot be judged` to `1 - Confirmed by other sources`.
    Admiralty,
    /// Words of Estimative Probability.
    Wep,
    /// The scale of the Director of National Intelligence.
    Dni,
}

/// A term: the value that it is written with, and the last value that is read as it. Each begins after the
/// one before.
struct Term {
    text: &'static str,
    value: u8,
    last: u8,
}

const fn term(text: &'static str, value: u8, last: u8) -> Term {
    Term { text, value, last }
}

static NONE_LOW_MED_HIGH: [Term; 4] =
    [term("None", 0, 0), term("Low", 15, 29), term("Med", 50, 69), term("High", 85, 100)];

static ZERO_TO_TEN: [Term; 11] = [
    term("0", 0, 4),
    term("1", 10, 14),
    term("2", 20, 24),
    term("3", 30, 34),
    term("4", 40, 44),
    term("5", 50, 54),
    term("6", 60, 64),
    term("7", 70, 74),
    term("8", 80, 84),
    term("9", 90, 94),
    term("10", 100, 100),
];

static ADMIRALTY: [Term; 5] = [
    term("5 - Improbable", 10, 19),
    term("4 - Doubtful", 30, 39),
    term("3 - Possibly True", 50, 59),
    term("2 - Probably True", 70, 79),
    term("1 - Confirmed by other sources", 90, 100),
];

static WEP: [Term; 7] = [
    term("Impossible", 0, 0),
    term("Highly Unlikely/Almost Certainly Not", 10, 19),
    term("Unlikely/Probably Not", 30, 39),
    term("Even Chance", 50, 59),
    term("Likely/Probable", 70, 79),
    term("Highly likely/Almost Certain", 90, 99),
    term("Certain", 100, 100),
];

static DNI: [Term; 7] = [
    term("Almost No Chance / Remote", 5, 9),
    term("Very Unlikely / Highly Improbable", 15, 19),
    term("Unlikely / Improbable", 30, 39),
    term("Roughly Even Chance / Roughly Even Odds", 50, 59),
    term("Likely / Probable", 70, 79),
    term("Very Likely / Highly Probable", 85, 89),
    term("Almost Certain / Nearly Certain", 95, 100),
];

impl Scale {
    /// All scales.
    pub const ALL: [Self; 5] = [Self::NoneLowMedHigh, Self::ZeroToTen, Self::Admiralty, Self::Wep, Self::Dni];

    /// A short name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoneLowMedHigh => "none-low-med-high",
            Self::ZeroToTen => "0-10",
            Self::Admiralty => "admiralty-credibility",
            Self::Wep => "wep",
            Self::Dni => "dni",
        }
    }

    /// The term for a value. Where `confidence` is absent that is `Not Specified`, and `6 - Truth cannot be
    /// judged` in the Admiralty scale.
    pub fn term(self, confidence: Option<Confidence>) -> &'static str {
        let Some(Confidence(value)) = confidence else { return self.unspecified() };
        let found = self.terms().iter().find(|term| value <= term.last);
        found.map_or(self.unspecified(), |term| term.text)
    }

    /// The value for a term, whatever its case; `None` for the term that says there is none, in which case `confidence` is
    /// left out.
    ///
    /// # Errors
    /// When the scale does not have the term.
    pub fn value(self, term: &str) -> Result<Option<Confidence>, UnknownWord> {
        if term.eq_ignore_ascii_case(self.unspecified()) {
            return Ok(None);
        }
        let found = self.terms().iter().find(|known| known.text.eq_ignore_ascii_case(term));
        found
            .map(|known| Some(Confidence(known.value)))
            .ok_or(UnknownWord("a term of this scale of confidence"))
    }

    /// Its terms with the values they are written with, from the least to the most confident.
    pub fn values(self) -> impl Iterator<Item = (&'static str, Confidence)> {
        self.terms().iter().map(|term| (term.text, Confidence(term.value)))
    }

    fn unspecified(self) -> &'static str {
        match self {
            Self::Admiralty => "6 - Truth cannot be judged",
            _ => "Not Specified",
        }
    }

    fn terms(self) -> &'static [Term] {
        match self {
            Self::NoneLowMedHigh => &NONE_LOW_MED_HIGH,
            Self::ZeroToTen => &ZERO_TO_TEN,
            Self::Admiralty => &ADMIRALTY,
            Self::Wep => &WEP,
            Self::Dni => &DNI,
        }
    }
}
