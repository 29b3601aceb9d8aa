//! TAXII 2.1, 3.4.1: `match[version]`. Needs objects whose versions are known, so it needs a writable collection.

use serde_json::Value;

use crate::exchange::text;
use crate::sample::{Seed, VERSIONS};
use crate::stamp::instant;
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};

checks![
    latest_version_is_the_default,
    match_version_selects,
    version_stamps_are_instants,
    all_stands_alone,
    unversioned_objects_have_a_version,
    formats_without_versions_ignore_it,
];

async fn latest_version_is_the_default(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    expect(suite, seed, &seed.indicator, None, &VERSIONS[2..]).await?;
    // The older version of this one was added last: `last` is about `modified`, not about arrival.
    expect(suite, seed, &seed.backdated, None, &VERSIONS[2..]).await
}

async fn match_version_selects(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    let [first, middle, last] = VERSIONS;
    let some = format!("{first},{middle}");
    let mixed = format!("last,{first}");
    for (value, expected) in [
        ("first", vec![first]),
        ("last", vec![last]),
        ("all", vec![first, middle, last]),
        ("first,last", vec![first, last]),
        (middle, vec![middle]),
        (some.as_str(), vec![first, middle]),
        (mixed.as_str(), vec![first, last]),
        ("2001-01-01T00:00:00.000Z", vec![]),
    ] {
        expect(suite, seed, &seed.indicator, Some(value), &expected).await?;
    }
    expect(suite, seed, &seed.backdated, Some("first"), &[middle]).await
}

/// STIX timestamps: the number of digits says nothing about the instant.
async fn version_stamps_are_instants(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    for value in ["2024-03-01T00:00:00Z", "2024-03-01T00:00:00.000000Z", "2024-03-01T00:00:00.0Z"] {
        expect(suite, seed, &seed.indicator, Some(value), &VERSIONS[..1]).await?;
    }
    expect(suite, seed, &seed.indicator, Some("2024-03-02T12:30:00.5Z"), &VERSIONS[1..2]).await
}

async fn all_stands_alone(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    let stamp_twice = format!("{0},{0}", VERSIONS[0]);
    for value in ["all,last", "first,all", "last,last", "first,first", &stamp_twice] {
        let answer = suite.get(Endpoint::Objects(&collection.id), &[("match[version]", value)]).await?;
        answer.expect(&[400])?;
    }
    Ok(())
}

/// `created` where there is no `modified`; a value of the server's own where there is neither.
async fn unversioned_objects_have_a_version(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    expect(suite, seed, &seed.marking, Some(VERSIONS[0]), &VERSIONS[..1]).await?;
    for id in [&seed.marking, &seed.process] {
        let mut versions = Vec::new();
        for value in ["first", "last", "all"] {
            let query = [("match[id]", id.as_str()), ("match[version]", value)];
            let page = suite.get_ok(Endpoint::Manifest(&seed.collection), &query).await?;
            let Some(version) = page.objects()?.first().and_then(|r| text(r, "version")) else {
                return Err(page.fail("/objects", format!("expected {id}")));
            };
            versions.push(version.to_owned());
            let page = suite.get_ok(Endpoint::Objects(&seed.collection), &query).await?;
            if page.objects()?.len() != 1 {
                return Err(page.fail("/objects", format!("expected {id} once")));
            }
        }
        if versions.iter().any(|v| *v != versions[0]) {
            let page = suite.get_ok(Endpoint::Manifest(&seed.collection), &[("match[id]", id)]).await?;
            return Err(page.fail("/objects/0/version", format!("not consistent: {}", versions.join(", "))));
        }
    }
    Ok(())
}

async fn formats_without_versions_ignore_it(_: &Suite) -> Verdict {
    not_applicable("STIX 2.1 has versions; this suite knows no other format to add")
}

/// Exactly these versions of one object, at each endpoint that has the filter.
async fn expect(suite: &Suite, seed: &Seed, id: &str, filter: Option<&str>, expected: &[&str]) -> Verdict {
    let wanted: Vec<_> = expected.iter().map(|t| instant(t)).collect();
    let collection = seed.collection.as_str();
    let mut query: Vec<(&str, &str)> = filter.map(|value| ("match[version]", value)).into_iter().collect();
    query.push(("match[id]", id));
    for (at, property) in [
        (Endpoint::Objects(collection), "modified"),
        (Endpoint::Manifest(collection), "version"),
        (Endpoint::Object(collection, id), "modified"),
    ] {
        if matches!(at, Endpoint::Object(..)) {
            query.pop();
        }
        let answer = suite.get(at, &query).await?;
        // An object whose versions are all filtered away: empty or 404, the standard does not settle it.
        if expected.is_empty() && matches!(at, Endpoint::Object(..)) && answer.status == 404 {
            continue;
        }
        answer.expect(&[200])?;
        let version = |o: &Value| text(o, property).or_else(|| text(o, "created")).and_then(instant);
        let mut found: Vec<_> = answer.objects()?.iter().map(version).collect();
        found.sort_unstable();
        if found != wanted {
            return Err(answer.fail("/objects", format!("expected the versions [{}]", expected.join(", "))));
        }
    }
    Ok(())
}
