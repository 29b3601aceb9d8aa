//! How real clients behave, one row for each habit: what they send, and what they must get.

use crate::app::{Answer, TAXII, TestApp, tool, tool_id};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// A request that some client makes, and the status that it needs.
struct Habit {
    client: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    status: u16,
}

const fn habit(
    client: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    status: u16,
) -> Habit {
    Habit { client, path, headers, status }
}

const STIX_21: (&str, &str) =
    ("accept", "application/stix+json;version=2.1, application/taxii+json;version=2.1");

/// Requests to read. `{c}` is the collection, `{next}` a cursor of it after one object, `{other}` one of another
/// collection.
const READS: &[Habit] = &[
    habit("taxii2-client: plain media type", "/api/collections/{c}/objects/", &[], 200),
    habit(
        "taxii2-client: another limit on the next page",
        "/api/collections/{c}/objects/?limit=3&next={next}",
        &[],
        200,
    ),
    habit("taxii2-client: no limit on the next page", "/api/collections/{c}/objects/?next={next}", &[], 200),
    habit(
        "taxii2-client: three fraction digits",
        "/api/collections/{c}/objects/?added_after=2020-01-01T00:00:00.183Z",
        &[],
        200,
    ),
    habit(
        "taxii2-client: five fraction digits",
        "/api/collections/{c}/objects/?added_after=2020-01-01T00:00:00.18320Z",
        &[],
        200,
    ),
    habit("taxii2-client: status by dots in the path", "/api/collections/{c}/../../status/0/", &[], 404),
    habit(
        "XSOAR: asks 2.0 only and goes on at 406",
        "/taxii2/",
        &[("accept", "application/vnd.oasis.taxii+json; version=2.0")],
        406,
    ),
    habit("MineMeld: 2.0 first", "/taxii2/", &[("accept", "application/taxii+json; version=2.0")], 406),
    habit(
        "MineMeld: then 2.1 with a blank",
        "/taxii2/",
        &[("accept", "application/taxii+json; version=2.1")],
        200,
    ),
    habit(
        "OpenCTI: resends added_after with next",
        "/api/collections/{c}/objects/?added_after=1970-01-01T00:00:00Z&next={next_1970}",
        &[],
        200,
    ),
    habit("OpenCTI connector: drops added_after", "/api/collections/{c}/objects/?next={next_1970}", &[], 200),
    habit(
        "OpenCTI connector: cursor of another collection",
        "/api/collections/{c}/objects/?next={other}",
        &[],
        400,
    ),
    habit(
        "MISP: lower-case scheme, content type on GET",
        "/api/collections/{c}/objects/?limit=50",
        &[("content-type", "application/json")],
        200,
    ),
    habit("MISP: double slashes", "//api//collections/{c}/objects/?limit=50", &[], 200),
    habit("MISP: empty next", "/api/collections/{c}/objects/?limit=50&next=", &[], 200),
    habit("SOCRadar: only next", "/api/collections/{c}/objects?next={next}", &[], 200),
    habit(
        "misp-modules: free text for a date",
        "/api/collections/{c}/objects/?added_after=yesterday",
        &[],
        400,
    ),
    habit(
        "Elastic: seconds only",
        "/api/collections/{c}/objects/?added_after=2020-01-01T00:00:00Z",
        &[],
        200,
    ),
    habit("rstix: two types on the manifest", "/api/collections/{c}/manifest/", &[STIX_21], 200),
    habit(
        "SOCRadar function: limit and next",
        "/api/collections/{c}/objects/?limit=1000&next={next}",
        &[],
        200,
    ),
    habit(
        "cytaxii2: content type on GET",
        "/taxii2/",
        &[("content-type", "application/taxii+json;version=2.1")],
        200,
    ),
    habit(
        "cc-taxii2-client-rs: next twice",
        "/api/collections/{c}/objects/?limit=1000&added_after=1970-01-01T00:00:00Z&next=x&next={next_1970}",
        &[],
        200,
    ),
    habit(
        "interop: a filter twice",
        "/api/collections/{c}/objects/?match[type]=tool&match[type]=tool",
        &[],
        400,
    ),
    habit(
        "EclecticIQ: from 1970",
        "/api/collections/{c}/objects/?added_after=1970-01-01T00:00:00.000Z&limit=100",
        &[],
        200,
    ),
    habit("no slash at the end", "/api/collections/{c}/objects", &[], 200),
    habit("any type", "/api/collections/{c}/objects/", &[("accept", "*/*")], 200),
    habit("axios", "/taxii2/", &[("accept", "application/json, text/plain, */*")], 200),
    habit("plain JSON", "/taxii2/", &[("accept", "application/json")], 200),
    habit("no version", "/taxii2/", &[("accept", "application/taxii+json")], 200),
    habit("gzip always", "/api/collections/{c}/objects/", &[("accept-encoding", "gzip, deflate")], 200),
    habit("plus as blank", "/api/collections/{c}/objects/?added_after=2020-01-01T00:00:00+00:00", &[], 400),
    habit("encoded brackets", "/api/collections/{c}/objects/?match%5Btype%5D=tool", &[], 200),
    habit("raw brackets", "/api/collections/{c}/objects/?match[type]=tool", &[], 200),
    habit("upper-case collection id", "/api/collections/{C}/objects/", &[], 200),
];

