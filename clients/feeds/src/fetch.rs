//! Fetching a feed: once for each change of it, within limits, and from where the operator said.

mod host;
mod secret;

use crate::feed::Feed;
use host::{client, public};
use reqwest::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode, Url};
use secret::secret_header;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

pub use secret::Secret;
pub(crate) use secret::key;

/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// The longest time for a document, however steadily it comes.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Why a feed was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The source asks for a key, and there is none.
    #[error("the source asks for a key: set `key-env` or `key-file` for it")]
    NeedsKey,
    /// The key is not where the settings say.
    #[error("the key cannot be read from {0}")]
    Key(String),
    /// The address is none that is fetched.
    #[error("{0}")]
    Address(String),
    /// The source cannot be reached, or the connection broke.
    #[error("the source cannot be reached: {0}")]
    Broken(String),
    /// The source asks to come again later.
    #[error("the source answers {status}, and asks to come again{}", .retry_after.map_or(String::new(), |wait| format!(" in {} s", wait.as_secs())))]
    Busy {
        /// What it answers.
        status: u16,
        /// When to come again.
        retry_after: Option<Duration>,
    },
    /// The source refuses.
    #[error("the source answers {status}{}", if matches!(.status, 401 | 403) { ": it may ask for a key, or refuse this one" } else { "" })]
    Refused {
        /// What it answers.
        status: u16,
    },
    /// The source gave a part of the file only.
    #[error("the source answers 206, with a part of the file, which nothing asked for")]
    Part,
    /// The file is larger than the settings allow.
    #[error("the file has more than {0} bytes; `max-bytes` allows no more")]
    TooLarge(u64),
    /// The file cannot be kept.
    #[error("the file cannot be kept: {0}")]
    Disk(#[from] std::io::Error),
}

impl From<taxii_client::Error> for FetchError {
    fn from(error: taxii_client::Error) -> Self {
        match error {
            taxii_client::Error::Busy { status, seconds, .. } => {
                Self::Busy { status, retry_after: Some(Duration::from_secs(seconds)) }
            }
            error => Self::Broken(error.to_string()),
        }
    }
}

/// What a source gave.
#[derive(Debug)]
pub enum Fetched {
    /// What it gave before is still right.
    Unchanged,
    /// A file.
    File {
        /// The file, at its beginning.
        file: File,
        /// Its bytes.
        bytes: u64,
        /// By what the source tells later whether it changed.
        etag: Option<String>,
        /// When the source changed it, in its words.
        last_modified: Option<String>,
    },
}

/// What is asked of a source.
#[derive(Clone, Debug)]
pub struct Request {
    /// The address; `{key}` in it stands for the key.
    pub url: String,
    /// The body, where it is asked by POST.
    pub post: Option<String>,
    /// By what the source tells whether it changed since then.
    pub etag: Option<String>,
    /// When the source had changed it then, in its words.
    pub last_modified: Option<String>,
}

impl Request {
    pub(crate) fn get(url: &str) -> Self {
        Self { url: url.to_owned(), post: None, etag: None, last_modified: None }
    }
}

/// Fetches feeds.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    /// Connections to hosts to which sources point, each held to the addresses that it had.
    held: BTreeMap<String, Client>,
}

