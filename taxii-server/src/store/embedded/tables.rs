//! The two tables, and what a snapshot reads from them.

use super::recent::Recent;
use super::{BULK, INDEX, blocking, failed, guard};
use crate::store::engine::{
    Content, Direction, EngineError, EngineFuture, Key, KeyValue, Scan, Snapshot, get_within,
};
use crate::store::{FORMAT, OLDEST_FORMAT, keys};
use bytes::Bytes;
use redb::{Database, ReadableDatabase};
use std::future;
use std::ops::Range;
use std::sync::Arc;

type ReadTable = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

/// One of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Index,
    Bulk,
}

/// The table that has a key.
pub(super) fn table_of(bulk: &[Range<Key>], key: &[u8]) -> Table {
    let is_bulk = bulk.iter().any(|range| range.start.as_slice() <= key && key < range.end.as_slice());
    if is_bulk { Table::Bulk } else { Table::Index }
}

/// Cuts a range where it goes over from one table to the other.
pub(super) fn pieces(bulk: &[Range<Key>], range: &Range<Key>) -> Vec<(Table, Range<Key>)> {
    let mut cuts: Vec<_> = bulk.iter().flat_map(|bulk| [&bulk.start, &bulk.end]).collect();
    cuts.retain(|cut| range.start < **cut && **cut < range.end);
    cuts.push(&range.end);
    cuts.sort_unstable();
    let mut start = &range.start;
    let piece = |end| {
        let piece = start.clone()..Key::clone(end);
        start = end;
        (table_of(bulk, &piece.start), piece)
    };
    cuts.into_iter().map(piece).filter(|(_, piece)| !piece.is_empty()).collect()
}

/// The tables as a commit left them.
pub(super) struct Tables {
    index: ReadTable,
    bulk: ReadTable,
    ranges: Arc<[Range<Key>]>,
}

impl Tables {
    pub(super) fn of(database: &Database, ranges: &Arc<[Range<Key>]>) -> Result<Self, EngineError> {
        let transaction = database.begin_read().map_err(failed)?;
        Ok(Self {
            index: transaction.open_table(INDEX).map_err(failed)?,
            bulk: transaction.open_table(BULK).map_err(failed)?,
            ranges: Arc::clone(ranges),
        })
    }

    /// Whether this version reads the format of what is here, if anything is.
    pub(super) fn have_known_format(&self) -> Result<bool, EngineError> {
        let format = self.index.get(keys::FORMAT).map_err(failed)?;
        let number = format.map(|format| std::str::from_utf8(format.value()).ok()?.parse().ok());
        Ok(number
            .is_none_or(|number| number.is_some_and(|number| (OLDEST_FORMAT..=FORMAT).contains(&number))))
    }

    fn table(&self, table: Table) -> &ReadTable {
        match table {
            Table::Index => &self.index,
            Table::Bulk => &self.bulk,
        }
    }
}

/// What the last commit left.
pub(super) struct Published {
    pub(super) commit: u64,
    pub(super) tables: Tables,
    pub(super) recent: Arc<Recent>,
}

pub(super) struct EmbeddedSnapshot(pub(super) Arc<Published>);

impl Snapshot for EmbeddedSnapshot {
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>> {
        let Published { commit, recent, .. } = &*self.0;
        if let Some(values) = recent.get(*commit, &keys, max_bytes) {
            return Box::pin(future::ready(Ok(values)));
        }
        let published = Arc::clone(&self.0);
        blocking(move || {
            let Published { commit, tables, recent } = &*published;
            let values = guard::reading(|| {
                get_within(&keys, max_bytes, |key| {
                    let value = tables.table(table_of(&tables.ranges, key)).get(key).map_err(failed)?;
                    Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
                })
            })?;
            recent.note(*commit, keys, &values);
            Ok(values)
        })
    }

    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<KeyValue>> {
        let published = Arc::clone(&self.0);
        blocking(move || {
            let tables = &published.tables;
            guard::reading(|| {
                if scan.range.is_empty() {
                    return Ok(Vec::new());
                }
                let mut ranges = Vec::new();
                for (table, piece) in pieces(&tables.ranges, &scan.range) {
                    let piece = piece.start.as_slice()..piece.end.as_slice();
                    ranges.push(tables.table(table).range(piece).map_err(failed)?);
                }
                let entry = |(key, value): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, &[u8]>),
                             content| {
                    let value = if content == Content::Keys { &[][..] } else { value.value() };
                    (Bytes::copy_from_slice(key.value()), Bytes::copy_from_slice(value))
                };
                let failed = |entry: Result<_, redb::StorageError>| entry.map_err(failed);
                match scan.direction {
                    Direction::Forward => scan.collect(ranges.into_iter().flatten().map(failed), entry),
                    Direction::Backward => {
                        scan.collect(ranges.into_iter().rev().flat_map(Iterator::rev).map(failed), entry)
                    }
                }
            })
        })
    }
}
