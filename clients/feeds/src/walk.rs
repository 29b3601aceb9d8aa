//! The documents of a feed: one file, the pages of an interface, the events that a manifest lists, or a TAXII collection.

use crate::feed::{Feed, Paging};
use crate::fetch::{FetchError, Fetched, Fetcher, Request};
use crate::state::Cursor;
use serde_json::Value;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Cursor as Bytes, Read, Seek, SeekFrom};
use stix_model::Timestamp;
use stix_model::taxii::{Envelope, write_envelope};
use taxii_client::{Auth, Client, Filter, Options, Pages, Url};

/// How far back a source is asked that is asked since a time, when it is asked first.
const FIRST: i64 = 30 * 86_400 * 1_000_000;
/// Pages of one run; a source that has more for ever is not followed.
const PAGES: u64 = 100_000;

/// One document of a feed.
pub(crate) struct Document {
    pub(crate) input: Box<dyn Input>,
    pub(crate) bytes: u64,
}

/// The bytes of a document; those of an archive are not read from the first to the last one.
pub(crate) trait Input: Read + Seek + Send {}

impl<T: Read + Seek + Send> Input for T {}

/// Goes through the documents of a feed.
pub(crate) struct Walk<'f> {
    feed: &'f Feed,
    fetcher: &'f Fetcher,
    /// How far the feed is read when all documents were taken.
    next: Cursor,
    kind: Kind<'f>,
}

enum Kind<'f> {
    One,
    Paged { paging: &'f Paging, windows: VecDeque<[Timestamp; 2]>, page: u64 },
    Manifest { left: Option<VecDeque<(i64, String)>> },
    Taxii { pages: Option<Box<Pages<Envelope>>> },
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
        let since = from.or_else(|| cursor.since.clone());
        let mut next = Cursor { fetched: Some(now.clone()), ..cursor };
        let kind = match &feed.pages {
            Some(paging) => {
                let since = since.or_else(|| crate::time::from_micros(now.micros() - FIRST));
                next.since = Some(now.clone());
                Kind::Paged {
                    paging,
                    windows: windows(paging, since.unwrap_or_else(|| now.clone()), now),
                    page: 0,
                }
            }
            None if feed.is_manifest => Kind::Manifest { left: None },
            None if feed.is_taxii => Kind::Taxii { pages: None },
            None => Kind::One,
        };
        Self { feed, fetcher, next, kind }
    }

    /// How far the feed is read, when all documents of this walk were taken.
    pub(crate) fn into_cursor(self, run: u64) -> Cursor {
        Cursor { run, ..self.next }
    }

    /// The next document; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Document>, FetchError> {
        match self.kind {
            Kind::One => {
                self.kind = Kind::Over;
                let url = self.url()?;
                self.conditional(url).await
            }
            Kind::Paged { .. } => self.page().await,
            Kind::Manifest { .. } => self.event().await,
            Kind::Taxii { .. } => self.envelope().await,
            Kind::Over => Ok(None),
        }
    }

    fn url(&self) -> Result<String, FetchError> {
        self.feed.url.clone().ok_or_else(|| FetchError::Address("the feed has no URL; set `url`".to_owned()))
    }

    /// Fetches what may not have changed.
    async fn conditional(&mut self, url: String) -> Result<Option<Document>, FetchError> {
        let (etag, last_modified) = (self.next.etag.take(), self.next.last_modified.take());
        let request = Request { url, post: self.feed.post.clone(), etag, last_modified };
        match self.fetcher.fetch(self.feed, &request).await? {
            Fetched::Unchanged => {
                (self.next.etag, self.next.last_modified) = (request.etag, request.last_modified);
                Ok(None)
            }
            Fetched::File { file, bytes, etag, last_modified } => {
                (self.next.etag, self.next.last_modified) = (etag, last_modified);
                Ok(Some(Document { input: Box::new(file), bytes }))
            }
        }
    }

    async fn file(&self, url: String, post: Option<String>) -> Result<Option<(File, u64)>, FetchError> {
        let request = Request { url, post, etag: None, last_modified: None };
        match self.fetcher.fetch(self.feed, &request).await? {
            Fetched::Unchanged => Ok(None),
            Fetched::File { file, bytes, .. } => Ok(Some((file, bytes))),
        }
    }

    async fn page(&mut self) -> Result<Option<Document>, FetchError> {
        loop {
            let Kind::Paged { paging, windows, page } = &self.kind else { return Ok(None) };
            let (paging, number) = (*paging, *page);
            let Some([since, until]) = windows.front().cloned() else { return Ok(None) };
            if number > 0
                && let Some(pause) = paging.pause
            {
                tokio::time::sleep(pause.duration()).await;
            }
            let fill = |template: &str| fill(template, [&since, &until], number, paging.size);
            let (url, post) = (fill(&self.url()?), self.feed.post.as_deref().map(fill));
            let mut found = self.file(url, post).await?;
            // A source that has nothing of a span of time may answer without a page; the next span is asked for all the same.
            let is_last = match &mut found {
                Some((file, _)) => number >= PAGES || is_last(paging, file, number)?,
                None => true,
            };
            let Kind::Paged { windows, page, .. } = &mut self.kind else { return Ok(None) };
            if is_last {
                windows.pop_front();
                *page = 0;
            } else {
                *page += 1;
            }
            if let Some((file, bytes)) = found {
                return Ok(Some(Document { input: Box::new(file), bytes }));
            }
        }
    }

    /// The events of a MISP feed that are newer than those that were read, oldest first.
    async fn event(&mut self) -> Result<Option<Document>, FetchError> {
        let url = self.url()?;
        let Kind::Manifest { left } = &mut self.kind else { return Ok(None) };
        let mut left = match left.take() {
            Some(left) => left,
            None => match self.conditional(url.clone()).await? {
                None => return Ok(None),
                Some(Document { mut input, .. }) => {
                    let mut text = Vec::new();
                    input.read_to_end(&mut text)?;
                    listed(&text, self.next.newest)?
                }
            },
        };
        let base = url.rsplit_once('/').map_or("", |(base, _)| base);
        let mut document = None;
        // An event that the source answers for without a file has nothing; those after it count.
        while document.is_none()
            && let Some((timestamp, uuid)) = left.pop_front()
        {
            let found = self.file(format!("{base}/{uuid}.json"), None).await?;
            self.next.newest = self.next.newest.max(Some(timestamp));
            document = found.map(|(file, bytes)| Document { input: Box::new(file), bytes });
        }
        self.kind = Kind::Manifest { left: Some(left) };
        Ok(document)
    }

    async fn envelope(&mut self) -> Result<Option<Document>, FetchError> {
        let url = self.url()?;
        let Kind::Taxii { pages } = &mut self.kind else { return Ok(None) };
        let mut pages = match pages.take() {
            Some(pages) => pages,
            None => Box::new(upstream(self.feed, url, &self.next).await?),
        };
        let page = pages.next().await?;
        self.next.position = Some(pages.position().clone());
        self.kind = Kind::Taxii { pages: Some(pages) };
        let Some(page) = page else { return Ok(None) };
        let envelope = write_envelope(None, page.objects.iter().map(|object| object.get().as_bytes()));
        let bytes = envelope.len() as u64;
        Ok(Some(Document { input: Box::new(Bytes::new(envelope)), bytes }))
    }
}

