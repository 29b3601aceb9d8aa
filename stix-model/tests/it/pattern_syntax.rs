//! What is a pattern, what is none, and what the message says.

use crate::vectors::rows;
use stix_model::pattern::Pattern;

#[test]
fn canonical_form_is_a_fixed_point() {
    for (case, row, _) in rows("pattern_syntax.jsonl") {
        let Ok(pattern) = Pattern::parse(row["pattern"].as_str().unwrap()) else { continue };
        let canonical = pattern.to_string();
        let again = Pattern::parse(&canonical).unwrap_or_else(|error| panic!("{case}: {canonical}: {error}"));
        assert_eq!(again, pattern, "{case}: {canonical}");
        assert_eq!(again.to_string(), canonical, "{case}");
    }
}
