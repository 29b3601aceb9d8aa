//! TAXII 2.1, 3.6 and the endpoint tables: what a failure looks like.

use uuid::Uuid;

use crate::client::Request;
use crate::exchange::text;
use crate::shape;
use crate::suite::{Endpoint, Suite};
use crate::verdict::Verdict;

checks![errors_are_error_resources, only_listed_statuses];

/// Bodies of 4xx and 5xx are `error` resources, and `http_status` is the status, as a string.
async fn errors_are_error_resources(suite: &Suite) -> Verdict {
    super::visit(suite).await?;
    let seen = suite.client.seen();
    for answer in seen.iter().filter(|e| e.status >= 400 && !e.body.is_empty()) {
        if let Some(breach) = shape::ERROR.breaches(answer.json()?).first() {
            return Err(answer.fail(&breach.pointer, &breach.detail));
        }
        if let Some(said) = text(answer.json()?, "http_status")
            && said != answer.status.to_string()
        {
            return Err(answer.fail("/http_status", format!("says {said:?}")));
        }
    }
    Ok(())
}

/// The tables of sections 4 and 5, plus what HTTP itself may answer to anything.
async fn only_listed_statuses(suite: &Suite) -> Verdict {
    super::visit(suite).await?;
    for answer in suite.client.seen() {
        let listed = match answer.method.as_str() {
            "POST" => matches!(answer.status, 202 | 400 | 401 | 403 | 404 | 406 | 413 | 415 | 422),
            _ => matches!(answer.status, 200 | 400 | 401 | 403 | 404 | 406),
        };
        let by_http = matches!(answer.status, 301 | 302 | 307 | 308 | 405 | 408 | 414 | 429 | 431 | 503);
        if !listed && !by_http {
            return Err(answer.fail("status", "the endpoint does not list this status"));
        }
    }
    Ok(())
}

/// One failure of each common kind, so that there is something to judge even with `--only`.
pub(super) async fn provoke(suite: &Suite) -> Verdict {
    let id = Uuid::new_v4().to_string();
    suite.get(Endpoint::Collection(&id), &[]).await?;
    suite.get(Endpoint::Status(&id), &[]).await?;
    suite.send(suite.add_request(&id, b"{".to_vec())).await?;
    let nowhere = format!("{}no/such/place/", suite.api_root);
    suite.send(Request::get(nowhere).auth(&suite.options.auth)).await?;
    if let Ok(collection) = suite.readable() {
        suite.get(Endpoint::Objects(&collection.id), &[("limit", "0")]).await?;
    }
    if let Ok(collection) = suite.writable() {
        suite.send(suite.add_request(&collection.id, b"{\"objects\": 5}".to_vec())).await?;
    }
    Ok(())
}
