//! Deciding what a deletion removes, and what that writes.

use super::StoreError;
use super::admit::move_served;
use super::directory::Collection;
use super::engine::{Commit, Snapshot};
use super::filter::{Filter, VersionRow};
use super::keys::{self, Position, Timeline};
use super::record::{Bound, Editions, Head};
use super::select::version_rows;
use bytes::Bytes;
use std::collections::BTreeMap;
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
    let read_set = vec![keys::head(number), keys::collection(delete.collection.id)];
    let values = snapshot.get_many(read_set.clone(), usize::MAX).await?;
    if values[1].is_none() {
        return Err(StoreError::NoCollection);
    }
    let mut head = Head::decode(values[0].as_ref())?;
    commit.expected.extend(read_set.into_iter().zip(values));
    let rows = version_rows(snapshot, number, &delete.id).await?;
    if rows.is_empty() {
        return Err(StoreError::NoObject);
    }
    let gone: BTreeMap<Position, &VersionRow> =
        delete.filter.choose(&rows).into_iter().map(|row| (row.position, row)).collect();
    if gone.is_empty() {
        return Ok((Commit::default(), 0));
    }
    let mut left = Editions::default();
    for row in &rows {
        if gone.contains_key(&row.position) {
            head.versions[row.spec as usize] -= 1;
        } else {
            left.insert(row.spec, Bound { sort_key: row.sort_key.clone(), position: row.position });
        }
    }
    for row in gone.values() {
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
