//! Pages whose objects are read later, while the client takes them.

use super::engine::Snapshot;
use super::keys;
use super::overlay;
use super::select::{self, Selection};
use super::{MAX_PAGE_BYTES, Page, PageRequest, Store, StoreError, View};
use bytes::Bytes;

pub(crate) use super::select::Selected as Place;

/// The places of the objects of a page, and what reads them.
pub(crate) struct Places {
    pub(crate) page: Page<Place>,
    pub(crate) reader: PlaceReader,
}

/// Reads the objects of a page while the client takes them.
pub(crate) struct PlaceReader {
    view: View,
    /// That in which the places were found, for the first read. Kept where a new one costs the way to another machine.
    snapshot: Option<Box<dyn Snapshot>>,
}

impl PlaceReader {
    /// Reads the objects at some places; `None` for those that were erased or moved since.
    ///
    /// # Errors
    /// When the engine fails.
    pub(crate) async fn read(
        &mut self,
        store: &Store,
        places: &[Place],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let snapshot = match self.snapshot.take() {
            Some(snapshot) => snapshot,
            None => store.reload.snapshot().await?,
        };
        read_texts(&*snapshot, &self.view, places).await
    }
}

impl Store {
    /// Returns the places of the objects of a page, and what [`Store::objects`] says of it.
    ///
    /// # Errors
    /// When the engine fails.
    pub(crate) async fn places(&self, view: &View, page: &PageRequest) -> Result<Places, StoreError> {
        let snapshot = self.reload.snapshot().await?;
        let selected = self.select_page(&*snapshot, view, page).await?;
        let page = self.page(view, page, &selected, selected.versions.clone());
        let snapshot = Some(snapshot).filter(|_| self.engine.is_remote());
        Ok(Places { page, reader: PlaceReader { view: view.clone(), snapshot } })
    }

    /// Selects the versions of a page, as many as its bytes allow.
    pub(super) async fn select_page(
        &self,
        snapshot: &dyn Snapshot,
        view: &View,
        page: &PageRequest,
    ) -> Result<Selection, StoreError> {
        let mut selected = self.select(snapshot, view, page).await?;
        selected.keep_within(MAX_PAGE_BYTES);
        Ok(selected)
    }

    /// Selects the versions of a page.
    pub(super) async fn select(
        &self,
        snapshot: &dyn Snapshot,
        view: &View,
        page: &PageRequest,
    ) -> Result<Selection, StoreError> {
        let PageRequest { filter, after, limit } = page;
        select::select(snapshot, view, filter, *after, *limit, self.hints.as_ref()).await
    }
}

/// Reads the objects at some places; `None` for those that are not there.
pub(super) async fn read_texts(
    snapshot: &dyn Snapshot,
    view: &View,
    places: &[Place],
) -> Result<Vec<Option<Bytes>>, StoreError> {
    let value = |place: &Place| (keys::object_bytes(view.space(), place.position), place.length as usize);
    overlay::read_large(snapshot, &places.iter().map(value).collect::<Vec<_>>()).await
}
