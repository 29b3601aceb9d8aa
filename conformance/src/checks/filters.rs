//! TAXII 2.1, 3.4: `added_after`, `match[id]`, `match[type]`, `match[spec_version]`, and how they combine.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::exchange::{Exchange, text};
use crate::sample::Sample;
use crate::stamp::instant;
use crate::suite::{Endpoint, Query, Suite};
use crate::verdict::{Verdict, not_applicable};

checks![
    added_after_is_strict,
    oldest_objects_come_first,
    match_id_selects_exactly,
    match_type_selects_only_these,
    match_spec_version_selects_only_these,
    values_are_ored,
    fields_are_anded,
    ors_are_anded,
];

/// The record whose stamp is named stays out; the one after it comes first.
async fn added_after_is_strict(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let stamps: BTreeSet<&str> = sample.records.iter().map(|r| r.date_added.as_str()).collect();
    if stamps.len() < 2 {
        return not_applicable("all records of the sample share one date_added");
    }
    for stamp in stamps {
        let expected = sample.records.iter().filter(|r| instant(&r.date_added) > instant(stamp)).count();
        let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("added_after", stamp)];
        let found = suite.walk_manifest(&sample.collection, &query).await?;
        if found.len() != expected {
            let page = suite.get_ok(Endpoint::Manifest(&sample.collection), &query).await?;
            let detail = format!("{} records, but {expected} were added strictly after {stamp}", found.len());
            return Err(page.fail("/objects", detail));
        }
    }
    // The same rule on the objects themselves.
    let last = &sample.records[sample.records.len() - 1].date_added;
    let query = [("match[id]", sample.ids.as_str()), ("added_after", last)];
    let page = suite.get_ok(Endpoint::Objects(&sample.collection), &query).await?;
    if !page.objects()?.is_empty() {
        return Err(page.fail("/objects", "nothing was added after the last date_added of the manifest"));
    }
    Ok(())
}

async fn oldest_objects_come_first(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let query = [("match[id]", sample.ids.as_str()), ("match[version]", "all"), ("limit", "1")];
    let page = suite.get_ok(Endpoint::Manifest(&sample.collection), &query).await?;
    let first = page.objects()?.first().and_then(|r| text(r, "date_added")).and_then(instant);
    if first != sample.records.iter().filter_map(|r| instant(&r.date_added)).min() {
        return Err(page.fail("/objects/0/date_added", "an older record matches the same filter"));
    }
    Ok(())
}

async fn match_id_selects_exactly(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    for id in sample.ids.split(',') {
        expect_ids(suite, sample, &[("match[id]", id)], &[id].into()).await?;
    }
    Ok(())
}

async fn match_type_selects_only_these(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    for kind in kinds(sample) {
        let query = [("match[id]", sample.ids.as_str()), ("match[type]", kind)];
        expect_ids(suite, sample, &query, &of_kinds(sample, &[kind])).await?;
    }
    // A type of STIX 2.1 that is not there is no error.
    for kind in ["vulnerability", "location", "x509-certificate", "extension-definition", "language-content"]
    {
        suite.get_ok(Endpoint::Objects(&sample.collection), &[("match[type]", kind), ("limit", "1")]).await?;
    }
    Ok(())
}

async fn match_spec_version_selects_only_these(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let query = [("match[id]", sample.ids.as_str()), ("match[spec_version]", "2.1")];
    let page = suite.get_ok(Endpoint::Objects(&sample.collection), &query).await?;
    for (i, object) in page.objects()?.iter().enumerate() {
        if text(object, "spec_version").is_some_and(|v| v != "2.1") {
            return Err(page.fail(format!("/objects/{i}/spec_version"), "expected 2.1"));
        }
    }
    let Ok(seed) = suite.seed().await else { return Ok(()) };
    if page.objects()?.is_empty() {
        return Err(page.fail("/objects", "the sample is of version 2.1"));
    }
    let query = [("match[id]", seed.malware.as_str()), ("match[spec_version]", "2.0")];
    let page = suite.get_ok(Endpoint::Objects(&seed.collection), &query).await?;
    if !page.objects()?.is_empty() {
        return Err(page.fail("/objects", "an object of version 2.1 is not of version 2.0"));
    }
    Ok(())
}

async fn values_are_ored(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let all: BTreeSet<&str> = sample.ids.split(',').collect();
    expect_ids(suite, sample, &[("match[id]", &sample.ids)], &all).await?;
    let kinds = kinds(sample);
    let Some((one, two)) = kinds.first().zip(kinds.last()).filter(|(one, two)| one != two) else {
        return not_applicable("the sample has objects of one type only");
    };
    let both = format!("{one},{two}");
    let query = [("match[id]", sample.ids.as_str()), ("match[type]", both.as_str())];
    expect_ids(suite, sample, &query, &of_kinds(sample, &[one, two])).await
}

/// A field that nothing passes empties the result, whatever the other says.
async fn fields_are_anded(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let id = sample.records[0].id.as_str();
    let kind = kind_of(id);
    expect_ids(suite, sample, &[("match[id]", id), ("match[type]", kind)], &[id].into()).await?;
    let other = if kind == "campaign" { "malware" } else { "campaign" };
    expect_ids(suite, sample, &[("match[id]", id), ("match[type]", other)], &BTreeSet::new()).await
}

async fn ors_are_anded(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let kind = kind_of(&sample.records[0].id);
    let kinds = format!("{kind},x-no-such-type");
    let query = [
        ("match[id]", sample.ids.as_str()),
        ("match[type]", kinds.as_str()),
        ("match[spec_version]", "2.0,2.1"),
    ];
    expect_ids(suite, sample, &query, &of_kinds(sample, &[kind])).await
}

/// Both listings give exactly these ids.
async fn expect_ids(suite: &Suite, sample: &Sample, query: Query<'_>, expected: &BTreeSet<&str>) -> Verdict {
    for at in [Endpoint::Objects(&sample.collection), Endpoint::Manifest(&sample.collection)] {
        let pages = suite.walk(at, query).await?;
        let mut found = BTreeSet::new();
        for page in &pages {
            found.extend(page.objects()?.iter().filter_map(|object| text(object, "id")));
        }
        if found != *expected {
            let page: &Arc<Exchange> = &pages[0];
            let wrong: Vec<_> = found.symmetric_difference(expected).copied().collect();
            return Err(page.fail("/objects", format!("missing or not asked for: {}", wrong.join(", "))));
        }
    }
    Ok(())
}

fn kind_of(id: &str) -> &str {
    id.split_once("--").map_or(id, |(kind, _)| kind)
}

fn kinds(sample: &Sample) -> Vec<&str> {
    let kinds: BTreeSet<&str> = sample.ids.split(',').map(kind_of).collect();
    kinds.into_iter().collect()
}

fn of_kinds<'a>(sample: &'a Sample, kinds: &[&str]) -> BTreeSet<&'a str> {
    sample.ids.split(',').filter(|id| kinds.contains(&kind_of(id))).collect()
}
