//! Did you mean …?

/// The known word that is closest to another, unless they have little in common.
pub(crate) fn similar<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&word, &known.to_lowercase());
    let best = known.into_iter().map(|known| (distance(known), known)).min_by_key(|(distance, _)| *distance);
    best.filter(|(distance, _)| *distance <= 1 + word.chars().count() / 4).map(|(_, known)| known)
}

/// ` – did you mean …?`, or nothing.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    similar(word, known).map_or_else(String::new, |known| format!("; did you mean {known}?"))
}
