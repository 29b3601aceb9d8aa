//! A client that asks one store after another for what is new.

use super::super::networks::COLLECTION;
use crate::rights::Viewer;
use crate::store::{Filter, PageRequest, Store, VersionFilter, View};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use stix_model::{Timestamp, Tlp};

#[derive(Default)]
pub(super) struct Poller {
    got: Vec<(Timestamp, Bytes)>,
    /// The page that a store said comes next, and the filter with which it was asked.
    next: Option<(String, Filter)>,
}

fn all_after(added_after: Option<Timestamp>) -> Filter {
    Filter { added_after, versions: Some(VersionFilter::All), ..Filter::default() }
}

fn view(store: &Store) -> Option<View> {
    let collection = Arc::clone(store.directory().collections.get(&COLLECTION)?);
    Some(View::new(collection, Viewer::with_clearance(Tlp::Red)))
}

impl Poller {
    /// Asks for a page.
    pub(super) async fn poll(&mut self, store: &Store) -> Result<(), String> {
        let Some(view) = view(store) else { return Ok(()) };
        let last = self.got.last().map(|(stamp, _)| stamp.clone());
        let (asked, request) = match self.next.take() {
            Some((next, asked)) => {
                let resumed = store.resume(&view, &next, asked.clone());
                let (filter, after) = resumed.map_err(|error| format!("`next` of another store: {error}"))?;
                (asked, PageRequest { filter, after: Some(after), limit: 3 })
            }
            None => {
                let filter = all_after(last.clone());
                (filter.clone(), PageRequest::first(filter, 3))
            }
        };
        let page = store.records(&view, &request).await.map_err(|error| error.to_string())?;
        self.next = page.next.map(|next| (next, asked));
        for record in page.items {
            let last = self.got.last().map(|(stamp, _)| stamp);
            if last >= Some(&record.0) {
                return Err(format!("a poller that has seen {last:?} gets what was added at {}", record.0));
            }
            self.got.push(record);
        }
        Ok(())
    }

    /// Gets the rest, and returns how much it got. All that is visible is among it.
    pub(super) async fn finish(&mut self, store: &Store) -> Result<usize, String> {
        loop {
            let before = self.got.len();
            self.poll(store).await?;
            if self.got.len() == before && self.next.is_none() {
                break;
            }
        }
        let view = view(store).ok_or("there is no collection")?;
        let all = store.records(&view, &PageRequest::first(all_after(None), 10_000)).await;
        let got: BTreeSet<_> = self.got.iter().map(|(stamp, text)| (stamp.micros(), text)).collect();
        for (stamp, text) in &all.map_err(|error| error.to_string())?.items {
            if !got.contains(&(stamp.micros(), text)) {
                return Err(format!("a poller never gets what was added at {stamp}"));
            }
        }
        Ok(self.got.len())
    }
}
