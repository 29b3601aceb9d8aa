//! TAXII 2.1, 3.1 and 3.2: the headers of an answer.

use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_TYPE, DATE};

use crate::client::{Request, TAXII};
use crate::exchange::{Exchange, text};
use crate::sample::{Record, Sample};
use crate::stamp::{instant, is_taxii_form};
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};

const FIRST: &str = "X-TAXII-Date-Added-First";
const LAST: &str = "X-TAXII-Date-Added-Last";

checks![
    answers_name_their_media_type,
    date_headers_are_there,
    date_headers_belong_to_the_page,
    successes_have_their_body,
    date_is_sent,
    unoffered_method_is_405,
];

/// Success and error alike: every answer of the run that has a body.
async fn answers_name_their_media_type(suite: &Suite) -> Verdict {
    super::visit(suite).await?;
    for answer in suite.client.seen().iter().filter(|e| !e.body.is_empty()) {
        let value = answer.header(CONTENT_TYPE.as_str()).unwrap_or("");
        // Quotes and white space are other spellings of the same type.
        let plain = value.to_ascii_lowercase().replace([' ', '"'], "");
        if plain != TAXII {
            return Err(answer.fail("Content-Type", format!("{value:?}, expected {TAXII}")));
        }
    }
    Ok(())
}

async fn date_headers_are_there(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    for page in pages(suite, sample).await? {
        for name in [FIRST, LAST] {
            match page.header(name) {
                Some(value) if is_taxii_form(value) => {}
                Some(value) => {
                    return Err(page.fail(name, format!("{value:?} is not YYYY-MM-DDTHH:MM:SS.ssssssZ")));
                }
                None => return Err(page.fail(name, "missing")),
            }
        }
    }
    Ok(())
}

/// The dates of the first and the last element of this page, not of the whole result.
async fn date_headers_belong_to_the_page(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    for page in pages(suite, sample).await? {
        let (Some(first), Some(last)) = (page.header(FIRST), page.header(LAST)) else { continue };
        if instant(first) > instant(last) {
            return Err(page.fail(FIRST, format!("{first} is later than the last date {last}")));
        }
    }
    for (limit, size) in [("1", 1), ("2", 2)] {
        let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("limit", limit)];
        let page = suite.get_ok(Endpoint::Manifest(&sample.collection), &query).await?;
        let dates: Vec<&str> = page.objects()?.iter().filter_map(|r| text(r, "date_added")).collect();
        let (Some(first), Some(last)) = (dates.first(), dates.last()) else { continue };
        same(&page, FIRST, first)?;
        same(&page, LAST, last)?;
        let page = suite.get_ok(Endpoint::Objects(&sample.collection), &query).await?;
        if page.objects()?.len() == size.min(sample.records.len()) {
            same(&page, FIRST, first)?;
            same(&page, LAST, last)?;
        }
    }
    let Record { id, .. } = &sample.records[0];
    let of_object: Vec<&Record> = sample.records.iter().filter(|r| r.id == *id).collect();
    let page = suite.get_ok(Endpoint::Versions(&sample.collection, id), &[]).await?;
    if let (Some(first), Some(last), false) = (of_object.first(), of_object.last(), page.more()?) {
        same(&page, FIRST, &first.date_added)?;
        same(&page, LAST, &last.date_added)?;
    }
    Ok(())
}

fn same(page: &Exchange, name: &str, expected: &str) -> Verdict {
    let value = page.header(name).unwrap_or("missing");
    if instant(value) == instant(expected) {
        return Ok(());
    }
    Err(page.fail(name, format!("{value:?}, but the element at this end was added at {expected}")))
}

/// One non-empty page of each endpoint that has the headers.
async fn pages(suite: &Suite, sample: &Sample) -> Verdict<Vec<std::sync::Arc<Exchange>>> {
    let (collection, object) = (sample.collection.as_str(), sample.records[0].id.as_str());
    let narrow = [("match[id]", sample.ids.as_str())];
    Ok(vec![
        suite.get_ok(Endpoint::Manifest(collection), &narrow).await?,
        suite.get_ok(Endpoint::Objects(collection), &narrow).await?,
        suite.get_ok(Endpoint::Object(collection, object), &[]).await?,
        suite.get_ok(Endpoint::Versions(collection, object), &[]).await?,
    ])
}

/// Whatever resource the endpoint defines: never a 200 without it, never a 204.
async fn successes_have_their_body(suite: &Suite) -> Verdict {
    super::visit(suite).await?;
    for answer in suite.client.seen().iter().filter(|e| e.is_success()) {
        if answer.shape.is_some() {
            answer.resource()?;
        }
    }
    Ok(())
}

async fn date_is_sent(suite: &Suite) -> Verdict {
    let answer = suite.get(Endpoint::Discovery, &[]).await?;
    if answer.header(DATE.as_str()).is_none() {
        return Err(answer.fail("Date", "missing, so a client cannot see how wrong its clock is"));
    }
    Ok(())
}

async fn unoffered_method_is_405(suite: &Suite) -> Verdict {
    let request = Request::new(Method::PUT, suite.url(Endpoint::Collections)).auth(&suite.options.auth);
    let answer = suite.send(request).await?;
    if answer.is_success() {
        return not_applicable("the server offers PUT on the list of collections");
    }
    answer.expect(&[405])?;
    if answer.header(ALLOW.as_str()).is_none() {
        return Err(answer.fail("Allow", "a 405 names the methods there are"));
    }
    Ok(())
}
