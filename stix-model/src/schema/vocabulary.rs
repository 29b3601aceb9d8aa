//! Vocabularies as data.

/// A vocabulary as data.
#[derive(Debug)]
#[non_exhaustive]
pub struct Vocabulary {
    /// Its name, such as `report-type-ov`.
    pub name: &'static str,
    /// The section that lists it.
    pub section: &'static str,
    /// Whether other words are allowed.
    pub openness: Openness,
    /// Its words, in the order of the standard.
    pub words: &'static [&'static str],
}

impl Vocabulary {
    /// Whether the word is listed.
    pub fn contains(&self, word: &str) -> bool {
        self.words.contains(&word)
    }
}

/// Whether a vocabulary takes words that it does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// `open-vocab` (section 2.14): it should be a listed word, and may be another.
    Open,
    /// `enum` (section 2.4): only listed words.
    Closed,
}
