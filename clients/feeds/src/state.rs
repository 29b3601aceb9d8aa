//! What runs leave behind for later ones: which objects were made, what waits to be sent, how far each feed was read. One file,
//! which a crash leaves as it was after the last transaction.

mod staging;

use crate::feed::Feed;
use crate::shared::{Part, SharedKey};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use stix_model::schema::{self, Class};
use stix_model::{Object, Timestamp};
use taxii_client::Position;

pub use staging::{Staged, Staging};

/// `{feed}\0{id}` → number of the last run that had it, and its text.
const OBJECTS: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("objects");
/// `{id}\0{feed}` → number of the run in which a feed said it, and what it says, in JSON.
const PARTS: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("parts");
/// Feed and number → text of an object that is to be sent.
const SPOOL: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("spool");
/// Identifier → text that a collection had when this state began to send to it.
const FOUND: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("found");
/// Collections that were looked at.
const LOOKED_AT: TableDefinition<'_, &str, ()> = TableDefinition::new("looked at");
/// Feed → how far it was read, in JSON.
const FEEDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("feeds");

/// Bytes of the file that stay in memory.
const CACHE_BYTES: usize = 32 << 20;

/// Why the state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder cannot be used.
    #[error("the folder of the state {folder} cannot be used: {error}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Another process has it open.
    #[error(
        "another process runs feeds with the state in {0}; wait for it, or give this one a folder of its own"
    )]
    InUse(PathBuf),
    /// The file fails.
    #[error("the state of the feeds fails: {0}")]
    Store(#[from] redb::Error),
    /// What is in it makes no sense.
    #[error("the state of the feeds is damaged: {0}")]
    Damaged(&'static str),
}

macro_rules! store_errors {
    ($($name:ident),*) => {$(
        impl From<redb::$name> for StateError {
            fn from(error: redb::$name) -> Self {
                Self::Store(error.into())
            }
        }
    )*};
}

store_errors!(TransactionError, TableError, StorageError, CommitError);

/// How far a feed was read. It is kept when everything that was made of it is on the server; the number of a run when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Number of the last run, whether it came to its end or not.
    pub run: u64,
    /// What the source called the file.
    pub etag: Option<String>,
    /// When the source changed the file, in its words.
    pub last_modified: Option<String>,
    /// When it was fetched last.
    pub fetched: Option<Timestamp>,
    /// Since when an interface is asked next.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// The latest event of a manifest that was read, in seconds since 1970.
    #[serde(default)]
    pub newest: Option<i64>,
    /// How far a TAXII collection was read.
    #[serde(default)]
    pub position: Option<Position>,
}

/// The state in a folder.
pub struct State {
    database: Database,
    folder: PathBuf,
}

