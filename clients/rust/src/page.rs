//! Walking through a collection page by page.

use crate::date::in_utc;
use crate::http::{Answer, Http};
use crate::resource::{self, Shape, is_object};
use crate::{Error, Filter, Remark, Url, kept};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::{self, ErrorKind};
use std::mem::{Discriminant, discriminant};
use std::path::Path;
use std::sync::Arc;
use stix_model::taxii::{self, Envelope, Manifest, ManifestRecord, Versions};
use stix_model::{Object, ObjectError, Timestamp};

/// One page of what was asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// What the page holds, oldest addition first; objects are the text that the server sent.
    pub objects: Vec<T>,
    /// More pages follow.
    pub more: bool,
    /// Where the server says to go on.
    pub next: Option<String>,
    /// When the first element of the page entered the collection, in UTC with `Z`.
    pub date_added_first: Option<String>,
    /// When the last element of the page entered the collection, in UTC with `Z`.
    pub date_added_last: Option<String>,
    /// The media type that the server gave it.
    pub media_type: Option<String>,
    /// What is odd about the page; what an earlier page of the walk told is not told again.
    pub remarks: Vec<Remark>,
}

impl Page<Box<RawValue>> {
    /// The objects with their headers, each as the text that the server sent.
    ///
    /// # Errors
    /// For each that is no STIX object: what is wrong with it. A server may hold such objects all the same.
    pub fn read(&self) -> impl Iterator<Item = Result<Object, ObjectError>> + '_ {
        self.objects.iter().map(|text| Object::parse(text.get()))
    }
}

/// A place between two pages. Kept by a program, it lets a walk go on where it stopped.
///
/// ```no_run
/// # async fn pull(client: &taxii_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use taxii_client::{Filter, Position};
/// let file = "indicators.position".as_ref();
/// let position = Position::load(file)?.unwrap_or_default();
/// let mut pages = client.objects("indicators", Filter::default()).await?.starting_at(position);
/// while let Some(page) = pages.next().await? {
///     // Here the program keeps what is on the page. Then it keeps how far it came: in this order, a crash in between
///     // brings a page again, and loses none.
///     pages.position().save(file)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Position {
    /// What the server gave to go on with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Takes the place of [`Filter::added_after`] once pages were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_after: Option<String>,
    /// The newest `date_added` that the server told of. None when it told none for the last objects: then there is
    /// no way to ask for what comes later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<String>,
}

impl Position {
    /// Reads what [`save`](Self::save) wrote; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn load(file: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(file) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps the position in a file, in one step: after a crash the file holds the position before or this one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, file: &Path) -> io::Result<()> {
        kept::save(file, self)
    }
}

/// Pages that have no object on them but promise more. A server may look through many objects to find few, so some
/// are fine.
const MOST_EMPTY_PAGES: u32 = 100;

/// The pages of a collection, an object, a manifest or a list of versions, one request each.
///
/// The same filters go with every request. Where a server gives no `next`, the walk goes on after
/// `X-TAXII-Date-Added-Last` (TAXII 2.1, section 3.5). A server that leads in circles is an [`Error::NoProgress`].
#[derive(Debug)]
pub struct Pages<R> {
    http: Arc<Http>,
    url: Url,
    filter: Filter,
    position: Position,
    is_finished: bool,
    empty_pages: u32,
    track: Track,
    told: Vec<Discriminant<Remark>>,
    resource: std::marker::PhantomData<fn() -> R>,
}

impl<R: Paged> Pages<R> {
    pub(crate) fn new(http: Arc<Http>, url: Url, filter: Filter) -> Self {
        let position = Position::default();
        let track = Track::new(position.clone());
        let resource = std::marker::PhantomData;
        let told = Vec::new();
        Self { http, url, filter, position, is_finished: false, empty_pages: 0, track, told, resource }
    }

    /// Starts from a position that an earlier walk with the same filter reached.
    #[must_use]
    pub fn starting_at(mut self, mut position: Position) -> Self {
        // An older program may have kept dates as the server sent them.
        for date in [&mut position.added_after, &mut position.newest].into_iter().flatten() {
            *date = in_utc(date).unwrap_or_else(|| std::mem::take(date));
        }
        self.track = Track::new(position.clone());
        self.position = position;
        self
    }

