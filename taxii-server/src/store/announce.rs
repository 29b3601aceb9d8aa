//! Announcements: new versions, for watchers inside this process.
//!
//! Other processes read the heads of collections.

use super::keys::Position;
use super::view::View;
use std::collections::BTreeMap;
use std::sync::Arc;
use stix_model::Tlp;
use tokio::sync::watch;
use uuid::Uuid;

/// New versions in one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    collection: Uuid,
    /// The last new position of each level.
    last: BTreeMap<Tlp, Position>,
}

impl Announcement {
    pub(super) fn of(collection: Uuid) -> Self {
        Self { collection, last: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, level: Tlp, position: Position) {
        self.last.insert(level, position);
    }
}

type Last = Arc<BTreeMap<Uuid, BTreeMap<Tlp, Position>>>;

/// The sending end: the last announced position of each level of each collection.
pub(super) struct Announcer(watch::Sender<Last>);

impl Announcer {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Last::default()))
    }

    pub(super) fn announce(&self, announcement: Announcement) {
        self.0.send_modify(|last| {
            let last = Arc::make_mut(last).entry(announcement.collection).or_default();
            last.extend(announcement.last);
        });
    }

    pub(super) fn watch(&self, view: &View) -> Watch {
        let mut watch = Watch { view: view.clone(), receiver: self.0.subscribe(), seen: Position::default() };
        watch.seen = watch.last();
        watch
    }
}

/// Waits for new versions that a viewer sees. Versions above the clearance of the viewer do not wake it.
pub struct Watch {
    view: View,
    receiver: watch::Receiver<Last>,
    seen: Position,
}

impl Watch {
    fn last(&self) -> Position {
        let last = self.receiver.borrow();
        let levels = last.get(&self.view.collection.id);
        let visible = levels.into_iter().flat_map(|levels| levels.range(..=self.view.clearance()));
        visible.map(|(_, position)| *position).max().unwrap_or_default()
    }

    /// Waits for a new version, and returns the last new position; `None` when the store closes.
    pub async fn changed(&mut self) -> Option<Position> {
        loop {
            let last = self.last();
            if last > self.seen {
                self.seen = last;
                return Some(last);
            }
            self.receiver.changed().await.ok()?;
        }
    }
}
