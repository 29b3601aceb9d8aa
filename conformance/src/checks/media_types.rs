//! TAXII 2.1, 3.1 and 1.6.8: what is asked for and what is sent.

use reqwest::header::{ACCEPT, CONTENT_TYPE};

use crate::client::TAXII;
use crate::sample::{VERSIONS, envelope, indicator};
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};

checks![
    accept_without_version_is_answered,
    defined_media_types_are_accepted,
    media_ranges_match_as_http_says,
    other_version_is_not_acceptable,
    manifest_accepts_the_stix_type,
    user_agent_is_not_required,
];

async fn accept_without_version_is_answered(suite: &Suite) -> Verdict {
    let request = suite.request(Endpoint::Collections, &[]).header(ACCEPT, "application/taxii+json");
    suite.send(request).await?.expect(&[200])?;
    Ok(())
}

/// No 406 and no 415 for what the endpoint tables print.
async fn defined_media_types_are_accepted(suite: &Suite) -> Verdict {
    for at in [Endpoint::Discovery, Endpoint::ApiRoot, Endpoint::Collections] {
        suite.get_ok(at, &[]).await?;
    }
    if let Ok(sample) = suite.sample().await {
        let (collection, object) = (sample.collection.as_str(), sample.records[0].id.as_str());
        for at in [
            Endpoint::Collection(collection),
            Endpoint::Manifest(collection),
            Endpoint::Objects(collection),
            Endpoint::Object(collection, object),
            Endpoint::Versions(collection, object),
        ] {
            suite.get_ok(at, &[]).await?;
        }
    }
    if let Ok(seed) = suite.seed().await {
        // An exact duplicate: accepted, and nothing new in the collection.
        let body = envelope(&[indicator(&seed.indicator, VERSIONS[0])]);
        suite.send(suite.add_request(&seed.collection, body)).await?.expect(&[202])?;
    }
    Ok(())
}

/// RFC 9110, 8.3.1 and 12.5.1: white space, letter case, quotes, weights, lists and wildcards.
async fn media_ranges_match_as_http_says(suite: &Suite) -> Verdict {
    for accept in [
        "application/taxii+json; version=2.1",
        "application/taxii+json ;version=2.1",
        "Application/TAXII+JSON;Version=2.1",
        "application/taxii+json;version=\"2.1\"",
        "application/taxii+json;version=2.1;q=0.5",
        "text/html, application/taxii+json;version=2.1",
        "application/taxii+json;version=2.0;q=0.2, application/taxii+json;version=2.1",
        "application/*",
        "*/*",
        "application/json, text/plain, */*",
    ] {
        let request = suite.request(Endpoint::Collections, &[]).header(ACCEPT, accept);
        let answer = suite.send(request).await?;
        if answer.status != 200 {
            return Err(answer.fail(format!("Accept: {accept}"), "this range includes the TAXII 2.1 type"));
        }
    }
    let Ok(seed) = suite.seed().await else { return Ok(()) };
    for sent in ["application/taxii+json; version=2.1", "application/taxii+json;version=\"2.1\""] {
        let body = envelope(&[indicator(&seed.indicator, VERSIONS[0])]);
        let answer = suite.send(suite.add_request(&seed.collection, body).header(CONTENT_TYPE, sent)).await?;
        if answer.status != 202 {
            return Err(answer.fail(format!("Content-Type: {sent}"), format!("the same type as {TAXII}")));
        }
    }
    Ok(())
}

/// Clients that speak several versions look for the 406 of a server that does not.
async fn other_version_is_not_acceptable(suite: &Suite) -> Verdict {
    let request =
        suite.request(Endpoint::Collections, &[]).header(ACCEPT, "application/taxii+json;version=99.9");
    suite.send(request).await?.expect(&[406])?;
    Ok(())
}

/// 5.3 prints the STIX type beside the TAXII type.
async fn manifest_accepts_the_stix_type(suite: &Suite) -> Verdict {
    let collection = suite.readable()?;
    let request = suite
        .request(Endpoint::Manifest(&collection.id), &[])
        .header(ACCEPT, "application/stix+json;version=2.1, application/taxii+json;version=2.1");
    suite.send(request).await?.expect(&[200])?;
    Ok(())
}

/// The client of this suite sends no `User-Agent`, so any answer at all proves it.
async fn user_agent_is_not_required(suite: &Suite) -> Verdict {
    let answer = suite.get(Endpoint::Collections, &[]).await?;
    if answer.is_success() {
        return Ok(());
    }
    if matches!(answer.status, 401 | 403) {
        return not_applicable("the request was refused for other reasons");
    }
    Err(answer.fail("User-Agent", "a request without it was not answered"))
}
