//! The pages of one wish, which may take several requests.

use serde_json::value::RawValue;
use taxii_client::{Error, Pages, Position, taxii::Envelope};

/// Walks through the parts of a filter, one after the other.
pub(super) struct Walk {
    parts: Vec<Pages<Envelope>>,
    at: usize,
}

impl Walk {
    pub(super) fn new(parts: Vec<Pages<Envelope>>) -> Self {
        Self { parts, at: 0 }
    }

    /// Goes on where an earlier walk through the same parts stopped.
    pub(super) fn starting_at(self, positions: Vec<Position>) -> Self {
        // The earlier walk came to no page.
        if positions.len() != self.parts.len() {
            return self;
        }
        let parts = self.parts.into_iter().zip(positions);
        Self::new(parts.map(|(pages, position)| pages.starting_at(position)).collect())
    }

    /// The objects of the next page; `None` when there is none.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Box<RawValue>>>, Error> {
        while let Some(pages) = self.parts.get_mut(self.at) {
            if let Some(page) = pages.next().await? {
                return Ok(Some(page.objects));
            }
            self.at += 1;
        }
        Ok(None)
    }

    /// The place in the part that is being walked through.
    pub(super) fn position(&self) -> Option<&Position> {
        self.parts.get(self.at).map(Pages::position)
    }

    /// The places in all parts.
    pub(super) fn positions(&self) -> Vec<Position> {
        self.parts.iter().map(|pages| pages.position().clone()).collect()
    }
}
