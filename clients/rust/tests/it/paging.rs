//! Every object once, from every kind of server; and an error instead of an endless walk.

use crate::stub::{Behaviour, COLLECTION, Paging, Stub, date_added, object};
use futures::StreamExt;
use taxii_client::{Error, Filter, Page, Pages, Position};

type Objects = Pages<taxii_client::taxii::Envelope>;

async fn pages(stub: &Stub, filter: Filter) -> Objects {
    stub.client().objects(COLLECTION, filter).await.unwrap()
}

async fn walk(pages: &mut Objects) -> Result<Vec<String>, Error> {
    let mut objects = Vec::new();
    while let Some(page) = pages.next().await? {
        objects.extend(page.objects.iter().map(|object| object.get().to_owned()));
    }
    Ok(objects)
}

#[tokio::test]
async fn objects_come_once_and_unchanged() {
    for paging in [Paging::Next, Paging::Dates, Paging::NextWithoutDates] {
        for page in [1, 2, 3, 9, 10, 11] {
            let stub = Stub::start(Behaviour { paging, page, ..Behaviour::default() });
            let mut pages = pages(&stub, Filter::default()).await;
            let objects = walk(&mut pages).await.unwrap();
            assert_eq!(objects, stub.behaviour().objects, "{paging:?}, {page}");
            assert!(pages.next().await.unwrap().is_none());
            let newest = (paging != Paging::NextWithoutDates).then(|| date_added(9));
            assert_eq!(pages.position().newest, newest);
        }
    }
}

#[tokio::test]
async fn objects_come_as_a_stream() {
    let odd = r#"{"type": "url", "id": 5}"#;
    let mut objects: Vec<String> = (0..10).map(object).collect();
    objects[4] = odd.to_owned();
    let stub = Stub::start(Behaviour { objects, ..Behaviour::default() });
    let pages = pages(&stub, Filter::default()).await;
    let read: Vec<_> = pages.into_objects().collect().await;
    assert_eq!(read.len(), 10);
    for (number, object) in read.iter().enumerate() {
        match object {
            Ok(object) => assert_eq!(object.json()[..], *self::object(number).as_bytes()),
            Err(error) => {
                assert_eq!(number, 4);
                assert!(matches!(error, Error::Object { start, .. } if **start == *odd), "{error}");
            }
        }
    }
    stub.behaviour().pages_left = 2;
    let read: Vec<_> = self::pages(&stub, Filter::default()).await.into_objects().collect().await;
    assert_eq!(read.iter().filter(|object| object.is_ok()).count(), 5);
    assert!(matches!(read.last(), Some(Err(Error::Refused { .. } | Error::Connection { .. }))), "{read:?}");
}

#[tokio::test]
async fn filters_go_with_every_page() {
    let stub = Stub::start(Behaviour { page: 2, ..Behaviour::default() });
    let since = date_added(1).parse().unwrap();
    let filter = Filter::default().object_type("url").object_type("tool").added_after(&since).limit(50);
    let objects = walk(&mut pages(&stub, filter).await).await.unwrap();
    assert_eq!(objects, [2, 4, 6, 8].map(object));
    let asked = stub.behaviour().requests[1..].to_vec();
    let query = "added_after=2017-07-14T02%3A40%3A00.000001Z&limit=50";
    let path = format!("GET /root/collections/{COLLECTION}/objects/?{query}");
    let types = "match%5Btype%5D=url%2Ctool";
    assert_eq!(asked, [format!("{path}&{types}"), format!("{path}&next=at-6&{types}")]);
}

#[tokio::test]
async fn a_walk_goes_on_from_any_position() {
    for paging in [Paging::Next, Paging::Dates] {
        let stub = Stub::start(Behaviour { paging, page: 2, ..Behaviour::default() });
        let mut first = pages(&stub, Filter::default()).await;
        let mut seen = 0;
        while let Some(Page { objects, .. }) = first.next().await.unwrap() {
            seen += objects.len();
            let mut second = pages(&stub, Filter::default()).await.starting_at(first.position().clone());
            assert_eq!(
                walk(&mut second).await.unwrap(),
                stub.behaviour().objects[seen..],
                "{paging:?}, {seen}"
            );
        }
        // What comes later is all that is new.
        stub.behaviour().objects.push(object(10));
        let mut later = pages(&stub, Filter::default()).await.starting_at(first.position().clone());
        assert_eq!(walk(&mut later).await.unwrap(), [object(10)]);
    }
}

#[tokio::test]
async fn a_server_that_leads_nowhere_is_an_error() {
    let cases = [
        (Paging::Nowhere, "sends neither `next` nor X-TAXII-Date-Added-Last"),
        (Paging::SameDate, "X-TAXII-Date-Added-Last is not after `added_after`"),
        (Paging::Circle, "its `next` leads back to a page that was read already"),
        (Paging::Empty, "sends one empty page after the other"),
    ];
    for (paging, expected) in cases {
        let stub = Stub::start(Behaviour { paging, page: 1, ..Behaviour::default() });
        let error = walk(&mut pages(&stub, Filter::default()).await).await.unwrap_err();
        assert!(
            matches!(error, Error::NoProgress { reason, .. } if reason == expected),
            "{paging:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_failed_page_can_be_asked_for_again() {
    let stub = Stub::start(Behaviour { pages_left: 2, ..Behaviour::default() });
    let mut pages = pages(&stub, Filter::default()).await;
    assert!(walk(&mut pages).await.is_err());
    assert_eq!(pages.position().next.as_deref(), Some("at-6"));
    stub.behaviour().pages_left = 9;
    assert_eq!(walk(&mut pages).await.unwrap(), stub.behaviour().objects[6..]);
    assert_ne!(*pages.position(), Position::default());
}
