//! The advisories of a provider of CSAF: its metadata names lists, in the form of ROLIE or as a directory, and these the
//! documents, each with a checksum beside it.

mod checksum;
mod list;

use super::{Document, Source};
use crate::fetch::{FetchError, Fetcher};
use crate::output::Rejected;
use checksum::matches;
use list::{Advisory, Checksum, List};
use reqwest::Url;
use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io::{Cursor as Bytes, Read};
use std::time::Duration;

/// Advisories of one run; the next one goes on behind them.
const ADVISORIES: usize = 10_000;
/// Time between two advisories.
const PAUSE: Duration = Duration::from_millis(100);

/// The advisories that are newer than those that were read, oldest first.
#[derive(Default)]
pub(super) struct Provider {
    left: Option<Left>,
}

struct Left {
    fetcher: Fetcher,
    refused: Vec<Rejected>,
    advisories: VecDeque<Advisory>,
    /// Names of checksums that were found beside the documents of a directory; a name that none has is not asked for again.
    beside: Vec<&'static str>,
}

impl Provider {
    pub(super) async fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Document>, FetchError> {
        let left = match &mut self.left {
            Some(left) => {
                tokio::time::sleep(PAUSE).await;
                left
            }
            None => self.left.insert(Left::of(source).await?),
        };
        if let Some(rejected) = left.refused.pop() {
            return Ok(Some(Document { content: Err(rejected), bytes: 0 }));
        }
        let Some(advisory) = left.advisories.pop_front() else { return Ok(None) };
        source.next.newest = source.next.newest.max(advisory.updated);
        match left.fetch(source, &advisory).await {
            Ok(Ok(text)) => {
                let bytes = text.len() as u64;
                Ok(Some(Document::new(Bytes::new(text), bytes)))
            }
            Ok(Err(reason)) => Ok(Some(rejected(&advisory.url, reason))),
            // One that is not there, or not for us, is no reason to miss the others.
            Err(error @ (FetchError::Refused { status: 401..=410 } | FetchError::TooLarge(_))) => {
                Ok(Some(rejected(&advisory.url, error.to_string())))
            }
            Err(error) => Err(error),
        }
    }
}

fn rejected(url: &Url, reason: String) -> Document {
    Document { content: Err(Rejected { record: url.to_string(), reason }), bytes: 0 }
}

impl Left {
    /// Reads the metadata and the lists.
    async fn of(source: &mut Source<'_>) -> Result<Self, FetchError> {
        let url = source.url()?;
        let nothing = || FetchError::Address("there is no metadata of a provider".to_owned());
        let (file, _) = source.file(url.clone(), None).await?.ok_or_else(nothing)?;
        let url: Url = url.parse().map_err(|_| nothing())?;
        let lists = list::lists(&url, &whole(file)?)?;
        // Only hosts that the metadata names are asked.
        let hosts: BTreeSet<String> =
            lists.iter().map(List::url).chain([&url]).filter_map(Url::host_str).map(str::to_owned).collect();
        let fetcher = source.fetcher.holding(source.feed, lists.iter().map(List::url)).await?;
        let mut left = Self {
            fetcher,
            refused: Vec::new(),
            advisories: VecDeque::new(),
            beside: vec!["sha512", "sha256"],
        };
        let mut advisories = Vec::new();
        for list in &lists {
            let text = match lists.len() {
                1 => list_if_changed(source, list).await,
                _ => fetch_list(&left.fetcher, source, list).await.map(Some),
            };
            match text {
                Ok(None) => {}
                Ok(Some((list, file))) => {
                    for advisory in list.advisories(&whole(file)?)? {
                        match advisory.and_then(|advisory| admitted(advisory, &url, &hosts)) {
                            Ok(advisory) => advisories.push(advisory),
                            Err(rejected) => left.refused.push(rejected),
                        }
                    }
                }
                Err(error @ FetchError::Refused { status: 401 | 403 }) => {
                    left.refused.push(Rejected { record: list.url().to_string(), reason: error.to_string() });
                }
                Err(error) => return Err(error),
            }
        }
        let newest = source.next.newest;
        advisories.retain(|advisory| advisory.updated.is_none() || advisory.updated >= newest);
        advisories.sort_unstable_by(|one, other| (one.updated, &one.url).cmp(&(other.updated, &other.url)));
        advisories.dedup_by(|one, other| one.url == other.url);
        if let Some(last) = advisories.get(ADVISORIES).map(|last| last.updated) {
            // Those of the same time stay together, because the next run begins with that time.
            advisories.retain(|advisory| advisory.updated <= last);
            (source.next.etag, source.next.last_modified) = (None, None);
        }
        left.advisories = advisories.into();
        Ok(left)
    }

