//! TAXII 2.1, 3.3 to 3.5: order, `limit`, `more` and `next`.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::actions::MAX_PAGES;
use crate::exchange::{Exchange, text};
use crate::sample::{Record, Sample, record};
use crate::stamp::instant;
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};

checks![
    records_are_sorted_by_date_added,
    limit_is_never_exceeded,
    all_is_given_when_it_fits,
    more_is_true_while_more_is_left,
    next_belongs_to_more,
    pages_by_next_give_each_record_once,
    pages_by_added_after_lose_nothing,
    next_is_not_trusted,
];

/// Whole listings, not only the sample: an unsorted page may be anywhere.
async fn records_are_sorted_by_date_added(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    let mut places = vec![(collection.id.clone(), vec![("match[version]", "all")])];
    if let Ok(sample) = suite.sample().await {
        places.push((sample.collection.clone(), vec![("match[id]", &sample.ids), ("match[version]", "all")]));
    }
    for (id, query) in places {
        let mut before = None;
        for page in suite.walk(Endpoint::Manifest(&id), &query).await? {
            for (i, value) in page.objects()?.iter().enumerate() {
                let now = text(value, "date_added").and_then(instant);
                if now < before {
                    let at = format!("/objects/{i}/date_added");
                    return Err(page.fail(at, "older than the record before it"));
                }
                before = now;
            }
        }
    }
    // Objects have no date of their own; they follow the order of the manifest.
    let sample = suite.sample().await?;
    let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all")];
    let page = suite.get_ok(Endpoint::Objects(&sample.collection), &query).await?;
    let mut before = None;
    for (i, object) in page.objects()?.iter().enumerate() {
        let Some(added) = date_added(sample, object) else { continue };
        if added < before {
            return Err(page.fail(format!("/objects/{i}"), "added before the object in front of it"));
        }
        before = added;
    }
    Ok(())
}

async fn limit_is_never_exceeded(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    for (limit, most) in [("1", 1), ("2", 2)] {
        let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("limit", limit)];
        for at in listings(sample) {
            let page = suite.get_ok(at, &query).await?;
            let found = page.objects()?.len();
            if found > most {
                return Err(page.fail("/objects", format!("{found} entries, more than the limit")));
            }
            if found == 0 {
                return Err(page.fail("/objects", "a page is empty although objects match"));
            }
        }
    }
    Ok(())
}

async fn all_is_given_when_it_fits(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("limit", "1000")];
    for at in listings(sample) {
        let page = suite.get_ok(at, &query).await?;
        let found = page.objects()?.len();
        // A server with a limit below the size of the sample says `more`, and that is fine.
        if found != sample.records.len() && !page.more()? {
            return Err(page.fail("/objects", format!("{found} of {} and no more", sample.records.len())));
        }
        if found == sample.records.len() && page.more()? {
            return Err(page.fail("/more", "true, but this was everything"));
        }
    }
    Ok(())
}

async fn more_is_true_while_more_is_left(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("limit", "1")];
    for at in listings(sample) {
        let page = suite.get_ok(at, &query).await?;
        if !page.more()? {
            return Err(
                page.fail("/more", format!("not true, but the sample has {} records", sample.records.len()))
            );
        }
        if page.next()?.is_none() && page.header("x-taxii-date-added-last").is_none() {
            return Err(page.fail("/next", "neither next nor X-TAXII-Date-Added-Last: nobody can go on"));
        }
    }
    Ok(())
}

/// `next` is of use only where `more` is true; some clients go on while they see it.
async fn next_belongs_to_more(suite: &Suite) -> Verdict {
    super::visit(suite).await?;
    for page in suite.client.seen() {
        let is_envelope = page.is_success() && page.shape.is_some_and(|shape| shape.name == "envelope");
        let has_next = page.json.as_ref().is_ok_and(|json| json.get("next").is_some());
        if is_envelope && has_next && !page.more()? {
            return Err(page.fail("/next", "present although more is not true"));
        }
    }
    Ok(())
}