#[tokio::test]
async fn reads() {
    let (test, id) = TestApp::with_collection().await;
    let other = test.collection("other").await;
    test.account("bob", json!({"*": {"can_read": true, "can_write": true}})).await;
    for collection in [&id, &other] {
        let body = json!({"objects": [tool(1, 2001), tool(2, 2001), tool(3, 2001)]}).to_string();
        test.post(&format!("/api/collections/{collection}/objects/"), body).by("bob").send().await;
    }
    let next = async |collection: &str, query: &str| {
        let path = format!("/api/collections/{collection}/objects/?limit=1{query}");
        test.get(&path).by("bob").send().await.json()["next"].as_str().unwrap().to_owned()
    };
    let places = [
        ("{c}", id.clone()),
        ("{C}", id.to_uppercase()),
        ("{next}", next(&id, "").await),
        ("{next_1970}", next(&id, "&added_after=1970-01-01T00:00:00Z").await),
        ("{other}", next(&other, "").await),
    ];
    for Habit { client, path, headers, status } in READS {
        let path = places.iter().fold((*path).to_owned(), |path, (name, value)| path.replace(name, value));
        let mut call = test.get(&path);
        for (name, value) in *headers {
            call = call.header(name, value);
        }
        let answer = call.send().await;
        assert_eq!(answer.status.as_u16(), *status, "{client}: {path}");
        assert_eq!(answer.header("content-type"), Some(TAXII), "{client}");
        if *status != 200 {
            answer.error_code();
        } else if path.contains("next={next") || path.contains("&next=") && !path.ends_with("next=") {
            assert_eq!(ids(&answer), [tool_id(2), tool_id(3)], "{client}: goes on after the first object");
        }
    }
}

#[tokio::test]
async fn lower_case_scheme() {
    let (test, _) = TestApp::with_collection().await;
    let pair = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("alice:{}", crate::app::PASSWORD),
    );
    let answer = test.get("/taxii2/").header("authorization", &format!("basic {pair}")).send().await;
    assert_eq!(answer.status, StatusCode::OK);
}

/// Who posts what, as which type.
#[tokio::test]
async fn posts() {
    let (test, id) = TestApp::with_collection().await;
    let path = format!("/api/collections/{id}/objects/");
    let envelope = |number| json!({"objects": [tool(number, 2001)]});
    let bundle = |number| json!({"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": [tool(number, 2001)]});
    let rows: [(&str, Value, &str, u16); 7] = [
        ("taxii2-client", envelope(1), TAXII, 202),
        ("a blank in the type", envelope(2), "application/taxii+json; version=2.1", 202),
        ("OpenCTI taxii-post", bundle(3), "application/stix+json; version=2.1", 202),
        ("OpenCTI taxii-post, older", bundle(4), "application/vnd.oasis.stix+json", 202),
        ("Splunk CTIS: a bundle as TAXII", bundle(5), TAXII, 202),
        ("TAXII 2.0", envelope(6), "application/vnd.oasis.stix+json; version=2.0", 415),
        ("a form", envelope(7), "application/x-www-form-urlencoded", 415),
    ];
    for (client, body, content_type, status) in rows {
        let answer = test.post(&path, body.to_string()).header("content-type", content_type).send().await;
        assert_eq!(answer.status.as_u16(), status, "{client}");
        if status == 202 {
            let status = answer.json();
            // taxii2-client raises when the lists and the counts differ.
            for (list, count) in
                [("successes", "success_count"), ("failures", "failure_count"), ("pendings", "pending_count")]
            {
                assert_eq!(
                    status[list].as_array().map_or(0, Vec::len) as u64,
                    status[count].as_u64().unwrap(),
                    "{client}"
                );
            }
        }
    }
}

/// OpenCTI keeps only milliseconds of the last date header, so the end of the collection must not come again for ever.
#[tokio::test]
async fn a_poller_that_keeps_milliseconds_comes_to_an_end() {
    let (test, id) = TestApp::with_collection().await;
    test.add(&id, &[tool(1, 2001), tool(2, 2001), tool(3, 2001)]).await;
    let answer = test.get(&format!("/api/collections/{id}/objects/")).send().await;
    let last = answer.header("x-taxii-date-added-last").unwrap();
    let in_milliseconds = format!("{}Z", &last[..23]);
    let path = format!("/api/collections/{id}/objects/?added_after={in_milliseconds}");
    assert!(ids(&test.get(&path).send().await).is_empty());
}

/// Sentinel refuses collection ids that are not UUIDs of version 4; taxii2-client wants them in lower case.
#[tokio::test]
async fn collection_ids_are_random_uuids_in_lower_case() {
    let (test, id) = TestApp::with_collection().await;
    let listed = test.get("/api/collections/").send().await.json()["collections"][0]["id"].clone();
    assert_eq!(listed, json!(id));
    assert_eq!((&id[14..15], id.to_lowercase()), ("4", id.clone()));
}

fn ids(answer: &Answer) -> Vec<String> {
    let envelope = answer.json();
    let objects = envelope["objects"].as_array().into_iter().flatten();
    objects.map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}