impl State {
    /// Opens the state in a folder, or begins one.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process uses it.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let unusable = |error| StateError::Folder { folder: folder.to_owned(), error };
        fs::create_dir_all(folder).map_err(unusable)?;
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let database = match builder.create(folder.join("state.redb")) {
            Ok(database) => database,
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => {
                return Err(StateError::InUse(folder.to_owned()));
            }
            Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))) => return Err(unusable(error)),
            Err(error) => return Err(StateError::Store(error.into())),
        };
        let write = database.begin_write()?;
        write.open_table(OBJECTS)?;
        write.open_table(PARTS)?;
        write.open_table(SPOOL)?;
        write.open_table(FEEDS)?;
        write.open_table(FOUND)?;
        write.open_table(LOOKED_AT)?;
        write.commit()?;
        Ok(Self { database, folder: folder.to_owned() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How far a feed was read.
    ///
    /// # Errors
    /// When the file fails.
    pub fn cursor(&self, feed: &str) -> Result<Cursor, StateError> {
        let feeds = self.database.begin_read()?.open_table(FEEDS)?;
        let Some(found) = feeds.get(feed)? else { return Ok(Cursor::default()) };
        serde_json::from_slice(found.value()).map_err(|_| StateError::Damaged("a cursor"))
    }

    /// Keeps how far a feed was read.
    ///
    /// # Errors
    /// When the file fails.
    pub fn set_cursor(&self, feed: &str, cursor: &Cursor) -> Result<(), StateError> {
        let write = self.database.begin_write()?;
        let text = serde_json::to_vec(cursor).map_err(|_| StateError::Damaged("a cursor"))?;
        write.open_table(FEEDS)?.insert(feed, &*text)?;
        Ok(write.commit()?)
    }

    /// Whether it is known what a collection had before.
    ///
    /// # Errors
    /// When the file fails.
    pub fn has_looked_at(&self, collection: &str) -> Result<bool, StateError> {
        Ok(self.database.begin_read()?.open_table(LOOKED_AT)?.get(collection)?.is_some())
    }

    /// Notes that all objects of a collection were found.
    ///
    /// # Errors
    /// When the file fails.
    pub fn set_looked_at(&self, collection: &str) -> Result<(), StateError> {
        let write = self.database.begin_write()?;
        write.open_table(LOOKED_AT)?.insert(collection, ())?;
        Ok(write.commit()?)
    }

    /// Keeps objects that a collection has. A run that makes one of them goes on from there, as if an earlier run had made it.
    ///
    /// # Errors
    /// When the file fails.
    pub fn set_found<'o>(&self, objects: impl IntoIterator<Item = &'o Object>) -> Result<(), StateError> {
        let write = self.database.begin_write()?;
        {
            let mut found = write.open_table(FOUND)?;
            for object in objects {
                found.insert(object.id().as_str(), &object.json()[..])?;
            }
        }
        Ok(write.commit()?)
    }

    /// Begins to take what a run of a feed makes. What a run has that comes to no end is not taken for what the next one has, so each
    /// has a number of its own.
    ///
    /// # Errors
    /// When the file fails.
    pub fn stage<'s>(&'s self, feed: &'s Feed, now: &Timestamp) -> Result<Staging<'s>, StateError> {
        let mut cursor = self.cursor(&feed.name)?;
        cursor.run += 1;
        self.set_cursor(&feed.name, &cursor)?;
        Ok(Staging::new(self, feed, cursor.run, now.clone()))
    }

    /// Number of objects that are to be sent.
    ///
    /// # Errors
    /// When the file fails.
    pub fn waiting(&self) -> Result<u64, StateError> {
        use redb::ReadableTableMetadata;
        Ok(self.database.begin_read()?.open_table(SPOOL)?.len()?)
    }

    /// The first objects of a feed that are to be sent, each with its number.
    ///
    /// # Errors
    /// When the file fails.
    pub fn first(
        &self,
        feed: &str,
        most: usize,
        most_bytes: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StateError> {
        let spool = self.database.begin_read()?.open_table(SPOOL)?;
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        for entry in spool.range((feed, 0)..=(feed, u64::MAX))?.take(most) {
            let (key, text) = entry?;
            bytes += text.value().len();
            if bytes > most_bytes && !waiting.is_empty() {
                break;
            }
            waiting.push((key.value().1, text.value().to_vec()));
        }
        Ok(waiting)
    }

    /// Forgets objects of a feed that the server has, or will never take.
    ///
    /// # Errors
    /// When the file fails.
    pub fn sent(&self, feed: &str, numbers: impl IntoIterator<Item = u64>) -> Result<(), StateError> {
        let write = self.database.begin_write()?;
        {
            let mut spool = write.open_table(SPOOL)?;
            for number in numbers {
                spool.remove((feed, number))?;
            }
        }
        Ok(write.commit()?)
    }

    /// The observables that each feed has, by their identifiers.
    ///
    /// # Errors
    /// When the file fails.
    pub fn observables(&self) -> Result<BTreeMap<String, BTreeSet<String>>, StateError> {
        let objects = self.database.begin_read()?.open_table(OBJECTS)?;
        let mut observables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in objects.iter()? {
            let (key, _) = entry?;
            let Some((feed, id)) = key.value().split_once('\0') else { continue };
            let object_type = id.split("--").next().unwrap_or_default();
            if schema::of(object_type).is_some_and(|schema| schema.class == Class::Sco) {
                observables.entry(feed.to_owned()).or_default().insert(id.to_owned());
            }
        }
        Ok(observables)
    }
}

/// What feeds say of a thing, each with the number of the run in which it did.
fn parts_of(
    parts: &impl ReadableTable<&'static str, (u64, &'static [u8])>,
    key: &SharedKey,
) -> Result<Vec<(u64, Part)>, StateError> {
    let start = part_key(key, "");
    let end = format!("{start}\u{10FFFF}");
    let mut found = Vec::new();
    for entry in parts.range(&*start..&*end)? {
        let (_, row) = entry?;
        let (run, text) = row.value();
        let part = serde_json::from_slice(text).map_err(|_| StateError::Damaged("what a source says"))?;
        found.push((run, part));
    }
    Ok(found)
}

fn object_key(feed: &str, id: &str) -> String {
    format!("{feed}\0{id}")
}

fn part_key(key: &SharedKey, feed: &str) -> String {
    format!("{}\0{feed}", key.id())
}

/// Whether two versions of an object say the same, whenever they were made.
fn says_the_same(one: &Object, other: &Object) -> bool {
    let members = |object: &Object| -> Vec<(String, String)> {
        let document = object.document();
        let members =
            document.root().members().filter(|(name, _)| !matches!(&**name, "modified" | "created"));
        members.map(|(name, value)| (name.into_owned(), value.raw().to_owned())).collect()
    };
    members(one) == members(other)
}
