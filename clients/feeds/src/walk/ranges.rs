//! A collection of a server of TAXII 2.0: bundles, of which the header `Range` asks for one after the other.

use super::{Document, PAGES, Source};
use crate::fetch::{FetchError, Part};
use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::Cursor as Bytes;
use stix_model::Timestamp;
use stix_model::taxii::DATE_ADDED_LAST;
use taxii_client::Position;

const OBJECTS: &str = "application/vnd.oasis.stix+json; version=2.0";
const RESOURCE: &str = "application/vnd.oasis.taxii+json; version=2.0";
/// Objects that are asked for at once.
const SIZE: u64 = 1_000;
/// Parts without an object after each other. A server may leave out what an account must not see.
const EMPTY: u32 = 100;

pub(super) struct Ranges {
    collection: Url,
    added_after: Option<String>,
    /// The latest time that the server told; `None` when it told none of the last objects.
    newest: Option<String>,
    start: u64,
    requests: u64,
    empty: u32,
    /// What is between `items` and the numbers: HTTP has another sign there than TAXII 2.0, and so have servers.
    sign: char,
    is_over: bool,
}

impl Ranges {
    pub(super) fn new(url: &str, position: Option<&Position>) -> Result<Self, FetchError> {
        let added_after = position.and_then(|position| position.added_after.clone());
        let newest = added_after.clone();
        let collection = collection_of(url)
            .ok_or_else(|| FetchError::Address("the URL must be that of a collection".to_owned()))?;
        Ok(Self {
            collection,
            added_after,
            newest,
            start: 0,
            requests: 0,
            empty: 0,
            sign: '=',
            is_over: false,
        })
    }

    pub(super) async fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Document>, FetchError> {
        while !self.is_over && self.requests < PAGES {
            self.requests += 1;
            let Some(part) = self.ask(source).await? else { break };
            let bundle: Bundle<'_> = serde_json::from_slice(&part.body)
                .map_err(|_| FetchError::Broken("it answers with something else than a bundle".to_owned()))?;
            let count = bundle.objects.len() as u64;
            self.advance(&part, count);
            self.empty = if count > 0 { 0 } else { self.empty + 1 };
            if self.empty > EMPTY {
                return Err(FetchError::Broken("it sends one empty part after the other".to_owned()));
            }
            if count > 0 {
                let bytes = part.body.len() as u64;
                return Ok(Some(Document::new(Bytes::new(part.body), bytes)));
            }
        }
        self.is_over = true;
        let mut position = Position::default();
        position.added_after = self.newest.clone().or_else(|| self.added_after.clone());
        position.newest.clone_from(&self.newest);
        source.next.position = Some(position);
        Ok(None)
    }

    /// Asks for the next objects; `None` when there are none.
    async fn ask(&mut self, source: &Source<'_>) -> Result<Option<Part>, FetchError> {
        let mut objects = below(&self.collection, "objects/");
        if let Some(added_after) = &self.added_after {
            objects.query_pairs_mut().append_pair("added_after", added_after);
        }
        loop {
            let range = format!("items{}{}-{}", self.sign, self.start, self.start + SIZE - 1);
            let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(OBJECTS))]);
            headers.extend(HeaderValue::from_str(&range).map(|range| (RANGE, range)));
            match source.fetcher.part(source.feed, &objects, headers).await {
                Err(FetchError::Refused { status: 400 | 416 }) if self.start == 0 && self.sign == '=' => {
                    self.sign = ' ';
                }
                Err(FetchError::Refused { status: 416 }) => return Ok(None),
                // Some servers have no objects where there are none that are new.
                Err(FetchError::Refused { status: 404 }) => {
                    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(RESOURCE))]);
                    source.fetcher.part(source.feed, &self.collection, headers).await?;
                    return Ok(None);
                }
                answer => return answer,
            }
        }
    }

    /// Where the next part begins: behind the objects that came, whatever range the server says that they are.
    fn advance(&mut self, part: &Part, count: u64) {
        let header = |name: &str| part.headers.get(name).and_then(|value| value.to_str().ok());
        if count > 0 {
            let last = header(DATE_ADDED_LAST).map(str::to_owned);
            self.newest = last.map(|last| later(last, self.newest.as_deref()));
        }
        let (end, total) = header(CONTENT_RANGE.as_str()).map_or((None, None), content_range);
        let start = match (count, end, total) {
            (0, Some(end), Some(_)) => end.saturating_add(1),
            _ => self.start + count,
        };
        let is_last = total.map_or(!part.is_part, |total| start >= total);
        self.is_over = is_last || start <= self.start;
        self.start = start;
    }
}

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(default, borrow)]
    objects: Vec<&'a RawValue>,
}

/// The last number and the total of `items 0-99/1234`, as far as the server knows them.
fn content_range(text: &str) -> (Option<u64>, Option<u64>) {
    let (range, total) = text
        .trim()
        .trim_start_matches(|c: char| !c.is_ascii_digit() && c != '*')
        .split_once('/')
        .unwrap_or_default();
    (range.split_once('-').and_then(|(_, end)| end.trim().parse().ok()), total.trim().parse().ok())
}

fn later(one: String, other: Option<&str>) -> String {
    let time = Timestamp::from_any_form;
    match other {
        Some(other) if time(other) > time(&one) => other.to_owned(),
        _ => one,
    }
}

/// The collection in a URL, whatever is below it.
fn collection_of(url: &str) -> Option<Url> {
    let mut url: Url = url.parse().ok()?;
    let segments: Vec<&str> = url.path_segments()?.filter(|segment| !segment.is_empty()).collect();
    let place = segments.iter().rposition(|segment| *segment == "collections")?;
    let path = segments.get(..place + 2)?.join("/");
    url.set_path(&format!("/{path}/"));
    url.set_query(None);
    Some(url)
}

fn below(collection: &Url, path: &str) -> Url {
    let mut url = collection.clone();
    url.set_path(&format!("{}{path}", collection.path()));
    url
}
