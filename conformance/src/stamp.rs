//! Timestamps: the exact TAXII form, and instants for comparison.

use jiff::Timestamp;

/// TAXII 2.1, section 2: `YYYY-MM-DDTHH:MM:SS.ssssssZ`, and a date that exists.
pub(crate) fn is_taxii_form(text: &str) -> bool {
    let form = b"0000-00-00T00:00:00.000000Z";
    let fits = text.len() == form.len()
        && text.bytes().zip(form).all(|(c, f)| if *f == b'0' { c.is_ascii_digit() } else { c == *f });
    fits && instant(text).is_some()
}

/// The instant an RFC 3339 text means. `…59Z` and `…59.000Z` are equal.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{instant, is_taxii_form};

    #[test]
    fn only_six_digits_and_z_will_do() {
        assert!(is_taxii_form("2024-02-29T23:59:59.000001Z"));
        for text in [
            "2024-02-29T23:59:59.001Z",
            "2024-02-29T23:59:59Z",
            "2024-02-29T23:59:59.0000010Z",
            "2023-02-29T23:59:59.000001Z",
            "2024-02-29 23:59:59.000001Z",
            "2024-02-29T23:59:59.000001+00:00",
        ] {
            assert!(!is_taxii_form(text), "{text}");
        }
    }

    #[test]
    fn instants_ignore_precision() {
        assert_eq!(instant("2024-01-01T00:00:00Z"), instant("2024-01-01T00:00:00.000Z"));
    }
}
