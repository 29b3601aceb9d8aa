//! TAXII 2.1, 5.5: adding objects, and the limits of a body.

use serde_json::{Value, json};

use crate::client::TAXII;
use crate::exchange::text;
use crate::sample::{VERSIONS, envelope, indicator, malware};
use crate::suite::{Endpoint, Suite};
use crate::verdict::{Verdict, not_applicable};
use crate::wire::{self, Head};

checks![
    add_answers_202_with_a_status,
    added_objects_are_counted,
    duplicate_is_no_error,
    details_name_the_version,
    one_bad_object_spoils_no_other,
    custom_properties_are_kept,
    max_content_length_is_exact,
];

/// A body that is padded further than this would only test the network.
const MAX_PADDED: u64 = 64 << 20;

async fn add_answers_202_with_a_status(suite: &Suite) -> Verdict {
    let collection = suite.writable()?;
    let body = envelope(&[malware(&suite.fresh("malware"))]);
    let added = suite.send(suite.add_request(&collection.id, body)).await?;
    added.expect(&[202])?;
    for name in ["total_count", "success_count", "failure_count", "pending_count"] {
        added.count(name)?;
    }
    suite.wait_for(added).await?;
    Ok(())
}

async fn added_objects_are_counted(suite: &Suite) -> Verdict {
    let collection = suite.writable()?;
    let objects = [malware(&suite.fresh("malware")), malware(&suite.fresh("malware"))];
    let status = suite.add_and_wait(&collection.id, &objects).await?;
    for (name, count) in
        [("total_count", 2), ("success_count", 2), ("failure_count", 0), ("pending_count", 0)]
    {
        if status.count(name)? != count {
            return Err(status.fail(format!("/{name}"), format!("expected {count}")));
        }
    }
    Ok(())
}

async fn duplicate_is_no_error(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    let objects = [indicator(&seed.indicator, VERSIONS[0]), malware(&seed.malware)];
    let added = suite.send(suite.add_request(&seed.collection, envelope(&objects))).await?;
    added.expect(&[202])?;
    let status = suite.wait_for(added).await?;
    if status.count("failure_count")? != 0 {
        return Err(status.fail("/failure_count", "an exact duplicate is not an error"));
    }
    Ok(())
}

/// `modified`, else `created`, else what the manifest says too.
async fn details_name_the_version(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    let mut seen = 0;
    for status in &seed.statuses {
        for (i, detail) in status.list("successes")?.iter().enumerate() {
            let id = text(detail, "id").unwrap_or_default();
            let version = text(detail, "version").and_then(crate::stamp::instant);
            let expected = |allowed: &[&str]| allowed.iter().any(|t| version == crate::stamp::instant(t));
            let fits = if id == seed.process {
                version.is_some()
            } else if id == seed.malware || id == seed.marking {
                expected(&VERSIONS[..1])
            } else {
                expected(&VERSIONS)
            };
            if !fits {
                return Err(status.fail(format!("/successes/{i}/version"), "not the version of the object"));
            }
            seen += 1;
        }
    }
    if seen == 0 { not_applicable("the server leaves out the lists of its status") } else { Ok(()) }
}

/// An object without an id cannot be stored; its neighbour can. Refusing the whole body is the other reading.
async fn one_bad_object_spoils_no_other(suite: &Suite) -> Verdict {
    let collection = suite.writable()?;
    let good = suite.fresh("malware");
    let bad = json!({"type": "malware", "spec_version": "2.1", "id": suite.fresh("malware"), "created": 5,
        "modified": VERSIONS[0], "name": "created is a number", "is_family": false});
    let added = suite.send(suite.add_request(&collection.id, envelope(&[malware(&good), bad]))).await?;
    if added.status == 422 {
        return not_applicable("the server refuses the whole envelope with 422");
    }
    added.expect(&[202])?;
    let status = suite.wait_for(added).await?;
    if status.count("success_count")? < 1 {
        return Err(status.fail("/success_count", "the good object of the envelope was not added"));
    }
    suite.get_ok(Endpoint::Object(&collection.id, &good), &[]).await?;
    Ok(())
}

/// A server may refuse custom properties; one that took the object gives it back as it was.
async fn custom_properties_are_kept(suite: &Suite) -> Verdict {
    let seed = suite.seed().await?;
    let answer = suite.get_ok(Endpoint::Object(&seed.collection, &seed.malware), &[]).await?;
    let sent = malware(&seed.malware);
    let got = answer.objects()?.first().unwrap_or(&Value::Null);
    for name in ["x_conformance_note", "x_conformance_nested"] {
        if got.get(name) != sent.get(name) {
            return Err(answer.fail(format!("/objects/0/{name}"), "not as it was added"));
        }
    }
    Ok(())
}

/// 413 for one octet too many, and never for a body of the promised size.
async fn max_content_length_is_exact(suite: &Suite) -> Verdict {
    let collection = suite.writable()?;
    let root = suite.get_ok(Endpoint::ApiRoot, &[]).await?;
    let max = root.count("max_content_length")?;
    if max > MAX_PADDED {
        return not_applicable(format!("max_content_length is {max}, more than this suite cares to send"));
    }
    let mut body = envelope(&[malware(&suite.fresh("malware"))]);
    if body.len() as u64 > max {
        return not_applicable(format!("max_content_length is {max}, less than one object"));
    }
    // White space after the envelope makes any size without any meaning.
    body.resize(usize::try_from(max).unwrap_or(usize::MAX), b' ');
    let fits = suite.send(suite.add_request(&collection.id, body.clone())).await?;
    fits.expect(&[202])?;

    // Sent by hand: a server may answer and close before it has read everything.
    body.push(b' ');
    let url = suite.url(Endpoint::Objects(&collection.id));
    let mut head = Head::new("POST", &url).header("Accept", TAXII).header("Content-Type", TAXII);
    if let Some(auth) = suite.options.auth.header() {
        head = head.header("Authorization", &auth);
    }
    let mut answer = wire::send(&url, &head.with_body(&body), suite.options.timeout).await;
    if answer.is_err() {
        let patient = head.header("Expect", "100-continue").with_length(body.len());
        answer = wire::send(&url, &patient, suite.options.timeout).await;
    }
    match answer {
        Ok(answer) if answer.status == 413 => Ok(()),
        Ok(answer) => {
            let detail = format!(
                "{} octets got {}; max_content_length is {max}, expected 413",
                max + 1,
                answer.status
            );
            Err(fits.fail("max_content_length", detail))
        }
        Err(problem) => Err(fits.fail("max_content_length", format!("{} octets: {problem}", max + 1))),
    }
}
