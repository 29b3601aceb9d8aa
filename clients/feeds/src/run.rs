//! One run of a feed: fetch, convert, send; and only then remember how far it was read.

use crate::convert::{ConvertError, convert};
use crate::deliver::{DeliverError, Delivered, Destination};
use crate::feed::Feed;
use crate::fetch::{FetchError, Fetched, Fetcher};
use crate::input::unpacked;
use crate::state::{Cursor, Staged, State, StateError};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read};
use stix_model::Timestamp;

/// What a run did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The feed.
    pub feed: String,
    /// When it was fetched.
    pub at: Timestamp,
    /// Bytes that were fetched; none where the source has nothing new.
    pub fetched: u64,
    /// What was made of it.
    #[serde(flatten)]
    pub staged: Staged,
    /// What became of it at the server.
    pub delivered: Delivered,
    /// Seconds between the latest time that the source says and now.
    pub lag: Option<i64>,
}

/// Why a run did not come to its end. The next one begins where this one did, and loses nothing.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The feed was not fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The file makes no sense.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// The state fails.
    #[error(transparent)]
    State(#[from] StateError),
    /// The server did not take the objects; they wait for the next run.
    #[error("{waiting} objects wait for the server: {error}")]
    Deliver {
        /// How many objects wait.
        waiting: u64,
        /// Why.
        error: DeliverError,
    },
}

/// Runs a feed once.
///
/// # Errors
/// When it did not come to its end.
pub async fn run(
    feed: &Feed,
    state: &State,
    fetcher: &Fetcher,
    destination: &Destination,
    collection: &str,
    now: Timestamp,
    progress: impl Fn(u64),
) -> Result<Report, RunError> {
    // What an earlier run left behind comes first: its order is that of the versions.
    let mut delivered = deliver(state, destination, &progress).await?;
    let cursor = state.cursor(&feed.name)?;
    let mut report = Report {
        feed: feed.name.clone(),
        at: now.clone(),
        fetched: 0,
        staged: Staged::default(),
        delivered: Delivered::default(),
        lag: None,
    };
    let next = match fetcher.fetch(feed, &cursor).await? {
        Fetched::Unchanged => Cursor { fetched: Some(now), ..cursor },
        Fetched::File { file, bytes, etag, last_modified } => {
            report.fetched = bytes;
            let collection = feed.collection.as_deref().unwrap_or(collection);
            let mut staging = state.stage(feed, collection, &now)?;
            let run = staging.run();
            let mut input = limited(file, feed.max_unpacked_bytes).map_err(ConvertError::Read)?;
            convert(feed, &now, &mut *input, &mut staging)?;
            report.staged = staging.finish()?;
            report.lag =
                report.staged.newest.as_ref().map(|newest| (now.micros() - newest.micros()) / 1_000_000);
            Cursor { run, etag, last_modified, fetched: Some(now) }
        }
    };
    delivered.add(deliver(state, destination, &progress).await?);
    report.delivered = delivered;
    state.set_cursor(&feed.name, &next)?;
    Ok(report)
}

async fn deliver(
    state: &State,
    destination: &Destination,
    progress: &impl Fn(u64),
) -> Result<Delivered, RunError> {
    match destination.deliver(state, progress).await {
        Ok(delivered) => Ok(delivered),
        Err(error) => Err(RunError::Deliver { waiting: state.waiting()?, error }),
    }
}

/// A file, unpacked, up to a number of bytes; then it is an error to read on.
fn limited(file: std::fs::File, limit: u64) -> io::Result<Box<dyn BufRead>> {
    let unpacked = unpacked(Box::new(BufReader::new(file)))?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, Limited { input: unpacked, left: limit })))
}

struct Limited {
    input: Box<dyn BufRead>,
    left: u64,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::other("it is larger than `max-unpacked-bytes` allows after decompression")
        })?;
        Ok(count)
    }
}
