//! Scales of confidence.

use stix_model::confidence::{Confidence, Scale};

/// Term, value that it is written with, first and last value that is read as it.
type Row = (&'static str, u8, u8, u8);

/// Appendix A of STIX 2.1: the scale, its word for no value, its terms.
const TABLES: [(Scale, &str, &[Row]); 5] = [
    (
        Scale::NoneLowMedHigh,
        "Not Specified",
        &[("None", 0, 0, 0), ("Low", 15, 1, 29), ("Med", 50, 30, 69), ("High", 85, 70, 100)],
    ),
    (
        Scale::ZeroToTen,
        "Not Specified",
        &[
            ("0", 0, 0, 4),
            ("1", 10, 5, 14),
            ("2", 20, 15, 24),
            ("3", 30, 25, 34),
            ("4", 40, 35, 44),
            ("5", 50, 45, 54),
            ("6", 60, 55, 64),
            ("7", 70, 65, 74),
            ("8", 80, 75, 84),
            ("9", 90, 85, 94),
            ("10", 100, 95, 100),
        ],
    ),
    (
        Scale::Admiralty,
        "6 - Truth cannot be judged",
        &[
            ("5 - Improbable", 10, 0, 19),
            ("4 - Doubtful", 30, 20, 39),
            ("3 - Possibly True", 50, 40, 59),
            ("2 - Probably True", 70, 60, 79),
            ("1 - Confirmed by other sources", 90, 80, 100),
        ],
    ),
    (
        Scale::Wep,
        "Not Specified",
        &[
            ("Impossible", 0, 0, 0),
            ("Highly Unlikely/Almost Certainly Not", 10, 1, 19),
            ("Unlikely/Probably Not", 30, 20, 39),
            ("Even Chance", 50, 40, 59),
            ("Likely/Probable", 70, 60, 79),
            ("Highly likely/Almost Certain", 90, 80, 99),
            ("Certain", 100, 100, 100),
        ],
    ),
    (
        Scale::Dni,
        "Not Specified",
        &[
            ("Almost No Chance / Remote", 5, 0, 9),
            ("Very Unlikely / Highly Improbable", 15, 10, 19),
            ("Unlikely / Improbable", 30, 20, 39),
            ("Roughly Even Chance / Roughly Even Odds", 50, 40, 59),
            ("Likely / Probable", 70, 60, 79),
            ("Very Likely / Highly Probable", 85, 80, 89),
            ("Almost Certain / Nearly Certain", 95, 90, 100),
        ],
    ),
];

#[test]
fn every_value_has_its_term_and_every_term_its_value() {
    for (scale, unspecified, terms) in TABLES {
        let mut values = 0;
        for (term, value, first, last) in terms {
            assert_eq!(scale.value(term), Ok(Confidence::new(*value)), "{scale:?} {term}");
            assert_eq!(scale.value(&term.to_uppercase()), Ok(Confidence::new(*value)), "in any case");
            for value in *first..=*last {
                assert_eq!(scale.term(Confidence::new(value)), *term, "{scale:?} {value}");
                values += 1;
            }
        }
        assert_eq!(values, 101, "{scale:?}");
        assert_eq!(scale.term(None), unspecified);
        assert_eq!(scale.value(unspecified), Ok(None));
        assert_eq!(
            scale.value("perhaps").unwrap_err().to_string(),
            "this is not a term of this scale of confidence"
        );
        let known: Vec<_> =
            terms.iter().map(|(term, value, ..)| (*term, Confidence::new(*value).unwrap())).collect();
        assert_eq!(scale.values().collect::<Vec<_>>(), known);
    }
    assert_eq!(Confidence::new(101), None);
}
