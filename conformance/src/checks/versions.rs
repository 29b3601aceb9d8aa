//! TAXII 2.1, 5.8: the versions of one object.

use serde_json::Value;

use crate::exchange::Exchange;
use crate::sample::VERSIONS;
use crate::stamp::instant;
use crate::suite::{Endpoint, Suite};
use crate::verdict::Verdict;

checks![versions_answer, versions_lists_all, versions_page_by_added_after];

async fn versions_answer(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    for id in sample.ids.split(',') {
        let answer = suite.get_ok(Endpoint::Versions(&sample.collection, id), &[]).await?;
        if answer.list("versions")?.is_empty() {
            return Err(answer.fail("/versions", "an object has at least one version"));
        }
    }
    Ok(())
}

async fn versions_lists_all(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    let answer = suite.get_ok(Endpoint::Versions(&seed.collection, &seed.indicator), &[]).await?;
    has_versions(&answer, &VERSIONS)?;
    let answer = suite.get_ok(Endpoint::Versions(&seed.collection, &seed.marking), &[]).await?;
    has_versions(&answer, &VERSIONS[..1])
}

/// 3.5: `limit`, then `added_after` from the header of the page before.
async fn versions_page_by_added_after(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    let at = Endpoint::Versions(&seed.collection, &seed.indicator);
    let mut after = None;
    for version in VERSIONS {
        let mut query = vec![("limit", "1")];
        query.extend(after.as_deref().map(|after| ("added_after", after)));
        let page = suite.get_ok(at, &query).await?;
        has_versions(&page, &[version])?;
        if page.more()? != (version != VERSIONS[2]) {
            return Err(page.fail("/more", "true before the last version, false with it"));
        }
        let Some(last) = page.header("x-taxii-date-added-last") else {
            return Err(page.fail("X-TAXII-Date-Added-Last", "missing, so nobody can ask for the next page"));
        };
        after = Some(last.to_owned());
    }
    Ok(())
}

/// Exactly these instants, in any order: 5.8 does not name one.
fn has_versions(answer: &Exchange, expected: &[&str]) -> Verdict {
    let mut found: Vec<_> =
        answer.list("versions")?.iter().map(|v| Value::as_str(v).and_then(instant)).collect();
    found.sort_unstable();
    if found == expected.iter().map(|t| instant(t)).collect::<Vec<_>>() {
        return Ok(());
    }
    Err(answer.fail("/versions", format!("expected {}", expected.join(", "))))
}
