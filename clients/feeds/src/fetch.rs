//! Fetching a feed: once for each change of it, within limits, and from where the operator said.

use crate::feed::Feed;
use reqwest::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use std::fmt;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Time without a byte after which a source counts as silent.
const SILENCE: Duration = Duration::from_secs(60);

/// The longest time for a document, however steadily it comes.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// A text that no log and no message shows.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a text; what surrounds it, such as the line break at the end of a file, is left out.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

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
        Self::Broken(error.to_string())
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

/// Fetches feeds.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
}

impl Fetcher {
    /// What fetches feeds, with the authorities that this machine trusts. The program chooses the cryptography of rustls before.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub fn new() -> Result<Self, FetchError> {
        Ok(Self { client: client(None)? })
    }

    /// Fetches a document of a feed, unless it is what it was.
    ///
    /// # Errors
    /// When there is no file that can be used.
    pub async fn fetch(&self, feed: &Feed, wanted: &Request) -> Result<Fetched, FetchError> {
        match tokio::time::timeout(LONGEST, self.follow(feed, wanted)).await {
            Ok(fetched) => fetched,
            Err(_) => {
                Err(FetchError::Broken(format!("it takes longer than {} minutes", LONGEST.as_secs() / 60)))
            }
        }
    }

    /// Goes where the source points to.
    async fn follow(&self, feed: &Feed, wanted: &Request) -> Result<Fetched, FetchError> {
        let key = key(feed)?;
        let template = wanted.url.as_str();
        let url = match &key {
            Some(key) => template.replace("{key}", key.reveal()),
            None => template.to_owned(),
        };
        let mut url: Url = url.parse().map_err(|_| FetchError::Address(format!("{template} is no URL")))?;
        if url.scheme() == "file" {
            return open(feed, &url, wanted);
        }
        let mut headers = HeaderMap::new();
        if let (Some(name), Some(key)) = (&feed.key_header, &key) {
            let name: HeaderName =
                name.parse().map_err(|_| FetchError::Address(format!("{name} is no header")))?;
            let mut value = HeaderValue::from_str(key.reveal())
                .map_err(|_| FetchError::Key("its place: it has characters that no header has".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let mut conditions = HeaderMap::new();
        let condition =
            |text: &Option<String>| text.as_ref().and_then(|text| HeaderValue::from_str(text).ok());
        if let Some(etag) = condition(&wanted.etag) {
            conditions.insert(IF_NONE_MATCH, etag);
        }
        if let Some(since) = condition(&wanted.last_modified) {
            conditions.insert(IF_MODIFIED_SINCE, since);
        }
        let home = url.host_str().map(str::to_owned);
        let mut client = self.client.clone();
        for _ in 0..=REDIRECTS {
            let request = match &wanted.post {
                Some(body) => client.post(url.clone()).header(CONTENT_TYPE, form_of(body)).body(body.clone()),
                None => client.get(url.clone()),
            };
            // The key goes to the host that the operator named, and to no other.
            let is_home = url.host_str().map(str::to_owned) == home;
            let request = if is_home { request.headers(headers.clone()) } else { request };
            let response = request.headers(conditions.clone()).send().await;
            let response = response.map_err(|error| FetchError::Broken(cause(&error)))?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                return take(feed, response).await;
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

/// A host, and the addresses to which it is held.
struct Held {
    host: String,
    addresses: Vec<SocketAddr>,
}

fn client(held: Option<Held>) -> Result<Client, FetchError> {
    let mut builder = Client::builder()
        .user_agent(concat!("taxii-feeds/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(20))
        .read_timeout(SILENCE)
        // Files come packed as they are; what is unpacked on the way would escape the limit.
        .no_gzip();
    if let Some(Held { host, addresses }) = held {
        builder = builder.resolve_to_addrs(&host, &addresses);
    }
    builder.build().map_err(|error| FetchError::Broken(cause(&error)))
}

/// The addresses of a host to which a source points: a source must not make this machine ask what only it can reach.
async fn public(url: &Url) -> Result<Held, FetchError> {
    let refuse = |what: &str| FetchError::Address(format!("the source points to {what}"));
    let host = url.host_str().ok_or_else(|| refuse("no host"))?.to_owned();
    let port = url.port_or_known_default().ok_or_else(|| refuse("no port"))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found =
        tokio::net::lookup_host((bare, port)).await.map_err(|error| FetchError::Broken(error.to_string()))?;
    let addresses: Vec<SocketAddr> = found.collect();
    if addresses.is_empty() || !addresses.iter().all(|address| is_public(address.ip())) {
        return Err(refuse("an address of a private network"));
    }
    Ok(Held { host, addresses })
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_broadcast()
                || address.is_multicast()
                || address.is_documentation()
                || first == 0
                || first >= 240
                || (first == 100 && (64..128).contains(&second)))
        }
        IpAddr::V6(address) => {
            let is_unique_local = address.segments()[0] & 0xFE00 == 0xFC00;
            let is_link_local = address.segments()[0] & 0xFFC0 == 0xFE80;
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || is_unique_local
                || is_link_local)
        }
    }
}

async fn take(feed: &Feed, mut response: Response) -> Result<Fetched, FetchError> {
    let status = response.status();
    let header = |name| {
        response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned)
    };
    match status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => return Ok(Fetched::Unchanged),
        StatusCode::PARTIAL_CONTENT => return Err(FetchError::Part),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let retry_after = header(RETRY_AFTER).and_then(|text| text.parse().ok()).map(Duration::from_secs);
            return Err(FetchError::Busy { status: status.as_u16(), retry_after });
        }
        _ => return Err(FetchError::Refused { status: status.as_u16() }),
    }
    let (etag, last_modified) = (header(ETAG), header(LAST_MODIFIED));
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
    Ok(Fetched::File { file, bytes, etag, last_modified })
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

pub(crate) fn key(feed: &Feed) -> Result<Option<Secret>, FetchError> {
    if let Some(name) = &feed.key_env {
        let value =
            std::env::var(name).map_err(|_| FetchError::Key(format!("the environment variable {name}")))?;
        return Ok(Some(Secret::new(&value)));
    }
    if let Some(path) = &feed.key_file {
        let text = std::fs::read_to_string(path).map_err(|_| FetchError::Key(path.display().to_string()))?;
        return Ok(Some(Secret::new(&text)));
    }
    if feed.needs_key { Err(FetchError::NeedsKey) } else { Ok(None) }
}
