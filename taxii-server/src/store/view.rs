//! Reads have a viewer: a [`View`] is the only way to what a collection holds.

use super::directory::Collection;
use super::keys::Space;
use crate::rights::Viewer;
use std::sync::Arc;
use stix_model::Tlp;

/// A collection as a viewer sees it.
///
/// Versions above the clearance of the viewer do not exist in it: not in pages, counts, manifests or histories, and not
/// for the question which version is the latest.
#[derive(Clone, Debug)]
pub struct View {
    /// The collection.
    pub collection: Arc<Collection>,
    /// The viewer.
    pub viewer: Viewer,
}

/// What decides what a [`View`] sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ViewKey {
    space: Space,
    /// That of the collection in the directory.
    revision: u64,
    clearance: Tlp,
}

impl View {
    /// The collection as the viewer sees it.
    pub fn new(collection: Arc<Collection>, viewer: Viewer) -> Self {
        Self { collection, viewer }
    }

    /// What decides what is seen: views with the same key see the same.
    pub(crate) fn key(&self) -> ViewKey {
        ViewKey {
            space: self.space(),
            revision: self.collection.revision,
            clearance: self.viewer.clearance(),
        }
    }

    pub(super) fn space(&self) -> Space {
        self.collection.space()
    }

    pub(super) fn clearance(&self) -> Tlp {
        self.viewer.clearance()
    }
}
