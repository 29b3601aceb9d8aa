//! What checks do in several requests: add the objects of the run, walk over pages, wait for a status, clean up.

use std::iter;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::exchange::{Exchange, text};
use crate::sample::{Record, Sample, Seed, envelope, record};
use crate::suite::{Endpoint, Query, Suite};
use crate::verdict::{Stop, Verdict, not_applicable};

/// How often a pending status is asked again, a quarter of a second apart.
const MAX_POLLS: usize = 60;
/// Fewer records make no pages.
const MIN_RECORDS: usize = 3;
/// No walk over pages goes further: a server may say `more` for ever.
pub(crate) const MAX_PAGES: usize = 40;

impl Suite {
    /// The objects of this run, added when the first check asks for them.
    pub(crate) async fn seed(&self) -> Verdict<&Seed> {
        let collection = self.writable()?;
        let seed = self.seed.get_or_init(|| async {
            let mut seed = Seed::new(&collection.id, |kind| self.fresh(kind));
            for objects in seed.envelopes() {
                let status = self.add_and_wait(&collection.id, &objects).await.map_err(reason)?;
                seed.statuses.push(status);
            }
            Ok(seed)
        });
        seed.await.as_ref().or_else(|why| not_applicable(format!("the sample objects are not there: {why}")))
    }

    /// The known set for filters and pages: the seed, or what a reading account finds.
    ///
    /// A server that cannot list it fails every check that asks: these are plain requests that have to work.
    pub(crate) async fn sample(&self) -> Verdict<&Sample> {
        let sample = self.sample.get_or_init(|| async {
            let (collection, ids) = match self.seed().await {
                Ok(seed) => (seed.collection.clone(), seed.ids().join(",")),
                Err(_) => self.found_ids().await?,
            };
            let query = [("match[id]", ids.as_str()), ("match[version]", "all")];
            let records = self.walk_manifest(&collection, &query).await?;
            if records.len() < MIN_RECORDS {
                return not_applicable(format!("only {} records to try filters and pages on", records.len()));
            }
            Ok(Sample { collection, ids, records })
        });
        sample.await.as_ref().map_err(Stop::clone)
    }

    /// The collection that was asked for, else the first readable one that holds enough.
    async fn found_ids(&self) -> Verdict<(String, String)> {
        let first = self.readable()?;
        let others = self.collections.iter().filter(|c| c.can_read && c.id != first.id).take(10);
        let is_free = self.options.collection.is_none();
        for collection in iter::once(first).chain(others.filter(|_| is_free)) {
            let page = self.get_ok(Endpoint::Manifest(&collection.id), &[("limit", "10")]).await?;
            let mut ids: Vec<&str> = page.objects()?.iter().filter_map(|record| text(record, "id")).collect();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() >= MIN_RECORDS {
                return Ok((collection.id.clone(), ids.join(",")));
            }
        }
        not_applicable("no collection holds enough objects to try filters and pages on")
    }

    /// All pages of a manifest. `next` where the server offers it, else `added_after`.
    pub(crate) async fn walk_manifest(&self, collection: &str, query: Query<'_>) -> Verdict<Vec<Record>> {
        let mut records = Vec::new();
        for page in self.walk(Endpoint::Manifest(collection), query).await? {
            for (i, value) in page.objects()?.iter().enumerate() {
                let record = record(value)
                    .ok_or_else(|| page.fail(format!("/objects/{i}"), "not a manifest record"))?;
                records.push(record);
            }
        }
        Ok(records)
    }

    /// All pages of a listing, at most [`MAX_PAGES`].
    pub(crate) async fn walk(&self, at: Endpoint<'_>, query: Query<'_>) -> Verdict<Vec<Arc<Exchange>>> {
        let mut pages: Vec<Arc<Exchange>> = Vec::new();
        let mut query: Vec<(&str, String)> = query.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        while pages.len() < MAX_PAGES {
            let plain: Vec<(&str, &str)> = query.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let page = self.get_ok(at, &plain).await?;
            let next = page.next()?.map(str::to_owned);
            let last = page.header("x-taxii-date-added-last").map(str::to_owned);
            let more = page.more()?;
            pages.push(page);
            let step = match (next, last) {
                (Some(next), _) => ("next", next),
                (None, Some(last)) => ("added_after", last),
                (None, None) => break,
            };
            // Medallion keeps one `next` for a whole walk; a standing `added_after` only repeats the page.
            let stands_still = step.0 == "added_after" && query.contains(&step);
            if !more || stands_still {
                break;
            }
            query.retain(|(name, _)| *name != step.0);
            query.push(step);
        }
        Ok(pages)
    }

    /// Adds objects and waits until the server is done with them.
    pub(crate) async fn add_and_wait(&self, collection: &str, objects: &[Value]) -> Verdict<Arc<Exchange>> {
        let added = self.send(self.add_request(collection, envelope(objects))).await?;
        added.expect(&[202])?;
        let status = self.wait_for(added).await?;
        if status.count("success_count")? != objects.len() as u64 {
            let why = status.resource()?.to_string();
            return Err(status.fail("/success_count", format!("not all objects were added: {why}")));
        }
        Ok(status)
    }

    /// Polls a status until it is complete.
    pub(crate) async fn wait_for(&self, added: Arc<Exchange>) -> Verdict<Arc<Exchange>> {
        let mut status = added;
        for _ in 0..MAX_POLLS {
            let resource = status.resource()?;
            if text(resource, "status") != Some("pending") {
                return Ok(status);
            }
            let id = text(resource, "id").unwrap_or_default().to_owned();
            tokio::time::sleep(Duration::from_millis(250)).await;
            status = self.get_ok(Endpoint::Status(&id), &[]).await?;
        }
        not_applicable("the objects stay pending; does the collection wait for somebody's approval?")
    }

    /// A new object id of this run; what is added under it is deleted at the end.
    pub(crate) fn fresh(&self, kind: &str) -> String {
        let id = format!("{kind}--{}", Uuid::new_v4());
        self.added.lock().unwrap_or_else(PoisonError::into_inner).push(id.clone());
        id
    }

    /// Deletes what the run added. A remainder is reported, not judged.
    pub(crate) async fn clean_up(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let own = self.added.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Ok(collection) = &self.writable else { return notes };
        for id in own {
            let gone = self.delete(&collection.id, &id, &[("match[version]", "all")]).await;
            if !gone.is_ok_and(|exchange| matches!(exchange.status, 200 | 404)) {
                notes.push(format!("{id} could not be deleted from collection {}", collection.id));
            }
        }
        notes
    }
}

fn reason(stop: Stop) -> String {
    match stop {
        Stop::Fail(evidence) => evidence.to_string(),
        Stop::NotApplicable(reason) => reason,
    }
}
