//! The pages of one wish, which may take several requests.

use crate::out::Out;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use taxii_client::{Error, Pages, Position, Remark, taxii::Envelope};

/// How far a walk came in one part of a filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reached {
    #[serde(flatten)]
    position: Position,
    /// This walk came to the end of the part.
    #[serde(default)]
    is_finished: bool,
    /// Objects came from this part, in this walk or an earlier one. What does not say so had some.
    #[serde(default = "had_some")]
    has_objects: bool,
}

fn had_some() -> bool {
    true
}

impl Reached {
    /// What is added later cannot be told from what was fetched, because the server does not say when objects were added.
    pub(super) fn is_final(&self) -> bool {
        self.has_objects && self.position.newest.is_none()
    }
}

/// Walks through the parts of a filter, one after the other.
pub(super) struct Walk {
    parts: Vec<(Pages<Envelope>, Reached)>,
    /// What is odd about the pages.
    remarks: Vec<Remark>,
}

impl Walk {
    pub(super) fn new(parts: Vec<Pages<Envelope>>) -> Self {
        let begin = |pages: Pages<Envelope>| {
            let reached =
                Reached { position: pages.position().clone(), is_finished: false, has_objects: false };
            (pages, reached)
        };
        Self { parts: parts.into_iter().map(begin).collect(), remarks: Vec::new() }
    }

    /// Goes on where an earlier walk through the same parts stopped, or looks for what is new when it came to the end of
    /// all. None when the parts are others.
    pub(super) fn starting_at(self, reached: Vec<Reached>) -> Option<Self> {
        // The earlier walk came to no page.
        if reached.is_empty() {
            return Some(self);
        }
        if reached.len() != self.parts.len() {
            return None;
        }
        let is_over = reached.iter().all(|reached| reached.is_finished && !reached.is_final());
        let start = |((pages, _), reached): ((Pages<Envelope>, Reached), Reached)| {
            let is_finished = reached.is_finished && !is_over;
            (pages.starting_at(reached.position.clone()), Reached { is_finished, ..reached })
        };
        Some(Self { parts: self.parts.into_iter().zip(reached).map(start).collect(), ..self })
    }

    /// The objects of the next page; `None` when there is none.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Box<RawValue>>>, Error> {
        while let Some((pages, reached)) = self.parts.iter_mut().find(|(_, reached)| !reached.is_finished) {
            let Some(page) = pages.next().await? else {
                reached.is_finished = true;
                continue;
            };
            reached.position.clone_from(pages.position());
            // With the last page, so that a walk that is interrupted behind it does not begin the part again.
            reached.is_finished = !page.more;
            reached.has_objects |= !page.objects.is_empty();
            for remark in page.remarks {
                // Each part tells it once, and there may be many parts.
                if !self.remarks.contains(&remark) {
                    self.remarks.push(remark);
                }
            }
            return Ok(Some(page.objects));
        }
        Ok(None)
    }

    /// Tells what was odd about the pages.
    pub(super) fn tell(&self, out: &Out) {
        self.remarks.iter().for_each(|remark| out.remark(remark));
    }

    /// The place in the part that is being walked through.
    pub(super) fn position(&self) -> Option<&Position> {
        let part = self.parts.iter().find(|(_, reached)| !reached.is_finished);
        part.map(|(pages, _)| pages.position())
    }

    /// How far it came in each part.
    pub(super) fn reached(&self) -> Vec<Reached> {
        self.parts.iter().map(|(_, reached)| reached.clone()).collect()
    }
}