    /// The place after the last page. When the walk is finished, this is where a later walk finds what was added
    /// since.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The address that is asked, without filters.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The next page; `None` when there is none.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or leads nowhere. The position stays where it was, so that the
    /// same page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<Page<R::Item>>, Error> {
        if self.is_finished {
            return Ok(None);
        }
        let answer = self.http.get(&self.filter.query(&self.url, &self.position)).await?;
        let mut page = read::<R>(&answer)?;
        self.advance(&page)?;
        page.remarks.retain(|remark| {
            let is_new = !self.told.contains(&discriminant(remark));
            self.told.extend(is_new.then(|| discriminant(remark)));
            is_new
        });
        Ok(Some(page))
    }

    /// The pages as a stream, which ends with the last one or after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Page<R::Item>, Error>> {
        stream::try_unfold(self, |mut pages| async {
            let page = pages.next().await?;
            Ok(page.map(|page| (page, pages)))
        })
    }

    fn advance(&mut self, page: &Page<R::Item>) -> Result<(), Error> {
        let mut position = self.position.clone();
        if !page.objects.is_empty() {
            position.newest = page.date_added_last.clone().map(|last| {
                // Some servers send the newest objects first.
                let others = [&page.date_added_first, &position.newest];
                others.into_iter().flatten().fold(last, |newest, date| later(newest, date))
            });
        }
        position.next = None;
        if !page.more {
            position.added_after = position.newest.clone().or(position.added_after);
            self.position = position;
            self.is_finished = true;
            return Ok(());
        }
        match (&page.next, &page.date_added_last) {
            (Some(next), _) if !next.is_empty() => position.next = Some(next.clone()),
            (_, Some(last)) => {
                let before = position.added_after.as_ref().or(self.filter.added_after.as_ref());
                if before.is_some_and(|before| !is_later(last, before)) {
                    return self.no_progress("X-TAXII-Date-Added-Last is not after `added_after`");
                }
                position.added_after = Some(last.clone());
            }
            (_, None) if page.remarks.iter().any(|remark| matches!(remark, Remark::Date { .. })) => {
                return self.no_progress("sends no `next`, and dates in a form that cannot be read");
            }
            (_, None) => return self.no_progress("sends neither `next` nor X-TAXII-Date-Added-Last"),
        }
        self.empty_pages = if page.objects.is_empty() { self.empty_pages + 1 } else { 0 };
        if self.empty_pages > MOST_EMPTY_PAGES {
            return self.no_progress("sends one empty page after the other");
        }
        if self.track.returns_to(&position) {
            return self.no_progress("its `next` leads back to a page that was read already");
        }
        self.position = position;
        Ok(())
    }

    fn no_progress(&self, reason: &'static str) -> Result<(), Error> {
        Err(Error::NoProgress { url: self.url.clone(), reason })
    }
}

impl Pages<Envelope> {
    /// The objects as a stream, each with its header and as the text that the server sent. The next page is asked for when
    /// its first object is.
    ///
    /// ```no_run
    /// # async fn names(client: &taxii_client::Client) -> Result<(), taxii_client::Error> {
    /// use futures::TryStreamExt;
    /// use taxii_client::Filter;
    /// let objects = client.objects("indicators", Filter::default().object_type("indicator")).await?;
    /// let mut objects = std::pin::pin!(objects.into_objects());
    /// while let Some(object) = objects.try_next().await? {
    ///     println!("{}", object.header().id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`next`](Pages::next), after which the stream ends; [`Error::Object`] for an object that is none of STIX,
    /// after which it goes on.
    pub fn into_objects(self) -> impl Stream<Item = Result<Object, Error>> {
        let url = self.url.clone();
        let objects = move |page: Page<Box<RawValue>>| {
            let url = url.clone();
            let read = move |text: Box<RawValue>| {
                Object::parse(text.get()).map_err(|reason| {
                    let start = text.get().chars().take(SHOWN).collect::<String>().into();
                    Error::Object { url: url.clone(), reason: Box::new(reason), start }
                })
            };
            stream::iter(page.objects.into_iter().map(read))
        };
        self.into_stream().map_ok(objects).flat_map(|page| match page {
            Ok(objects) => objects.left_stream(),
            Err(error) => stream::iter([Err(error)]).right_stream(),
        })
    }
}

/// Characters of an object that a message shows.
const SHOWN: usize = 80;

