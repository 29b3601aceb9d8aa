//! Pages as they were sent, ready to be sent again.
//!
//! A page depends on what is asked for, on what the viewer may see, and on what the collection holds. The first two are the
//! key of a page here. For the third there is the head of the collection: a commit that changes anything that a page shows
//! writes it with a higher revision, in the same commit (`store/apply.rs`), whichever process commits. Each request reads
//! the revision from a snapshot of its own, and a page is sent again only when it was made under that revision.
//!
//! The revision of a page is read before the page is made, so a page may be newer than it says, and never older. Therefore no
//! page that is sent lacks an object that was there when its request came, and none shows more than its viewer may see, with
//! one process over a store or with several.

use crate::store::{View, ViewKey};
use axum::http::HeaderValue;
use axum::http::uri::PathAndQuery;
use bytes::Bytes;
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of all pages that are kept.
const BYTES: u64 = 32 << 20;
/// How long a page is kept that is not asked for.
const IDLE: Duration = Duration::from_secs(300);
/// Bytes that a page takes besides its body and its key.
const ENTRY: usize = 400;

/// The largest body that is kept, in bytes.
pub(crate) const LARGEST: usize = 1 << 20;

/// The form in which a page is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    Identity,
    Gzip,
}

/// What a page was asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageKey {
    view: ViewKey,
    target: PathAndQuery,
    coding: Coding,
}

impl PageKey {
    pub(crate) fn new(view: &View, target: PathAndQuery, coding: Coding) -> Self {
        Self { view: view.key(), target, coding }
    }

    pub(crate) fn with(&self, coding: Coding) -> Self {
        Self { coding, ..self.clone() }
    }
}

/// A page that is ready to be sent.
#[derive(Debug)]
pub(crate) struct ReadyPage {
    /// The revision of the head of the collection, read before the page was made.
    pub(crate) revision: u64,
    pub(crate) body: Bytes,
    pub(crate) coding: Coding,
    /// A strong validator (RFC 9110, section 8.8.3).
    pub(crate) etag: HeaderValue,
    /// `X-TAXII-Date-Added-First` and `-Last`; an empty page has none.
    pub(crate) dates: Option<[HeaderValue; 2]>,
}

/// The pages.
pub(crate) struct PageCache(Cache<PageKey, Arc<ReadyPage>>);

impl Default for PageCache {
    fn default() -> Self {
        let bytes = |key: &PageKey, page: &Arc<ReadyPage>| {
            let bytes = key.target.as_str().len() + page.body.len() + ENTRY;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(BYTES).weigher(bytes).time_to_idle(IDLE).build())
    }
}

impl PageCache {
    /// Returns the page that was made under a revision.
    pub(crate) fn get(&self, key: &PageKey, revision: u64) -> Option<Arc<ReadyPage>> {
        self.0.get(key).filter(|page| page.revision == revision)
    }

    /// Forgets all pages.
    #[cfg(feature = "cli")]
    pub(crate) fn clear(&self) {
        self.0.invalidate_all();
    }

    pub(crate) fn put(&self, key: PageKey, page: Arc<ReadyPage>) {
        self.0.insert(key, page);
    }
}