async fn pages_by_next_give_each_record_once(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    for limit in ["1", "2", "3"] {
        let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("limit", limit)];
        let first = suite.get_ok(Endpoint::Objects(&sample.collection), &query).await?;
        if first.next()?.is_none() {
            return not_applicable("the server offers no next");
        }
        let mut seen: Vec<(String, String)> = Vec::new();
        for page in suite.walk(Endpoint::Objects(&sample.collection), &query).await? {
            for (i, object) in page.objects()?.iter().enumerate() {
                let version =
                    text(object, "modified").or_else(|| text(object, "created")).unwrap_or_default();
                let key = (text(object, "id").unwrap_or_default().to_owned(), version.to_owned());
                if seen.contains(&key) {
                    return Err(
                        page.fail(format!("/objects/{i}"), format!("{} {} came before", key.0, key.1))
                    );
                }
                seen.push(key);
            }
        }
        if seen.len() != sample.records.len() {
            let detail = format!("all pages together hold {} of {}", seen.len(), sample.records.len());
            return Err(first.fail("/objects", detail));
        }
    }
    Ok(())
}

/// 3.5: without `next`, a client goes on after the last date of the page before.
async fn pages_by_added_after_lose_nothing(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let mut seen: Vec<Record> = Vec::new();
    let mut after = None;
    for _ in 0..MAX_PAGES {
        let mut query = vec![("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("limit", "1")];
        query.extend(after.as_deref().map(|after| ("added_after", after)));
        let page = suite.get_ok(Endpoint::Manifest(&sample.collection), &query).await?;
        seen.extend(page.objects()?.iter().filter_map(record));
        if !page.more()? {
            break;
        }
        let Some(last) = page.header("x-taxii-date-added-last") else {
            return Err(page.fail("X-TAXII-Date-Added-Last", "missing, so nobody can ask for the next page"));
        };
        after = Some(last.to_owned());
    }
    if seen == sample.records {
        return Ok(());
    }
    let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("limit", "1")];
    let page = suite.get_ok(Endpoint::Manifest(&sample.collection), &query).await?;
    let (found, all) = (seen.len(), sample.records.len());
    Err(page.fail("/objects", format!("going on by added_after gives {found} records, the whole is {all}")))
}

/// Appendix B: never data outside the query and the rights. An invented value is no valid parameter.
async fn next_is_not_trusted(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    for forged in ["no-such-page", "1", "'; drop table objects; --"] {
        for at in listings(sample) {
            suite.get(at, &[("limit", "1"), ("next", forged)]).await?.expect(&[400, 404])?;
        }
    }
    let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("limit", "1")];
    let page = suite.get_ok(Endpoint::Objects(&sample.collection), &query).await?;
    let Some(next) = page.next()?.map(str::to_owned) else { return Ok(()) };
    let next = ("next", next.as_str());

    // A real value, and the question it belongs to, carried to another collection.
    let own: BTreeSet<&str> = sample.ids.split(',').collect();
    let foreign = [&query[..], &[next]].concat();
    for other in suite.collections.iter().filter(|c| c.can_read && c.id != sample.collection).take(2) {
        let answer = suite.get(Endpoint::Objects(&other.id), &foreign).await?;
        if answer.is_success() && holds_any(&answer, &own)? {
            return Err(answer.fail("/objects", "gives objects of the collection that made this next"));
        }
    }
    // The same collection, another question.
    let changed = [("match[id]", sample.ids.as_str()), ("match[type]", "campaign"), ("limit", "1"), next];
    let answer = suite.get(Endpoint::Objects(&sample.collection), &changed).await?;
    if answer.is_success() && holds_any(&answer, &own)? {
        return Err(answer.fail("/objects", "gives objects that the filters of this request leave out"));
    }
    Ok(())
}

fn holds_any(page: &Arc<Exchange>, ids: &BTreeSet<&str>) -> Verdict<bool> {
    Ok(page.objects()?.iter().filter_map(|object| text(object, "id")).any(|id| ids.contains(id)))
}

fn listings(sample: &Sample) -> [Endpoint<'_>; 2] {
    [Endpoint::Objects(&sample.collection), Endpoint::Manifest(&sample.collection)]
}

/// When the manifest says that this version of an object was added.
fn date_added(sample: &Sample, object: &serde_json::Value) -> Option<Option<jiff::Timestamp>> {
    let id = text(object, "id")?;
    let version = text(object, "modified").or_else(|| text(object, "created")).and_then(instant);
    let fits = |r: &&Record| r.id == id && (version.is_none() || instant(&r.version) == version);
    Some(instant(&sample.records.iter().find(fits)?.date_added))
}
