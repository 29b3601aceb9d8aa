//! What the log keeps on the disk.

use super::super::types::{LogEntry, LogId, Vote};
use super::LogError;
use crate::id::Digest;
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend,
    TableDefinition,
};
use serde::{Serialize, de::DeserializeOwned};

const ENTRIES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("entries");
const MARKS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("marks");
/// What the bytes of this version mean.
const FORMAT: u16 = 1;
const CACHE_BYTES: usize = 32 << 20;
/// Bytes in front of each value: the beginning of its digest, because a disk can change what it holds.
const SUM_BYTES: usize = 8;

/// A write, in the order of the log.
pub(super) enum Write {
    Append(Vec<LogEntry>),
    /// Removes the entries after a number; all when there is none.
    Truncate(Option<u64>),
    Purge(LogId),
    Vote(Vote),
    Committed(Option<LogId>),
}

/// What is known without the entries.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    pub(super) purged: Option<LogId>,
    pub(super) first: Option<u64>,
    pub(super) last: Option<LogId>,
}

pub(super) struct Table(Database);

fn seal<T: Serialize>(value: &T) -> Vec<u8> {
    let bytes = postcard::to_allocvec(value).expect("what the log holds can be encoded");
    [&Digest::of(&[&bytes]).0[..SUM_BYTES], &bytes].concat()
}

fn unseal<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, LogError> {
    let (sum, bytes) = bytes.split_at_checked(SUM_BYTES).ok_or(LogError::Damaged(what))?;
    if Digest::of(&[bytes]).0[..SUM_BYTES] != *sum {
        return Err(LogError::Damaged(what));
    }
    postcard::from_bytes(bytes).map_err(|_| LogError::Damaged(what))
}

impl Table {
    /// Opens the log of a node, or makes it.
    pub(super) fn open(backend: impl StorageBackend, node: u64) -> Result<(Self, Marks), LogError> {
        let mut builder = Database::builder();
        let table = Self(builder.set_cache_size(CACHE_BYTES).create_with_backend(backend)?);
        let writing = table.0.begin_write()?;
        let marks = {
            let entries = writing.open_table(ENTRIES)?;
            let mut marks = writing.open_table(MARKS)?;
            match mark::<(u16, u64)>(&marks, "owner")? {
                Some((format, _)) if format != FORMAT => return Err(LogError::Format(format)),
                Some((_, found)) if found != node => {
                    return Err(LogError::OtherNode { found, expected: node });
                }
                Some(_) => {}
                None => {
                    marks.insert("owner", &*seal(&(FORMAT, node)))?;
                }
            }
            let purged: Option<LogId> = mark(&marks, "purged")?;
            let first = entries.first()?.map(|(index, _)| index.value());
            let last = entries.last()?;
            let last = last.map(|(_, value)| unseal::<LogEntry>(value.value(), "an entry")).transpose()?;
            let is_whole = match (first, &last) {
                (Some(first), Some(last)) => {
                    last.log_id.index() - first + 1 == entries.len()?
                        && purged.is_none_or(|purged| purged.index() + 1 == first)
                }
                _ => true,
            };
            if !is_whole {
                return Err(LogError::Damaged("an entry is missing"));
            }
            Marks {
                first,
                vote: mark(&marks, "vote")?,
                committed: mark(&marks, "committed")?,
                last: last.map(|entry| entry.log_id).or(purged),
                purged,
            }
        };
        writing.commit()?;
        Ok((table, marks))
    }

    /// Makes writes durable, with one call of `sync_data`.
    pub(super) fn commit(&self, writes: &[Write]) -> Result<(), LogError> {
        let mut writing = self.0.begin_write()?;
        writing.set_durability(Durability::Immediate).map_err(|_| LogError::Damaged("a transaction"))?;
        {
            let mut entries = writing.open_table(ENTRIES)?;
            let mut marks = writing.open_table(MARKS)?;
            for write in writes {
                match write {
                    Write::Append(new) => {
                        for entry in new {
                            entries.insert(entry.log_id.index(), &*seal(entry))?;
                        }
                    }
                    Write::Truncate(last) => {
                        entries.retain_in(last.map_or(0, |last| last + 1).., |_, _| false)?;
                    }
                    Write::Purge(last) => {
                        entries.retain_in(..=last.index(), |_, _| false)?;
                        marks.insert("purged", &*seal(last))?;
                    }
                    Write::Vote(vote) => {
                        marks.insert("vote", &*seal(vote))?;
                    }
                    Write::Committed(Some(last)) => {
                        marks.insert("committed", &*seal(last))?;
                    }
                    Write::Committed(None) => {
                        marks.remove("committed")?;
                    }
                }
            }
        }
        writing.commit()?;
        Ok(())
    }

    /// The entries of a range, in their order, until they have a number of bytes. The first one is always among them.
    pub(super) fn read(&self, start: u64, end: u64, limit: usize) -> Result<Vec<LogEntry>, LogError> {
        let entries = self.0.begin_read()?.open_table(ENTRIES)?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        for one in entries.range(start..end)? {
            let (_, value) = one?;
            bytes += value.value().len();
            if !found.is_empty() && bytes > limit {
                break;
            }
            found.push(unseal(value.value(), "an entry")?);
        }
        Ok(found)
    }
}

fn mark<T: DeserializeOwned>(
    marks: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &'static str,
) -> Result<Option<T>, LogError> {
    marks.get(name)?.map(|value| unseal(value.value(), name)).transpose()
}
