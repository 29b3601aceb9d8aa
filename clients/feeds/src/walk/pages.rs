//! The pages of an interface.

use super::{Document, PAGES, Source};
use crate::feed::Paging;
use crate::fetch::FetchError;
use serde_json::Value;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use stix_model::Timestamp;

/// How far back a source is asked that is asked since a time, when it is asked first.
const FIRST: i64 = 30 * 86_400 * 1_000_000;

pub(super) struct Paged<'f> {
    paging: &'f Paging,
    windows: VecDeque<[Timestamp; 2]>,
    page: u64,
}

impl<'f> Paged<'f> {
    pub(super) fn new(paging: &'f Paging, since: Option<Timestamp>, now: &Timestamp) -> Self {
        let since = since.or_else(|| crate::time::from_micros(now.micros() - FIRST));
        Self { paging, windows: windows(paging, since.unwrap_or_else(|| now.clone()), now), page: 0 }
    }

    pub(super) async fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Document>, FetchError> {
        loop {
            let Self { paging, page, .. } = *self;
            let Some([since, until]) = self.windows.front() else { return Ok(None) };
            if page > 0
                && let Some(pause) = paging.pause
            {
                tokio::time::sleep(pause.duration()).await;
            }
            let fill = |template: &str| fill(template, [since, until], page, paging.size);
            let (url, post) = (fill(&source.url()?), source.feed.post.as_deref().map(fill));
            let mut found = source.file(url, post).await?;
            // A source that has nothing of a span of time may answer without a page; the next span is asked for all the same.
            let is_last = match &mut found {
                Some((file, _)) => page >= PAGES || is_last(paging, file, page)?,
                None => true,
            };
            if is_last {
                self.windows.pop_front();
                self.page = 0;
            } else {
                self.page += 1;
            }
            if let Some((file, bytes)) = found {
                return Ok(Some(Document::new(file, bytes)));
            }
        }
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