impl Fetcher {
    /// What fetches feeds, with the authorities that this machine trusts. The program chooses the cryptography of rustls before.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub fn new() -> Result<Self, FetchError> {
        Ok(Self { client: client(None)?, held: BTreeMap::new() })
    }

    /// The same, with connections to hosts to which a source points, where many documents are.
    pub(crate) async fn holding(
        &self,
        feed: &Feed,
        urls: impl Iterator<Item = &Url>,
    ) -> Result<Self, FetchError> {
        let home = feed.url.as_deref().and_then(host_of);
        let mut fetcher = self.clone();
        for url in urls.filter(|url| url.host_str() != home.as_deref()) {
            if let Entry::Vacant(place) = fetcher.held.entry(url.host_str().unwrap_or_default().to_owned()) {
                place.insert(client(Some(public(url).await?))?);
            }
        }
        Ok(fetcher)
    }

    /// Fetches a document of a feed, unless it is what it was. The key goes to the host of the feed only, and other hosts must
    /// be public ones.
    ///
    /// # Errors
    /// When there is no file that can be used.
    pub async fn fetch(&self, feed: &Feed, wanted: &Request) -> Result<Fetched, FetchError> {
        in_time(async {
            match self.follow(feed, wanted, HeaderMap::new()).await? {
                Reached::File(fetched) => Ok(fetched),
                Reached::Web(response) => take(feed, response).await,
            }
        })
        .await
    }

    /// Fetches a document of which the source says where it is.
    pub(crate) async fn fetch_named(&self, feed: &Feed, url: &Url) -> Result<(File, u64), FetchError> {
        match self.fetch(feed, &Request::get(url.as_str())).await? {
            Fetched::File { file, bytes, .. } => Ok((file, bytes)),
            Fetched::Unchanged => Err(FetchError::Refused { status: StatusCode::NO_CONTENT.as_u16() }),
        }
    }

    /// Fetches a document of which the source may give a part; `None` when it has none.
    pub(crate) async fn part(
        &self,
        feed: &Feed,
        url: &Url,
        headers: HeaderMap,
    ) -> Result<Option<Part>, FetchError> {
        let wanted = Request::get(url.as_str());
        in_time(async {
            let Reached::Web(response) = self.follow(feed, &wanted, headers).await? else {
                return Err(FetchError::Address("the URL must be that of a server".to_owned()));
            };
            let (is_part, headers) =
                (response.status() == StatusCode::PARTIAL_CONTENT, response.headers().clone());
            match response.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => {}
                StatusCode::NO_CONTENT => return Ok(None),
                _ => return Err(refusal(&response)),
            }
            let (mut file, bytes) = keep(feed, response).await?;
            let mut body = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
            file.read_to_end(&mut body)?;
            Ok(Some(Part { is_part, headers, body }))
        })
        .await
    }

    /// Goes where the source points to.
    async fn follow(
        &self,
        feed: &Feed,
        wanted: &Request,
        mut headers: HeaderMap,
    ) -> Result<Reached, FetchError> {
        let key = key(feed)?;
        let template = wanted.url.as_str();
        let home = host_of(feed.url.as_deref().unwrap_or(template));
        let url = match &key {
            Some(key) if host_of(template) == home => template.replace("{key}", key.reveal()),
            _ => template.to_owned(),
        };
        let mut url: Url = url.parse().map_err(|_| FetchError::Address(format!("{template} is no URL")))?;
        if url.scheme() == "file" {
            // Only an operator names files of this machine.
            return match home {
                None => open(feed, &url, wanted).map(Reached::File),
                Some(_) => Err(FetchError::Address("the source points to a file of this machine".to_owned())),
            };
        }
        let condition =
            |text: &Option<String>| text.as_ref().and_then(|text| HeaderValue::from_str(text).ok());
        if let Some(etag) = condition(&wanted.etag) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        if let Some(since) = condition(&wanted.last_modified) {
            headers.insert(IF_MODIFIED_SINCE, since);
        }
        let secret = secret_header(feed, key.as_ref())?;
        let is_home = |url: &Url| url.host_str() == home.as_deref();
        let mut client = match url.host_str().and_then(|host| self.held.get(host)) {
            _ if is_home(&url) => self.client.clone(),
            Some(held) => held.clone(),
            None => self::client(Some(public(&url).await?))?,
        };
        for _ in 0..=REDIRECTS {
            let request = match &wanted.post {
                Some(body) => client.post(url.clone()).header(CONTENT_TYPE, form_of(body)).body(body.clone()),
                None => client.get(url.clone()),
            };
            let request = match (is_home(&url), &key) {
                (true, Some(key)) if feed.is_taxii => match &feed.username {
                    Some(user) => request.basic_auth(user, Some(key.reveal())),
                    None => request.bearer_auth(key.reveal()),
                },
                (true, _) => request.headers(secret.clone()),
                (false, _) => request,
            };
            let response = request.headers(headers.clone()).send().await;
            let response = response.map_err(|error| FetchError::Broken(cause(&error)))?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                return Ok(Reached::Web(response));
            }
            let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
            let target = target.and_then(|target| url.join(target).ok());
            let target =
                target.ok_or_else(|| FetchError::Address("the source points to no address".to_owned()))?;
            if url.scheme() == "https" && target.scheme() != "https" {
                return Err(FetchError::Address(
                    "the source points from TLS to an address without it".to_owned(),
                ));
            }
            client = self::client(Some(public(&target).await?))?;
            url = target;
        }
        Err(FetchError::Address(format!("the source points on and on, {REDIRECTS} times and more")))
    }
}

