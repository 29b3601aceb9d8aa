//! A collection of a TAXII server. Servers of TAXII 2.1 are followed by the client; one that speaks TAXII 2.0 gives itself away
//! by its answer to the first request.

use super::ranges::Ranges;
use super::{Document, Source};
use crate::feed::Feed;
use crate::fetch::FetchError;
use crate::state::Cursor;
use std::io::Cursor as Bytes;
use stix_model::taxii::{Envelope, write_envelope};
use taxii_client::{Auth, Client, Error, Filter, Options, Page, Pages, Url};

#[derive(Default)]
pub(super) enum Taxii {
    #[default]
    Begin,
    Pages(Box<Pages<Envelope>>),
    Ranges(Ranges),
}

impl Taxii {
    pub(super) async fn next(&mut self, source: &mut Source<'_>) -> Result<Option<Document>, FetchError> {
        if let Self::Begin = self {
            *self = Self::Pages(Box::new(upstream(source.feed, source.url()?, &source.next).await?));
            let Self::Pages(pages) = self else { return Ok(None) };
            let first = pages.next().await;
            match &first {
                Err(Error::Refused { status: 406 | 415, .. } | Error::NotTaxii { .. }) => {}
                Ok(Some(page)) if is_older(page) => {}
                _ => return taken(pages, first?, source),
            }
            *self = Self::Ranges(Ranges::new(&source.url()?, source.next.position.as_ref())?);
            // What is no TAXII 2.0 either is told as what it was for TAXII 2.1.
            let Self::Ranges(ranges) = self else { return Ok(None) };
            return match (ranges.next(source).await, first) {
                (Err(FetchError::Refused { .. } | FetchError::Broken(_)), Err(error)) => Err(error.into()),
                (found, _) => found,
            };
        }
        match self {
            Self::Pages(pages) => {
                let page = pages.next().await?;
                taken(pages, page, source)
            }
            Self::Ranges(ranges) => ranges.next(source).await,
            Self::Begin => Ok(None),
        }
    }
}

fn taken(
    pages: &Pages<Envelope>,
    page: Option<Page<Box<serde_json::value::RawValue>>>,
    source: &mut Source<'_>,
) -> Result<Option<Document>, FetchError> {
    source.next.position = Some(pages.position().clone());
    let Some(page) = page else { return Ok(None) };
    let envelope = write_envelope(None, page.objects.iter().map(|object| object.get().as_bytes()));
    let bytes = envelope.len() as u64;
    Ok(Some(Document::new(Bytes::new(envelope), bytes)))
}

/// Whether a page has a media type of TAXII 2.0: a server may answer in it whatever it was asked for.
fn is_older<T>(page: &Page<T>) -> bool {
    page.media_type.as_deref().is_some_and(|media_type| {
        media_type.trim_start().to_ascii_lowercase().starts_with("application/vnd.oasis.")
    })
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
