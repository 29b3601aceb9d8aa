//! Pages whose objects are read later, while the client takes them.

use super::keys;
use super::overlay;
use super::select;
use super::{MAX_PAGE_BYTES, Page, PageRequest, Store, StoreError, View};
use bytes::Bytes;

pub(crate) use super::select::Selected as Place;

impl Store {
    /// Returns the places of the objects of a page, and what [`Store::objects`] says of it.
    ///
    /// # Errors
    /// When the engine fails.
    pub(crate) async fn places(&self, view: &View, page: &PageRequest) -> Result<Page<Place>, StoreError> {
        let snapshot = self.engine.snapshot().await?;
        let mut selected = select::select(&*snapshot, view, &page.filter, page.after, page.limit).await?;
        selected.keep_within(MAX_PAGE_BYTES);
        let places = selected.versions.clone();
        Ok(self.page(view, page, &selected, places))
    }

    /// Reads the objects at some places; `None` for those that were deleted or moved since.
    ///
    /// # Errors
    /// When the engine fails.
    pub(crate) async fn texts(
        &self,
        view: &View,
        places: &[Place],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let parts = |place: &Place| {
            let key = keys::object_bytes(view.space(), place.position);
            overlay::part_keys(&key, place.length as usize).collect::<Vec<_>>()
        };
        let keys: Vec<_> = places.iter().map(parts).collect();
        let counts: Vec<_> = keys.iter().map(Vec::len).collect();
        let snapshot = self.engine.snapshot().await?;
        let mut values = snapshot.get_many(keys.concat(), usize::MAX).await?.into_iter();
        let mut texts = Vec::with_capacity(places.len());
        for (place, count) in places.iter().zip(counts) {
            let parts: Vec<_> = values.by_ref().take(count).collect();
            let is_whole = parts.iter().all(Option::is_some);
            texts.push(if is_whole { Some(overlay::join(parts, place.length as usize)?) } else { None });
        }
        Ok(texts)
    }
}
