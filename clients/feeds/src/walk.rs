//! The documents of a feed: one file, the pages of an interface, the events that a manifest lists, a TAXII collection, or the
//! advisories of a provider.

mod manifest;
mod pages;
mod provider;
mod ranges;
mod taxii;

use crate::feed::Feed;
use crate::fetch::{FetchError, Fetched, Fetcher, Request};
use crate::output::Rejected;
use crate::state::Cursor;
use manifest::Manifest;
use pages::Paged;
use provider::Provider;
use std::fs::File;
use std::io::{Read, Seek};
use stix_model::Timestamp;
use taxii::Taxii;

/// Pages of one run; a source that has more for ever is not followed.
const PAGES: u64 = 100_000;

/// One document of a feed.
pub(crate) struct Document {
    /// Its bytes; of one that cannot be used, why.
    pub(crate) content: Result<Box<dyn Input>, Rejected>,
    /// Bytes that were fetched.
    pub(crate) bytes: u64,
}

impl Document {
    fn new(input: impl Input + 'static, bytes: u64) -> Self {
        Self { content: Ok(Box::new(input)), bytes }
    }
}

/// The bytes of a document; those of an archive are not read from the first to the last one.
pub(crate) trait Input: Read + Seek + Send {}

impl<T: Read + Seek + Send> Input for T {}

/// Goes through the documents of a feed.
pub(crate) struct Walk<'f> {
    source: Source<'f>,
    kind: Kind<'f>,
}

enum Kind<'f> {
    One,
    Paged(Paged<'f>),
    Manifest(Manifest),
    Taxii(Taxii),
    Provider(Provider),
    Over,
}

impl<'f> Walk<'f> {
    /// Begins where the cursor says, or at a time.
    pub(crate) fn new(
        feed: &'f Feed,
        fetcher: &'f Fetcher,
        cursor: Cursor,
        now: &Timestamp,
        from: Option<Timestamp>,
    ) -> Self {
        let mut next = Cursor { fetched: Some(now.clone()), ..cursor };
        let kind = match &feed.pages {
            Some(paging) => {
                let since = from.or_else(|| next.since.clone());
                next.since = Some(now.clone());
                Kind::Paged(Paged::new(paging, since, now))
            }
            None if feed.is_manifest => Kind::Manifest(Manifest::default()),
            None if feed.is_taxii => Kind::Taxii(Taxii::default()),
            None if feed.is_provider() => {
                if let Some(from) = from {
                    next = Cursor {
                        newest: Some(from.micros() / 1_000_000),
                        etag: None,
                        last_modified: None,
                        ..next
                    };
                }
                Kind::Provider(Provider::default())
            }
            None => Kind::One,
        };
        Self { source: Source { feed, fetcher, next }, kind }
    }

    /// How far the feed is read, when all documents of this walk were taken.
    pub(crate) fn into_cursor(self, run: u64) -> Cursor {
        Cursor { run, ..self.source.next }
    }

    /// The next document; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Document>, FetchError> {
        let source = &mut self.source;
        match &mut self.kind {
            Kind::One => {
                self.kind = Kind::Over;
                let found = source.conditional(source.url()?).await?;
                Ok(found.map(|(file, bytes)| Document::new(file, bytes)))
            }
            Kind::Paged(paged) => paged.next(source).await,
            Kind::Manifest(manifest) => manifest.next(source).await,
            Kind::Taxii(taxii) => taxii.next(source).await,
            Kind::Provider(provider) => provider.next(source).await,
            Kind::Over => Ok(None),
        }
    }
}

/// A feed, and how far it is read when all documents were taken.
struct Source<'f> {
    feed: &'f Feed,
    fetcher: &'f Fetcher,
    next: Cursor,
}

impl Source<'_> {
    fn url(&self) -> Result<String, FetchError> {
        self.feed.url.clone().ok_or_else(|| FetchError::Address("the feed has no URL; set `url`".to_owned()))
    }

    /// Fetches what may not have changed.
    async fn conditional(&mut self, url: String) -> Result<Option<(File, u64)>, FetchError> {
        let (etag, last_modified) = (self.next.etag.take(), self.next.last_modified.take());
        let request = Request { url, post: self.feed.post.clone(), etag, last_modified };
        match self.fetcher.fetch(self.feed, &request).await? {
            Fetched::Unchanged => {
                (self.next.etag, self.next.last_modified) = (request.etag, request.last_modified);
                Ok(None)
            }
            Fetched::File { file, bytes, etag, last_modified } => {
                (self.next.etag, self.next.last_modified) = (etag, last_modified);
                Ok(Some((file, bytes)))
            }
        }
    }

    async fn file(&self, url: String, post: Option<String>) -> Result<Option<(File, u64)>, FetchError> {
        let request = Request { post, ..Request::get(&url) };
        match self.fetcher.fetch(self.feed, &request).await? {
            Fetched::Unchanged => Ok(None),
            Fetched::File { file, bytes, .. } => Ok(Some((file, bytes))),
        }
    }
}
