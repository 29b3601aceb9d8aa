//! Where the regions of a cluster end, so that a scan asks one region at a time.
//!
//! The client of the cluster asks every region that a range touches, each for as many entries as are wanted of all. A
//! timeline may have thousands of regions and a page needs the first one, so ranges are cut here. What is known may be
//! old: then a piece touches two regions, or ends early, and the scan is as correct.

use super::super::engine::{Direction, EngineError, Key};
use super::placement::Placement;
use super::{TikvAddress, client};
use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Time for which the bounds of a region are believed.
const TRUST: Duration = Duration::from_secs(60);
/// Time to ask for the bounds of a region, and time to the next question after one without an answer.
const ASK_TIME: Duration = Duration::from_millis(500);
/// Regions that are remembered.
const CAPACITY: usize = 100_000;

/// The regions of a cluster, as far as scans met them.
pub(super) struct Regions {
    placement: Placement,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The end of a region, by its start. An empty end is that of the key space.
    ends: BTreeMap<Key, (Key, Instant)>,
    /// No question is asked before.
    silent_until: Option<Instant>,
}

impl Regions {
    pub(super) fn new(address: &TikvAddress) -> Result<Self, EngineError> {
        let placement = Placement::new(address).map_err(client::unavailable)?;
        Ok(Self { placement, known: Mutex::default() })
    }

    /// The part of a range that lies in one region, at the end at which a scan begins.
    pub(super) async fn piece(&self, range: &Range<Key>, direction: Direction) -> Range<Key> {
        let Some(region) = self.region(range, direction).await else { return range.clone() };
        let mut piece = range.clone();
        match direction {
            Direction::Forward if !region.end.is_empty() && region.end < range.end => piece.end = region.end,
            Direction::Backward if region.start > range.start => piece.start = region.start,
            _ => {}
        }
        piece
    }

    /// The region at the end of a range at which a scan begins, if it is known or can be asked for.
    async fn region(&self, range: &Range<Key>, direction: Direction) -> Option<Range<Key>> {
        if let Some(region) = self.lock().find(range, direction) {
            return Some(region);
        }
        if self.lock().silent_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let asking = async {
            match direction {
                Direction::Forward => self.placement.region_of(&range.start).await,
                Direction::Backward => self.placement.region_before(&range.end).await,
            }
        };
        let found = tokio::time::timeout(ASK_TIME, asking).await;
        let mut known = self.lock();
        match found {
            Ok(Ok(region)) => {
                known.silent_until = None;
                known.learn(region.clone());
                Some(region)
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the bounds of a region are not known");
                known.silent_until = Some(Instant::now() + ASK_TIME);
                None
            }
            Err(_) => {
                known.silent_until = Some(Instant::now() + ASK_TIME);
                None
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn find(&self, range: &Range<Key>, direction: Direction) -> Option<Range<Key>> {
        let (start, (end, learnt)) = match direction {
            Direction::Forward => self.ends.range::<Key, _>(..=&range.start).next_back()?,
            Direction::Backward => {
                self.ends.range::<Key, _>((Bound::Unbounded, Bound::Excluded(&range.end))).next_back()?
            }
        };
        let holds = match direction {
            Direction::Forward => end.is_empty() || range.start < *end,
            Direction::Backward => end.is_empty() || range.end <= *end,
        };
        (holds && learnt.elapsed() < TRUST).then(|| start.clone()..end.clone())
    }

    fn learn(&mut self, region: Range<Key>) {
        if self.ends.len() >= CAPACITY {
            self.ends.clear();
        }
        self.ends.insert(region.start, (region.end, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: &str, end: &str) -> Range<Key> {
        start.into()..end.into()
    }

    #[tokio::test]
    async fn a_region_is_found_by_either_end() {
        let mut known = Known::default();
        known.learn(range("", "f"));
        known.learn(range("f", "m"));
        known.learn(range("t", ""));
        let find = |start, end, direction| known.find(&range(start, end), direction);
        assert_eq!(find("f", "z", Direction::Forward), Some(range("f", "m")));
        assert_eq!(find("a", "f", Direction::Backward), Some(range("", "f")));
        assert_eq!(find("a", "g", Direction::Backward), Some(range("f", "m")));
        assert_eq!(find("m", "z", Direction::Forward), None, "there is a gap");
        assert_eq!(find("a", "n", Direction::Backward), None);
        assert_eq!(find("u", "z", Direction::Forward), Some(range("t", "")));
    }
}