/// What is at an address.
enum Reached {
    File(Fetched),
    Web(Response),
}

/// A part of what a server has, or all of it.
pub(crate) struct Part {
    /// The server says that it is a part.
    pub(crate) is_part: bool,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

async fn in_time<T>(work: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
    match tokio::time::timeout(LONGEST, work).await {
        Ok(done) => done,
        Err(_) => Err(FetchError::Broken(format!("it takes longer than {} minutes", LONGEST.as_secs() / 60))),
    }
}

/// The host that an operator named; `{key}` is in no host.
fn host_of(url: &str) -> Option<String> {
    url.parse::<Url>().ok()?.host_str().map(str::to_owned)
}

/// What the body of a request is: JSON, or a web form.
fn form_of(body: &str) -> &'static str {
    if body.trim_start().starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" }
}

/// A file of this machine, when it is another one than before: its time and its length tell.
fn open(feed: &Feed, url: &Url, wanted: &Request) -> Result<Fetched, FetchError> {
    let path = url.to_file_path().map_err(|()| FetchError::Address(format!("{url} names no file")))?;
    let failed = |error| FetchError::Address(format!("{} cannot be read: {error}", path.display()));
    // Opening what is no file may wait for ever.
    let facts = std::fs::metadata(&path).map_err(failed)?;
    if !facts.is_file() {
        return Err(FetchError::Address(format!("{} is no regular file", path.display())));
    }
    let changed = facts.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let etag = Some(format!("{}-{}", changed.as_micros(), facts.len()));
    if etag == wanted.etag {
        return Ok(Fetched::Unchanged);
    }
    if facts.len() > feed.max_bytes {
        return Err(FetchError::TooLarge(feed.max_bytes));
    }
    let file = File::open(&path).map_err(failed)?;
    Ok(Fetched::File { file, bytes: facts.len(), etag, last_modified: None })
}

async fn take(feed: &Feed, response: Response) -> Result<Fetched, FetchError> {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => return Ok(Fetched::Unchanged),
        StatusCode::PARTIAL_CONTENT => return Err(FetchError::Part),
        _ => return Err(refusal(&response)),
    }
    let (etag, last_modified) = (header(&response, ETAG), header(&response, LAST_MODIFIED));
    let (file, bytes) = keep(feed, response).await?;
    Ok(Fetched::File { file, bytes, etag, last_modified })
}

fn refusal(response: &Response) -> FetchError {
    let status = response.status().as_u16();
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let retry_after = header(response, RETRY_AFTER).and_then(|text| text.parse().ok());
            FetchError::Busy { status, retry_after: retry_after.map(Duration::from_secs) }
        }
        _ => FetchError::Refused { status },
    }
}

fn header(response: &Response, name: HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Keeps a body, and its length.
async fn keep(feed: &Feed, mut response: Response) -> Result<(File, u64), FetchError> {
    let expected = response.content_length();
    let mut file = tempfile::tempfile()?;
    let mut bytes = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| FetchError::Broken(cause(&error)))? {
        bytes += chunk.len() as u64;
        if bytes > feed.max_bytes {
            return Err(FetchError::TooLarge(feed.max_bytes));
        }
        file.write_all(&chunk)?;
    }
    if expected.is_some_and(|expected| expected != bytes) {
        return Err(FetchError::Broken("the file ended before its end".to_owned()));
    }
    file.seek(SeekFrom::Start(0))?;
    Ok((file, bytes))
}

/// What an error is about, without the URL, in which a key may stand.
fn cause(error: &reqwest::Error) -> String {
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut last = None;
    while let Some(error) = source {
        last = Some(error.to_string());
        source = error.source();
    }
    match last {
        _ if error.is_timeout() => "it does not answer in time".to_owned(),
        Some(last) => last,
        None => "the request failed".to_owned(),
    }
}
