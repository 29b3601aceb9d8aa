//! TAXII 2.1, 5.3 to 5.8: what `can_read` and `can_write` promise. Asked with each account of the run.

use reqwest::Method;
use uuid::Uuid;

use crate::client::Request;
use crate::options::Auth;
use crate::sample::{envelope, malware};
use crate::suite::{Collection, Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};

checks![
    unreadable_collection_is_refused,
    unwritable_collection_is_refused,
    delete_needs_both_rights,
    delete_without_any_right_is_404,
    hidden_collection_is_refused,
];

/// A server may have thousands of collections; a few of each kind will do.
const MAX_CASES: usize = 3;

/// 403 or 404 on everything that reads.
async fn unreadable_collection_is_refused(suite: &Suite) -> Verdict {
    let cases = with_flags(suite, |c| !c.can_read).await?;
    if cases.is_empty() {
        return not_applicable("each collection is readable; try --limited-auth");
    }
    for (auth, collection) in cases {
        refuses_reading(suite, &auth, &collection.id).await?;
    }
    Ok(())
}

/// The body is a valid envelope, so that only the right can be what is missing.
async fn unwritable_collection_is_refused(suite: &Suite) -> Verdict {
    if suite.options.read_only {
        return not_applicable("run without --read-only to test writing");
    }
    let cases = with_flags(suite, |c| !c.can_write).await?;
    if cases.is_empty() {
        return not_applicable("each collection is writable; try --limited-auth");
    }
    for (auth, collection) in cases {
        let body = envelope(&[malware(&format!("malware--{}", Uuid::new_v4()))]);
        suite.send(suite.add_request(&collection.id, body).auth(&auth)).await?.expect(&[403, 404])?;
    }
    Ok(())
}

async fn delete_needs_both_rights(suite: &Suite) -> Verdict {
    let cases = with_flags(suite, |c| c.can_read != c.can_write).await?;
    if cases.is_empty() {
        return not_applicable("no collection has exactly one of the two rights; try --limited-auth");
    }
    for (auth, collection) in cases {
        delete_nothing(suite, &auth, &collection.id, 403).await?;
    }
    Ok(())
}

async fn delete_without_any_right_is_404(suite: &Suite) -> Verdict {
    let cases = with_flags(suite, |c| !c.can_read && !c.can_write).await?;
    if cases.is_empty() {
        return not_applicable("no collection is listed without any right; try --limited-auth");
    }
    for (auth, collection) in cases {
        delete_nothing(suite, &auth, &collection.id, 404).await?;
    }
    Ok(())
}

/// Rights are per client: what one account's list leaves out stays out of its reach by URL as well.
async fn hidden_collection_is_refused(suite: &Suite) -> Verdict {
    let Some(limited) = &suite.options.limited_auth else {
        return not_applicable("give a second account with --limited-auth");
    };
    let seen = collections_of(suite, limited).await?;
    let is_hidden = |c: &&Collection| c.can_read && seen.iter().all(|s| s.id != c.id);
    let hidden: Vec<&Collection> = suite.collections.iter().filter(is_hidden).take(MAX_CASES).collect();
    if hidden.is_empty() {
        return not_applicable("the limited account sees every collection of the other one");
    }
    for collection in hidden {
        refuses_reading(suite, limited, &collection.id).await?;
    }
    Ok(())
}

async fn refuses_reading(suite: &Suite, auth: &Auth, id: &str) -> Verdict {
    let object = format!("indicator--{}", Uuid::new_v4());
    let places = [
        Endpoint::Manifest(id),
        Endpoint::Objects(id),
        Endpoint::Object(id, &object),
        Endpoint::Versions(id, &object),
    ];
    for at in places {
        suite.send(suite.request(at, &[]).auth(auth)).await?.expect(&[403, 404])?;
    }
    Ok(())
}

/// Deletes an id that nobody has: should the right be there after all, no harm is done.
async fn delete_nothing(suite: &Suite, auth: &Auth, id: &str, status: u16) -> Verdict {
    let object = format!("indicator--{}", Uuid::new_v4());
    let url = suite.url(Endpoint::Object(id, &object));
    let answer = suite.send(Request::new(Method::DELETE, url).auth(auth)).await?;
    answer.expect(&[status])?;
    Ok(())
}

/// Collections whose flags fit, with the account that sees them so.
async fn with_flags(suite: &Suite, fits: impl Fn(&Collection) -> bool) -> Verdict<Vec<(Auth, Collection)>> {
    let mut found = Vec::new();
    for collection in suite.collections.iter().filter(|c| fits(c)).take(MAX_CASES) {
        found.push((suite.options.auth.clone(), collection.clone()));
    }
    if let Some(limited) = &suite.options.limited_auth {
        let seen = collections_of(suite, limited).await?;
        found.extend(seen.into_iter().filter(|c| fits(c)).take(MAX_CASES).map(|c| (limited.clone(), c)));
    }
    Ok(found)
}

async fn collections_of(suite: &Suite, auth: &Auth) -> Verdict<Vec<Collection>> {
    let list = suite.send(suite.request(Endpoint::Collections, &[]).auth(auth)).await?;
    list.expect(&[200])?;
    Ok(list.list("collections")?.iter().filter_map(Collection::of).collect())
}