/// The spans of time in which a source is asked, oldest first.
fn windows(paging: &Paging, since: Timestamp, until: &Timestamp) -> VecDeque<[Timestamp; 2]> {
    let mut windows = VecDeque::new();
    let mut start = since;
    while let Some(window) = paging.window
        && until.micros() - start.micros() > window.micros()
        && let Some(end) = crate::time::from_micros(start.micros() + window.micros())
    {
        windows.push_back([start, end.clone()]);
        start = end;
    }
    windows.push_back([start, until.clone()]);
    windows
}

fn fill(template: &str, [since, until]: [&Timestamp; 2], page: u64, size: u64) -> String {
    let plain = |time: &Timestamp| time.as_str().trim_end_matches('Z').to_owned();
    let values = [
        ("{since}", plain(since)),
        ("{until}", plain(until)),
        ("{since-seconds}", (since.micros() / 1_000_000).to_string()),
        ("{offset}", (page * size).to_string()),
        ("{page}", (page + 1).to_string()),
        ("{size}", size.to_string()),
    ];
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// Whether a page is the last one, and the file at its beginning again.
fn is_last(paging: &Paging, file: &mut File, page: u64) -> Result<bool, FetchError> {
    // What is no JSON is told when it is converted.
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let document: Value = serde_json::from_slice(&text).unwrap_or_default();
    file.seek(SeekFrom::Start(0))?;
    let total = paging.total.as_deref().and_then(|place| document.pointer(place)).and_then(Value::as_u64);
    let count = document.pointer(&paging.list).and_then(Value::as_array).map_or(0, |list| list.len() as u64);
    Ok(match total {
        Some(total) => count == 0 || (page + 1) * paging.size >= total,
        None => count < paging.size,
    })
}

/// The events of a manifest from a time on, oldest first. Those of the very time come again, since others may have it.
fn listed(manifest: &[u8], newest: Option<i64>) -> Result<VecDeque<(i64, String)>, FetchError> {
    let wrong = || FetchError::Address("the manifest of the feed cannot be read".to_owned());
    let manifest: Value = serde_json::from_slice(manifest).map_err(|_| wrong())?;
    let mut events = Vec::new();
    for (uuid, facts) in manifest.as_object().ok_or_else(wrong)? {
        let timestamp = facts.get("timestamp");
        let timestamp = timestamp.and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
        let uuid: uuid::Uuid = uuid.parse().map_err(|_| wrong())?;
        let timestamp = timestamp.unwrap_or_default();
        if newest.is_none_or(|newest| timestamp >= newest) {
            events.push((timestamp, uuid.to_string()));
        }
    }
    events.sort_unstable();
    Ok(events.into())
}

async fn upstream(feed: &Feed, url: String, cursor: &Cursor) -> Result<Pages<Envelope>, FetchError> {
    let key = crate::fetch::key(feed)?;
    let auth = match (feed.username.clone(), key) {
        (Some(user), Some(key)) => Auth::Basic { user, password: key.reveal().to_owned() },
        (None, Some(key)) => Auth::Bearer(key.reveal().to_owned()),
        _ => Auth::None,
    };
    // Plain HTTP is what the operator wrote.
    let is_plain = url.parse::<Url>().is_ok_and(|url| url.scheme() == "http");
    let options = Options::new(url).auth(auth).allow_plain_http(is_plain);
    let client = Client::new(options)?;
    let collection = client.collection_in_url().map(str::to_owned);
    let collection =
        collection.ok_or_else(|| FetchError::Address("the URL must be that of a collection".to_owned()))?;
    let pages = client.objects(&collection, Filter::default()).await?;
    Ok(match &cursor.position {
        Some(position) => pages.starting_at(position.clone()),
        None => pages,
    })
}
