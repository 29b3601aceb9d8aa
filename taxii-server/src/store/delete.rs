//! Deciding what a deletion removes, and what that writes.

use super::StoreError;
use super::admit::move_served;
use super::directory::Collection;
use super::engine::{Commit, Snapshot};
use super::filter::{Filter, VersionRow};
use super::keys::{self, Timeline};
use super::record::{Bound, Editions, Head};
use super::select::version_rows;
use bytes::Bytes;
use std::sync::Arc;
use stix_model::StixId;

/// A request to delete versions of one object (TAXII 2.1, section 5.7).
#[derive(Debug)]
pub struct Delete {
    /// Where from.
    pub collection: Arc<Collection>,
    /// Which object.
    pub id: StixId,
    /// Which of its versions; by default the last one.
    pub filter: Filter,
}

/// Decides on one snapshot; the result says how many versions go.
pub(super) async fn plan(snapshot: &dyn Snapshot, delete: &Delete) -> Result<(Commit, usize), StoreError> {
    let number = delete.collection.number;
    let mut commit = Commit::default();
    let head_value = snapshot.get(keys::head(number)).await?;
    let mut head = Head::decode(head_value.as_ref())?;
    commit.expected.insert(keys::head(number), head_value);
    let rows = version_rows(snapshot, number, &delete.id).await?;
    if rows.is_empty() {
        return Err(StoreError::NoObject);
    }
    let gone: Vec<VersionRow> = delete.filter.choose(&rows).into_iter().cloned().collect();
    if gone.is_empty() {
        return Ok((Commit::default(), 0));
    }
    let mut left = Editions::default();
    for row in &rows {
        if gone.contains(row) {
            head.versions[row.spec as usize] -= 1;
        } else {
            left.insert(row.spec, Bound { sort_key: row.sort_key.clone(), position: row.position });
        }
    }
    for row in &gone {
        let version_key = keys::version(number, &delete.id, row.spec, &row.sort_key);
        commit.writes.insert(version_key, None);
        commit.writes.insert(Timeline::All.at(number, row.position), None);
        commit.writes.insert(keys::object_bytes(number, row.position), None);
    }
    // The rows are in the order of editions, so the last one is what was served.
    let served_before = rows.last().map(|row| row.position);
    move_served(&mut commit.writes, number, delete.id.object_type(), served_before, left.served());
    let editions: Option<Bytes> = (!left.0.is_empty()).then(|| left.encode());
    commit.writes.insert(keys::editions(number, &delete.id), editions);
    head.revision += 1;
    commit.writes.insert(keys::head(number), Some(head.encode()));
    Ok((commit, gone.len()))
}
