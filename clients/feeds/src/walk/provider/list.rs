//! What the metadata of a provider and its lists say.

use crate::fetch::FetchError;
use crate::output::Rejected;
use crate::time;
use reqwest::Url;
use serde::Deserialize;

/// A list of documents.
#[derive(Clone)]
pub(super) enum List {
    /// A feed in the JSON form of ROLIE.
    Rolie(Url),
    /// `changes.csv` of a directory: documents with the time of their last change.
    Changes(Url),
    /// `index.txt` of a directory: documents without times.
    Index(Url),
}

/// A document of a list.
pub(super) struct Advisory {
    /// When it was changed, in seconds since 1970.
    pub(super) updated: Option<i64>,
    pub(super) url: Url,
    pub(super) checksum: Checksum,
}

/// Where the checksum of a document is.
pub(super) enum Checksum {
    Listed(Url),
    /// Beside it, under its name with that of the method.
    Beside,
    None,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    distributions: Vec<Distribution>,
}

#[derive(Deserialize)]
struct Distribution {
    directory_url: Option<String>,
    rolie: Option<Rolie>,
}

#[derive(Deserialize)]
struct Rolie {
    #[serde(default)]
    feeds: Vec<RolieFeed>,
}

#[derive(Deserialize)]
struct RolieFeed {
    url: String,
}

/// The lists of a provider: those of ROLIE, else its directories.
pub(super) fn lists(url: &Url, metadata: &[u8]) -> Result<Vec<List>, FetchError> {
    let metadata: Metadata = parse(metadata, "the metadata of the provider")?;
    let at = |text: &str| {
        url.join(text)
            .map_err(|_| FetchError::Address("the metadata of the provider names no address".to_owned()))
    };
    let mut lists = Vec::new();
    for rolie in metadata.distributions.iter().filter_map(|distribution| distribution.rolie.as_ref()) {
        for feed in &rolie.feeds {
            lists.push(List::Rolie(at(&feed.url)?));
        }
    }
    if lists.is_empty() {
        for directory in metadata.distributions.iter().filter_map(|found| found.directory_url.as_ref()) {
            lists.push(List::Changes(at(&format!("{}/changes.csv", directory.trim_end_matches('/')))?));
        }
    }
    match lists.iter().any(|list| !matches!(list.url().scheme(), "https" | "http")) {
        true => {
            Err(FetchError::Address("the metadata of the provider names a place that is no host".to_owned()))
        }
        false if lists.iter().any(|list| url.scheme() == "https" && list.url().scheme() != "https") => {
            Err(FetchError::Address(
                "the metadata of the provider points from TLS to an address without it".to_owned(),
            ))
        }
        false if lists.is_empty() => {
            Err(FetchError::Address("the metadata of the provider names no distribution".to_owned()))
        }
        false => Ok(lists),
    }
}

impl Advisory {
    /// The addresses that are asked for it.
    pub(super) fn urls(&self) -> impl Iterator<Item = &Url> {
        let listed = match &self.checksum {
            Checksum::Listed(url) => Some(url),
            Checksum::Beside | Checksum::None => None,
        };
        std::iter::once(&self.url).chain(listed)
    }
}

impl List {
    pub(super) fn url(&self) -> &Url {
        match self {
            Self::Rolie(url) | Self::Changes(url) | Self::Index(url) => url,
        }
    }

    /// The list that a directory has when this one is missing.
    pub(super) fn instead(&self) -> Option<Self> {
        match self {
            Self::Changes(url) => url.join("index.txt").ok().map(Self::Index),
            _ => None,
        }
    }

    /// The documents of a list, and entries that name none.
    pub(super) fn advisories(&self, text: &[u8]) -> Result<Vec<Result<Advisory, Rejected>>, FetchError> {
        match self {
            Self::Rolie(url) => rolie(url, text),
            Self::Changes(url) => changes(url, text),
            Self::Index(url) => {
                let text = String::from_utf8_lossy(text);
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                Ok(lines.map(|path| in_directory(url, path, None)).collect())
            }
        }
    }
}

#[derive(Deserialize)]
struct RolieDocument {
    feed: RolieEntries,
}

#[derive(Deserialize)]
struct RolieEntries {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    updated: String,
    content: Option<Content>,
    #[serde(default)]
    link: Vec<Link>,
}

#[derive(Deserialize)]
struct Content {
    src: String,
}

#[derive(Deserialize)]
struct Link {
    rel: String,
    href: String,
}

fn rolie(base: &Url, text: &[u8]) -> Result<Vec<Result<Advisory, Rejected>>, FetchError> {
    let document: RolieDocument = parse(text, "a list of the provider")?;
    Ok(document.feed.entry.iter().map(|entry| of_entry(base, entry)).collect())
}

fn of_entry(base: &Url, entry: &Entry) -> Result<Advisory, Rejected> {
    let link =
        |is_it: &dyn Fn(&Link) -> bool| entry.link.iter().find(|link| is_it(link)).map(|link| &link.href);
    let of_itself = link(&|link| link.rel == "self");
    let src = entry.content.as_ref().map(|content| &content.src).or(of_itself);
    let url = at(base, src.map_or("", |src| src.as_str()))?;
    let hash = |name: &str| link(&|link| link.rel == "hash" && link.href.ends_with(name));
    let checksum = match hash(".sha512").or_else(|| hash(".sha256")) {
        Some(url) => Checksum::Listed(at(base, url)?),
        None => Checksum::None,
    };
    Ok(Advisory { updated: seconds(&entry.updated), url, checksum })
}

fn changes(base: &Url, text: &[u8]) -> Result<Vec<Result<Advisory, Rejected>>, FetchError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut advisories = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|_| unreadable("a list of the provider"))?;
        if let Some(path) = row.get(0).map(str::trim).filter(|path| !path.is_empty()) {
            advisories.push(in_directory(base, path, row.get(1).and_then(seconds)));
        }
    }
    Ok(advisories)
}

fn in_directory(base: &Url, path: &str, updated: Option<i64>) -> Result<Advisory, Rejected> {
    Ok(Advisory { updated, url: at(base, path)?, checksum: Checksum::Beside })
}

/// The address of a document that a list names.
fn at(base: &Url, text: &str) -> Result<Url, Rejected> {
    let url = base.join(text).ok().filter(|_| !text.is_empty());
    url.ok_or_else(|| Rejected {
        record: base.to_string(),
        reason: format!("`{text}` is no address of a document"),
    })
}

fn seconds(text: &str) -> Option<i64> {
    Some(time::read(text.trim())?.micros() / 1_000_000)
}

fn parse<'d, T: Deserialize<'d>>(text: &'d [u8], what: &str) -> Result<T, FetchError> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    serde_json::from_slice(text).map_err(|_| unreadable(what))
}

fn unreadable(what: &str) -> FetchError {
    FetchError::Address(format!("{what} cannot be read"))
}
