//! TAXII 2.1, 5.3: the manifest of a collection.

use std::collections::BTreeSet;

use crate::exchange::{Exchange, text};
use crate::sample::record;
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Stop, Verdict};

checks![manifest_answers, manifest_lists_what_objects_hold];

async fn manifest_answers(suite: &Suite) -> Verdict {
    let mut ids = vec![suite.readable()?.id.clone()];
    // The first readable collection may be an empty one.
    match suite.sample().await {
        Ok(sample) => ids.push(sample.collection.clone()),
        Err(Stop::NotApplicable(_)) => {}
        Err(fail) => return Err(fail),
    }
    for id in ids {
        let page = suite.get_ok(Endpoint::Manifest(&id), &[]).await?;
        for (i, value) in page.objects()?.iter().enumerate() {
            if record(value).is_none() {
                return Err(page.fail(format!("/objects/{i}"), "no id, date_added or version"));
            }
        }
    }
    Ok(())
}

/// The filters of a manifest apply to the objects behind it: same question, same ids.
async fn manifest_lists_what_objects_hold(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let query = [("match[id]", sample.ids.as_str())];
    let manifest = suite.get_ok(Endpoint::Manifest(&sample.collection), &query).await?;
    let objects = suite.get_ok(Endpoint::Objects(&sample.collection), &query).await?;
    if manifest.more()? || objects.more()? {
        return Ok(()); // Pages may differ in size; a comparison would say nothing.
    }
    if ids(&manifest)? != ids(&objects)? {
        return Err(
            manifest.fail("/objects", "other ids than the objects endpoint gives for the same filter")
        );
    }
    Ok(())
}

fn ids(page: &Exchange) -> Verdict<BTreeSet<&str>> {
    Ok(page.objects()?.iter().filter_map(|o| text(o, "id")).collect())
}
