//! TAXII 2.1, 5.7: deleting an object.

use crate::sample::{VERSIONS, indicator, malware};
use crate::suite::{Endpoint, Suite};
use crate::verdict::Verdict;

checks![delete_answers_200, deleted_object_is_gone, delete_picks_versions, delete_of_unknown_object_is_404];

async fn delete_answers_200(suite: &Suite) -> Verdict {
    let collection = suite.writable()?;
    let id = suite.fresh("malware");
    suite.add_and_wait(&collection.id, &[malware(&id)]).await?;
    suite.delete(&collection.id, &id, &[]).await?.expect(&[200])?;
    Ok(())
}

async fn deleted_object_is_gone(suite: &Suite) -> Verdict {
    let collection = suite.writable()?;
    let id = suite.fresh("indicator");
    suite.add_and_wait(&collection.id, &[indicator(&id, VERSIONS[0])]).await?;
    suite.add_and_wait(&collection.id, &[indicator(&id, VERSIONS[1])]).await?;
    suite.delete(&collection.id, &id, &[("match[version]", "all")]).await?.expect(&[200])?;
    suite.get(Endpoint::Object(&collection.id, &id), &[]).await?.expect(&[404])?;
    for at in [Endpoint::Objects(&collection.id), Endpoint::Manifest(&collection.id)] {
        let page = suite.get_ok(at, &[("match[id]", &id), ("match[version]", "all")]).await?;
        if !page.objects()?.is_empty() {
            return Err(page.fail("/objects", "still lists the deleted object"));
        }
    }
    Ok(())
}

/// `match[version]` chooses what goes; the rest stays.
async fn delete_picks_versions(suite: &Suite) -> Verdict {
    let collection = suite.writable()?;
    let id = suite.fresh("indicator");
    suite.add_and_wait(&collection.id, &[indicator(&id, VERSIONS[0])]).await?;
    suite.add_and_wait(&collection.id, &[indicator(&id, VERSIONS[1])]).await?;
    suite.delete(&collection.id, &id, &[("match[version]", "first")]).await?.expect(&[200])?;
    let left = suite.get_ok(Endpoint::Versions(&collection.id, &id), &[]).await?;
    let versions = left.list("versions")?;
    let instants: Vec<_> = versions.iter().map(|v| v.as_str().and_then(crate::stamp::instant)).collect();
    if instants != [crate::stamp::instant(VERSIONS[1])] {
        return Err(left.fail("/versions", format!("expected only {}", VERSIONS[1])));
    }
    Ok(())
}

async fn delete_of_unknown_object_is_404(suite: &Suite) -> Verdict {
    let collection = suite.writable()?;
    let id = format!("indicator--{}", uuid::Uuid::new_v4());
    suite.delete(&collection.id, &id, &[]).await?.expect(&[404])?;
    Ok(())
}
