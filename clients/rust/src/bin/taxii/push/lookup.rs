//! Whether objects are in a collection.

use super::summary::version;
use crate::input::Found;
use std::collections::BTreeSet;
use stix_model::{Object, Timestamp};
use taxii_client::{Client, Error, Filter, VersionMatch};

/// Identifiers in one question: URLs of 8 KiB are fine everywhere.
const MOST_IDS: usize = 50;

/// For each object, whether the collection has this version of it. What cannot be learned counts as not there.
pub(super) async fn found(client: &Client, collection: &str, objects: &[Found]) -> Vec<bool> {
    let mut seen = BTreeSet::new();
    for some in objects.chunks(MOST_IDS) {
        let all = Filter::default().version(VersionMatch::All);
        let filter = some.iter().fold(all, |filter, found| filter.id(found.object.id()));
        let outcome = match ask_manifest(client, collection, filter.clone(), &mut seen).await {
            Err(Error::Refused { .. } | Error::NotTaxii { .. }) => {
                ask_objects(client, collection, filter, &mut seen).await
            }
            other => other,
        };
        // A server that cannot say it of some will not say it of the others.
        if outcome.is_err() {
            break;
        }
    }
    let is_seen = |found: &Found| {
        let (id, version) = (found.object.header().id.to_string(), instant(version(&found.object)));
        seen.contains(&(id.clone(), version)) || version.is_none() && seen.iter().any(|(seen, _)| *seen == id)
    };
    objects.iter().map(is_seen).collect()
}

type Versions = BTreeSet<(String, Option<i64>)>;

async fn ask_manifest(
    client: &Client,
    collection: &str,
    filter: Filter,
    seen: &mut Versions,
) -> Result<(), Error> {
    let mut pages = client.manifest(collection, filter).await?;
    while let Some(page) = pages.next().await? {
        seen.extend(page.objects.into_iter().map(|record| (record.id, instant(&record.version))));
    }
    Ok(())
}

async fn ask_objects(
    client: &Client,
    collection: &str,
    filter: Filter,
    seen: &mut Versions,
) -> Result<(), Error> {
    let mut pages = client.objects(collection, filter).await?;
    while let Some(page) = pages.next().await? {
        let objects = page.objects.iter().filter_map(|object| Object::parse(object.get()).ok());
        seen.extend(objects.map(|object| (object.header().id.to_string(), instant(version(&object)))));
    }
    Ok(())
}

/// Some servers keep milliseconds only, so that a version is known by them.
fn instant(version: &str) -> Option<i64> {
    Some(version.parse::<Timestamp>().ok()?.micros().div_euclid(1000))
}