fn read<R: Paged>(answer: &Answer) -> Result<Page<R::Item>, Error> {
    let mut list = resource::list(answer, &R::SHAPE)?;
    let mut objects = Vec::with_capacity(list.elements.len());
    for (index, element) in std::mem::take(&mut list.elements) {
        match R::item(&element, &mut list.remarks) {
            Some(item) => objects.push(item),
            None => return Err(list.unusable(answer, &R::SHAPE, index, &element)),
        }
    }
    let (more, next, mut remarks) = (list.more, list.next, list.remarks);
    let mut date = |header: &'static str| {
        let value = String::from_utf8_lossy(answer.headers.get(header)?.as_bytes()).trim().to_owned();
        let date = in_utc(&value);
        if date.is_none() && !value.is_empty() {
            remarks.push(Remark::Date { header, value });
        }
        date
    };
    let (date_added_first, date_added_last) = (date(taxii::DATE_ADDED_FIRST), date(taxii::DATE_ADDED_LAST));
    let media_type =
        answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Page { objects, more, next, date_added_first, date_added_last, media_type, remarks })
}

/// The later of two dates; the first one when they cannot be compared.
fn later(one: String, other: &str) -> String {
    let dates = (Timestamp::from_any_form(&one), Timestamp::from_any_form(other));
    if matches!(dates, (Some(one), Some(other)) if other > one) { other.to_owned() } else { one }
}

/// Not every server writes timestamps as the standard does; such a date is taken as later when it differs at all.
fn is_later(date: &str, before: &str) -> bool {
    match (Timestamp::from_any_form(date), Timestamp::from_any_form(before)) {
        (Some(date), Some(before)) => date > before,
        _ => date != before,
    }
}

/// Finds circles with constant memory (Brent's method): one place is remembered, and replaced after 1, 2, 4, …
/// steps, so that it ends up inside the circle with enough steps left to come back to it.
#[derive(Debug)]
struct Track {
    mark: Position,
    steps: u64,
    until: u64,
}

impl Track {
    fn new(mark: Position) -> Self {
        Self { mark, steps: 0, until: 1 }
    }

    fn returns_to(&mut self, position: &Position) -> bool {
        if (&position.next, &position.added_after) == (&self.mark.next, &self.mark.added_after) {
            return true;
        }
        self.steps += 1;
        if self.steps == self.until {
            *self = Self { mark: position.clone(), steps: 0, until: self.until * 2 };
        }
        false
    }
}

/// A TAXII resource that comes in pages.
pub trait Paged: sealed::Sealed {
    /// What a page holds.
    type Item;

    /// Where the elements stand.
    #[doc(hidden)]
    const SHAPE: Shape;

    /// Reads an element; `None` when it is something else.
    #[doc(hidden)]
    fn item(element: &RawValue, remarks: &mut Vec<Remark>) -> Option<Self::Item>;
}

impl Paged for Envelope {
    type Item = Box<RawValue>;
    const SHAPE: Shape =
        Shape { name: "an envelope", member: "objects", element: "a JSON object", mark: "type" };

    fn item(element: &RawValue, _: &mut Vec<Remark>) -> Option<Self::Item> {
        is_object(element).then(|| element.to_owned())
    }
}

impl Paged for Manifest {
    type Item = ManifestRecord;
    const SHAPE: Shape =
        Shape { name: "a manifest", member: "objects", element: "a record with an `id`", mark: "id" };

    fn item(element: &RawValue, remarks: &mut Vec<Remark>) -> Option<Self::Item> {
        let record: ManifestRecord = if element.get().starts_with('"') {
            remarks.push(Remark::PlainIds);
            serde_json::from_str(&format!(r#"{{"id":{element}}}"#)).ok()?
        } else {
            serde_json::from_str(Some(element).filter(|element| is_object(element))?.get()).ok()?
        };
        Some(record).filter(|record| !record.id.is_empty())
    }
}

impl Paged for Versions {
    type Item = String;
    const SHAPE: Shape =
        Shape { name: "a list of versions", member: "versions", element: "a version", mark: "version" };

    fn item(element: &RawValue, _: &mut Vec<Remark>) -> Option<Self::Item> {
        let versions = format!(r#"{{"versions":[{element}]}}"#);
        serde_json::from_str::<Self>(&versions).ok()?.versions.pop()
    }
}

mod sealed {
    use super::{Envelope, Manifest, Versions};

    pub trait Sealed {}
    impl Sealed for Envelope {}
    impl Sealed for Manifest {}
    impl Sealed for Versions {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_circle_is_found_soon() {
        for (lead, circle) in [(0, 1), (0, 2), (3, 1), (7, 5), (100, 64)] {
            let place = |step: u64| {
                let at = if step < lead { step } else { lead + (step - lead) % circle };
                Position { next: Some(at.to_string()), ..Position::default() }
            };
            let mut track = Track::new(Position::default());
            let found = (0..).find(|step| track.returns_to(&place(*step))).unwrap();
            assert!(found <= 4 * (lead + circle), "{lead} {circle} {found}");
        }
    }
}