    /// Fetches an advisory, and again when its checksum is another one: it may have changed between the two.
    async fn fetch(
        &mut self,
        source: &Source<'_>,
        advisory: &Advisory,
    ) -> Result<Result<Vec<u8>, String>, FetchError> {
        let mut outcome = Err("it was not fetched".to_owned());
        for _ in 0..2 {
            let text = whole(self.fetcher.fetch_named(source.feed, &advisory.url).await?.0)?;
            let checksum = match &advisory.checksum {
                Checksum::Listed(url) => Some(self.fetcher.fetch_named(source.feed, url).await?.0),
                Checksum::Beside => self.beside(source, &advisory.url).await?,
                Checksum::None => None,
            };
            let checksum = checksum.map(whole).transpose()?;
            outcome = match checksum.map(|checksum| matches(&text, &checksum)) {
                None | Some(Ok(())) => return Ok(Ok(text)),
                Some(Err(reason)) => Err(reason),
            };
        }
        Ok(outcome)
    }

    /// The checksum beside a document of a directory.
    async fn beside(&mut self, source: &Source<'_>, url: &Url) -> Result<Option<File>, FetchError> {
        while let Some(name) = self.beside.first() {
            let mut beside = url.clone();
            beside.set_path(&format!("{}.{name}", url.path()));
            match self.fetcher.fetch_named(source.feed, &beside).await {
                Ok((file, _)) => return Ok(Some(file)),
                Err(FetchError::Refused { status: 403 | 404 }) => drop(self.beside.remove(0)),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// The only list of a provider, unless it is what it was.
async fn list_if_changed(source: &mut Source<'_>, list: &List) -> Result<Option<(List, File)>, FetchError> {
    let conditions = (source.next.etag.clone(), source.next.last_modified.clone());
    match (source.conditional(list.url().to_string()).await, list.instead()) {
        (Err(FetchError::Refused { status: 404 }), Some(instead)) => {
            (source.next.etag, source.next.last_modified) = conditions;
            let found = source.conditional(instead.url().to_string()).await?;
            Ok(found.map(|(file, _)| (instead, file)))
        }
        (found, _) => Ok(found?.map(|(file, _)| (list.clone(), file))),
    }
}

async fn fetch_list(fetcher: &Fetcher, source: &Source<'_>, list: &List) -> Result<(List, File), FetchError> {
    match (fetcher.fetch_named(source.feed, list.url()).await, list.instead()) {
        (Err(FetchError::Refused { status: 404 }), Some(instead)) => {
            let (file, _) = fetcher.fetch_named(source.feed, instead.url()).await?;
            Ok((instead, file))
        }
        (found, _) => Ok((list.clone(), found?.0)),
    }
}

/// An advisory of a host that the metadata names, over TLS when the metadata is.
fn admitted(advisory: Advisory, metadata: &Url, hosts: &BTreeSet<String>) -> Result<Advisory, Rejected> {
    let is_admitted = |url: &Url| {
        let is_safe = url.scheme() == "https" || (metadata.scheme(), url.scheme()) == ("http", "http");
        is_safe && url.host_str().is_some_and(|host| hosts.contains(host))
    };
    if advisory.urls().all(is_admitted) {
        return Ok(advisory);
    }
    let reason = "the metadata of the provider does not name its host, or it has no TLS".to_owned();
    Err(Rejected { record: advisory.url.to_string(), reason })
}

fn whole(mut file: File) -> Result<Vec<u8>, FetchError> {
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}
