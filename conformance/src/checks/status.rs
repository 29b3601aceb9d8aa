//! TAXII 2.1, 4.3: the status of a request to add objects.

use uuid::Uuid;

use crate::exchange::{Exchange, text};
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};

checks![
    status_answers,
    status_counts_add_up,
    status_lists_match_their_counts,
    status_has_all_properties,
    unknown_status_is_404,
    status_is_kept_for_a_day,
];

async fn status_answers(suite: &Suite) -> Verdict {
    for status in &suite.seed().await?.statuses {
        let id = id_of(status)?;
        let again = suite.get_ok(Endpoint::Status(id), &[]).await?;
        if text(again.resource()?, "id") != Some(id) {
            return Err(again.fail("/id", format!("expected {id}")));
        }
    }
    Ok(())
}

async fn status_counts_add_up(suite: &Suite) -> Verdict {
    for status in statuses(suite).await? {
        let total = status.count("total_count")?;
        let sum = status.count("success_count")?
            + status.count("failure_count")?
            + status.count("pending_count")?;
        if total != 0 && total != sum {
            return Err(status.fail("/total_count", format!("is {total}, the other counts make {sum}")));
        }
    }
    Ok(())
}

async fn status_lists_match_their_counts(suite: &Suite) -> Verdict {
    for status in statuses(suite).await? {
        for (list, count) in
            [("successes", "success_count"), ("failures", "failure_count"), ("pendings", "pending_count")]
        {
            let (length, count) = (status.list(list)?.len() as u64, status.count(count)?);
            if length != 0 && length != count {
                return Err(
                    status.fail(format!("/{list}"), format!("{length} entries, the count says {count}"))
                );
            }
        }
    }
    Ok(())
}

/// The interoperability test wants the time of the request and the list of what was added.
async fn status_has_all_properties(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    for status in &seed.statuses {
        for name in ["request_timestamp", "successes"] {
            if status.resource()?.get(name).is_none() {
                return Err(status.fail(format!("/{name}"), "missing"));
            }
        }
    }
    Ok(())
}

async fn unknown_status_is_404(suite: &Suite) -> Verdict {
    let id = Uuid::new_v4().to_string();
    suite.get(Endpoint::Status(&id), &[]).await?.expect(&[404])?;
    Ok(())
}

/// Nobody waits a day here; what can be seen is a status that is gone too early.
async fn status_is_kept_for_a_day(suite: &Suite) -> Verdict {
    for status in &suite.seed().await?.statuses {
        suite.get_ok(Endpoint::Status(id_of(status)?), &[]).await?;
    }
    not_applicable("each status was still there minutes later, but 24 hours were not watched")
}

/// Every status resource of the run so far, pending ones too.
async fn statuses(suite: &Suite) -> Verdict<Vec<std::sync::Arc<Exchange>>> {
    suite.seed().await?;
    let is_status = |e: &Exchange| e.is_success() && e.shape.is_some_and(|shape| shape.name == "status");
    Ok(suite.client.seen().into_iter().filter(|e| is_status(e)).collect())
}

fn id_of(status: &Exchange) -> Verdict<&str> {
    text(status.resource()?, "id").ok_or_else(|| status.fail("/id", "missing"))
}
