//! One run of a feed: fetch, convert, send; and only then remember how far it was read.

use crate::convert::ConvertError;
use crate::deliver::{DeliverError, Delivered, Destination};
use crate::feed::Feed;
use crate::fetch::{FetchError, Fetcher};
use crate::input::convert_file;
use crate::output::Output;
use crate::state::{Staged, State, StateError};
use crate::walk::Walk;
use crate::warninglist::Warninglist;
use serde::{Deserialize, Serialize};
use stix_model::Timestamp;
use tokio::runtime::{Handle, RuntimeFlavor};

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

/// Fetches feeds, and sends what is new in them.
#[derive(Clone, Copy)]
pub struct Aggregator<'a> {
    /// What earlier runs left behind.
    pub state: &'a State,
    /// Where feeds are fetched.
    pub fetcher: &'a Fetcher,
    /// The server that gets the objects.
    pub destination: &'a Destination,
    /// The collection for feeds that name none.
    pub collection: &'a str,
    /// Values that are usual.
    pub warninglists: &'a [Warninglist],
}

/// The times of a run.
#[derive(Clone, Debug)]
pub struct Start {
    /// When it begins.
    pub now: Timestamp,
    /// From when on the source is asked, where it can be asked so; from where it was read to when absent.
    pub since: Option<Timestamp>,
}

impl Aggregator<'_> {
    /// Runs a feed once.
    ///
    /// # Errors
    /// When it did not come to its end.
    pub async fn run(&self, feed: &Feed, start: Start, progress: impl Fn(u64)) -> Result<Report, RunError> {
        let Aggregator { state, fetcher, destination, collection, warninglists } = *self;
        let Start { now, since } = start;
        // What an earlier run left behind comes first: its order is that of the versions.
        let collection = feed.collection.as_deref().unwrap_or(collection);
        let deliver = async || match destination.deliver(state, &feed.name, collection, &progress).await {
            Ok(delivered) => Ok(delivered),
            Err(error) => Err(RunError::Deliver { waiting: state.waiting()?, error }),
        };
        let looked = destination.look_at(state, collection).await;
        looked.map_err(|error| RunError::Deliver { waiting: 0, error })?;
        let mut delivered = deliver().await?;
        let cursor = state.cursor(&feed.name)?;
        let mut report = Report {
            feed: feed.name.clone(),
            at: now.clone(),
            fetched: 0,
            staged: Staged::default(),
            delivered: Delivered::default(),
            lag: None,
        };
        let mut staging = state.stage(feed, &now)?.warninglists(warninglists);
        let run = staging.run();
        let mut walk = Walk::new(feed, fetcher, cursor, &now, since);
        let (mut has_documents, mut unusable) = (false, 0);
        while let Some(document) = walk.next().await? {
            has_documents = true;
            report.fetched += document.bytes;
            // It takes the time that its bytes need, during which others go on.
            match document.content {
                Ok(input) => waiting(|| convert_file(feed, &now, input, &mut staging))?,
                Err(rejected) => {
                    unusable += 1;
                    staging.reject_document(rejected);
                }
            }
        }
        if has_documents {
            report.staged = waiting(|| staging.finish())?;
            check(&report.staged, unusable)?;
            let newest = report.staged.newest.as_ref();
            report.lag = newest.map(|newest| (now.micros() - newest.micros()) / 1_000_000);
        }
        let next = walk.into_cursor(run);
        delivered.add(deliver().await?);
        report.delivered = delivered;
        state.set_cursor(&feed.name, &next)?;
        Ok(report)
    }
}

/// Does what takes long, while other tasks of a runtime with several threads go on.
fn waiting<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// A file of which nothing can be read is another one than the feed is declared to have. Of documents that could not be used
/// as files, nothing is known.
fn check(staged: &Staged, unusable: u64) -> Result<(), ConvertError> {
    let rejected: u64 = staged.rejected.values().sum();
    match staged.first_rejected.first() {
        Some(first) if rejected >= staged.records && staged.records > unusable => Err(ConvertError::Form(
            format!("none of its {} records can be read; {}: {}", staged.records, first.record, first.reason),
        )),
        _ => Ok(()),
    }
}
