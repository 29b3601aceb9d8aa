//! Keys of sources.

use super::FetchError;
use crate::feed::Feed;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;

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

/// The key of a feed, if it has one.
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

/// The header in which the source wants its key.
pub(super) fn secret_header(feed: &Feed, key: Option<&Secret>) -> Result<HeaderMap, FetchError> {
    let mut headers = HeaderMap::new();
    if let (Some(name), Some(key)) = (&feed.key_header, key) {
        let name: HeaderName =
            name.parse().map_err(|_| FetchError::Address(format!("{name} is no header")))?;
        let mut value = HeaderValue::from_str(key.reveal())
            .map_err(|_| FetchError::Key("its place: it has characters that no header has".to_owned()))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
