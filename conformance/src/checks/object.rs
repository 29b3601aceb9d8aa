//! TAXII 2.1, 5.6: one object by its id.

use uuid::Uuid;

use crate::exchange::text;
use crate::suite::{Endpoint, Suite};
use crate::verdict::Verdict;

checks![object_answers, object_is_in_an_envelope, unknown_object_is_404];

async fn object_answers(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    for id in sample.ids.split(',') {
        let answer = suite.get_ok(Endpoint::Object(&sample.collection, id), &[]).await?;
        let objects = answer.objects()?;
        if objects.len() != 1 || text(&objects[0], "id") != Some(id) {
            return Err(answer.fail("/objects", format!("expected {id} once, in its latest version")));
        }
    }
    Ok(())
}

/// 3.7: a single object travels in an envelope too.
async fn object_is_in_an_envelope(suite: &Suite) -> Verdict {
    let sample = suite.sample().await?;
    let id = &sample.records[0].id;
    let answer = suite.get_ok(Endpoint::Object(&sample.collection, id), &[]).await?;
    let resource = answer.resource()?;
    if resource.get("objects").is_none() || resource.get("type").is_some() {
        return Err(answer.fail("", "the object does not stand inside an envelope"));
    }
    let page = suite.get_ok(Endpoint::Objects(&sample.collection), &[("match[id]", id)]).await?;
    if page.resource()?.get("type").is_some() {
        return Err(page.fail("/type", "an envelope has no type; is this a bundle?"));
    }
    Ok(())
}

async fn unknown_object_is_404(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    let id = format!("indicator--{}", Uuid::new_v4());
    suite.get(Endpoint::Object(&collection.id, &id), &[]).await?.expect(&[404])?;
    suite.get(Endpoint::Versions(&collection.id, &id), &[]).await?.expect(&[404])?;
    Ok(())
}
