//! `LIKE`: `%` stands for any run of characters and `_` for exactly one.

use super::budget::{Budget, BudgetExceeded};
use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The form of a text that LIKE and MATCHES compare (Unicode Standard Annex 15, form C).
pub(super) fn normalized(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

#[derive(Clone, Debug)]
pub(super) struct Like(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    Character(char),
    One,
    Run,
}

impl Like {
    pub(super) fn new(pattern: &str) -> Self {
        let piece = |character| match character {
            '%' => Piece::Run,
            '_' => Piece::One,
            other => Piece::Character(other),
        };
        Self(normalized(pattern).chars().map(piece).collect())
    }

    /// Whether it covers the whole of a text in normal form.
    pub(super) fn is_match_text(&self, text: &str, budget: &mut Budget) -> Result<bool, BudgetExceeded> {
        let after = |at: usize| text[at..].chars().next().map(|next| (next, at + next.len_utf8()));
        self.is_match(after, budget)
    }

    /// The same for bytes, each of which is the character with its number.
    pub(super) fn is_match_bytes(&self, bytes: &[u8], budget: &mut Budget) -> Result<bool, BudgetExceeded> {
        let after = |at: usize| bytes.get(at).map(|&next| (char::from(next), at + 1));
        self.is_match(after, budget)
    }

    /// `after` gives the character at a place and the place behind it. When something does not fit, the last run
    /// takes one character more; earlier runs need not, because the last one can take what they could.
    fn is_match(
        &self,
        after: impl Fn(usize) -> Option<(char, usize)>,
        budget: &mut Budget,
    ) -> Result<bool, BudgetExceeded> {
        let (mut piece, mut at) = (0, 0);
        let mut last_run: Option<(usize, usize)> = None;
        loop {
            budget.spend(1)?;
            let next = after(at);
            match (self.0.get(piece), next) {
                (Some(Piece::Run), _) => {
                    piece += 1;
                    last_run = Some((piece, at));
                    continue;
                }
                (None, None) => return Ok(true),
                (Some(Piece::One), Some((_, behind))) => {
                    piece += 1;
                    at = behind;
                    continue;
                }
                (Some(Piece::Character(expected)), Some((found, behind))) if *expected == found => {
                    piece += 1;
                    at = behind;
                    continue;
                }
                _ => {}
            }
            let Some((behind_run, start)) = last_run else { return Ok(false) };
            let Some((_, longer)) = after(start) else { return Ok(false) };
            last_run = Some((behind_run, longer));
            (piece, at) = (behind_run, longer);
        }
    }
}
