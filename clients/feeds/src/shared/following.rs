//! What a source says after it said something before.

use super::Part;

/// How far a score must move to be worth a version. EPSS has new scores of all vulnerabilities each day; most move by less than
/// this in a year.
const WORTH: f64 = 0.05;

/// Facts that are scores.
const SCORES: [&str; 2] = ["epss", "percentile"];

/// Facts that only tell how and when scores were made.
const ABOUT_SCORES: [&str; 2] = ["model_version", "score_date"];

impl Part {
    /// What counts of a source that said `before` and now says this. The time of creation is that of before. What was said
    /// before stays when nothing changed but scores, and these by less than 0.05: a small change makes no version, and small
    /// changes add up, because each is compared with what stayed.
    ///
    /// ```
    /// # use taxii_feeds::{Collected, SharedKey, convert, settings::Settings};
    /// # let part = |day: &str, score: &str| {
    /// #     let feed = Settings::default().feed("epss").unwrap();
    /// #     let text = format!("#score_date:{day}\ncve,epss,percentile\nCVE-2024-0001,{score},0.5\n");
    /// #     let mut found = Collected::default();
    /// #     convert(&feed, &"2026-01-02T00:00:00.000Z".parse().unwrap(), &mut text.as_bytes(), &mut found).unwrap();
    /// #     found.parts.remove(&SharedKey::vulnerability("CVE-2024-0001")).unwrap().remove(0)
    /// # };
    /// let before = part("2025-01-01", "0.10");
    /// assert_eq!(part("2025-01-02", "0.12").following(&before), before);
    /// let after = part("2025-01-03", "0.16").following(&before);
    /// assert_eq!((after.created.as_str(), after.modified.as_str()), ("2025-01-01T00:00:00.000Z", "2025-01-03T00:00:00.000Z"));
    /// ```
    #[must_use]
    pub fn following(mut self, before: &Self) -> Self {
        self.created = before.created.clone();
        if self.modified < self.created {
            self.modified = self.created.clone();
        }
        if self.differs_in_scores_only(before) { before.clone() } else { self }
    }

    fn differs_in_scores_only(&self, before: &Self) -> bool {
        let score = |part: &Self, name: &str| part.facts.get(name).and_then(serde_json::Value::as_f64);
        let has_moved = |name: &str| match (score(self, name), score(before, name)) {
            (Some(after), Some(before)) => (after - before).abs() >= WORTH,
            (after, before) => after != before,
        };
        if SCORES.iter().all(|name| score(self, name).is_none()) || SCORES.into_iter().any(has_moved) {
            return false;
        }
        let without_scores = |part: &Self| {
            let mut part = Self { modified: before.modified.clone(), ..part.clone() };
            SCORES.iter().chain(&ABOUT_SCORES).for_each(|name| drop(part.facts.remove(*name)));
            part
        };
        without_scores(self) == without_scores(before)
    }
}
