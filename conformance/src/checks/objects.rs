//! TAXII 2.1, 5.4: the objects of a collection.

use crate::excerpt::excerpt;
use crate::exchange::{Exchange, text};
use crate::suite::{Endpoint, Suite};
use crate::verdict::Verdict;

checks![objects_answer, no_match_is_an_empty_envelope, only_stix_objects];

async fn objects_answer(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    suite.get_ok(Endpoint::Objects(&collection.id), &[]).await?.objects()?;
    let sample = suite.sample().await?;
    let page = suite.get_ok(Endpoint::Objects(&sample.collection), &[("match[id]", &sample.ids)]).await?;
    if page.objects()?.is_empty() {
        return Err(page.fail("/objects", "the manifest lists these objects, the envelope is empty"));
    }
    Ok(())
}

/// Nothing found is a success without `objects`.
async fn no_match_is_an_empty_envelope(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    let nobody = format!("indicator--{}", uuid::Uuid::new_v4());
    for query in [("match[id]", nobody.as_str()), ("added_after", "2999-01-01T00:00:00.000000Z")] {
        let page = suite.get_ok(Endpoint::Objects(&collection.id), &[query]).await?;
        if !page.objects()?.is_empty() {
            return Err(page.fail("/objects", "expected no object"));
        }
        if page.more()? {
            return Err(page.fail("/more", "expected false: there is nothing at all"));
        }
    }
    Ok(())
}

/// Everything in `objects` of any envelope of the run is a STIX object; a bundle is none.
async fn only_stix_objects(suite: &Suite) -> Verdict {
    super::visit(suite).await?;
    let is_envelope = |e: &Exchange| e.is_success() && e.shape.is_some_and(|shape| shape.name == "envelope");
    for page in suite.client.seen().iter().filter(|e| is_envelope(e)) {
        for (i, object) in page.objects()?.iter().enumerate() {
            let at = format!("/objects/{i}");
            let (Some(kind), Some(id)) = (text(object, "type"), text(object, "id")) else {
                return Err(page.fail(at, "no type or no id: not a STIX object"));
            };
            if kind == "bundle" {
                return Err(page.fail(at, "a bundle is not a STIX object"));
            }
            if id.split_once("--").is_none_or(|(prefix, _)| prefix != kind) {
                let detail = format!("{} does not start with the type {}", excerpt(id), excerpt(kind));
                return Err(page.fail(format!("{at}/id"), detail));
            }
        }
    }
    Ok(())
}
