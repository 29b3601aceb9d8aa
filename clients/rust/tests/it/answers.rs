//! Requests as the standard wants them, patience with busy servers, and errors that say what happened.

use crate::stub::{Behaviour, COLLECTION, Headers, Stub, date_added, text};
use std::time::Duration;
use stix_model::taxii::{MEDIA_TYPE, StatusState};
use taxii_client::{Auth, Client, Error, Filter, Options};
use uuid::Uuid;

fn busy(status: u16) -> (u16, Headers, String) {
    (status, vec![("retry-after", "0".into())], String::new())
}

#[tokio::test]
async fn requests_are_as_the_standard_wants_them() {
    let stub = Stub::start(Behaviour::default());
    let auth = Auth::Basic { user: "u".into(), password: "p".into() };
    let client = Client::new(Options::new(&stub.url).auth(auth)).unwrap();
    client.collections().await.unwrap();
    client.add_objects(COLLECTION, r#"{"objects":[{}]}"#).await.unwrap();
    let behaviour = stub.behaviour();
    assert!(behaviour.requests.iter().all(|request| request.ends_with('/')), "{:?}", behaviour.requests);
    for headers in &behaviour.headers {
        assert_eq!(headers["accept"], MEDIA_TYPE);
        assert_eq!(headers["authorization"], "Basic dTpw");
        assert_eq!(headers["user-agent"], concat!("taxii-client/", env!("CARGO_PKG_VERSION")));
    }
    assert!(!behaviour.headers[0].contains_key("content-type"));
    assert_eq!(behaviour.headers.last().unwrap()["content-type"], MEDIA_TYPE);
}

#[tokio::test]
async fn api_roots_are_found_through_discovery() {
    let stub = Stub::start(Behaviour::default());
    let root = format!("{}root/", stub.url);
    for path in ["", "taxii2", "root", "root/collections/", &format!("root/collections/{COLLECTION}")] {
        let client = stub.client_at(path);
        assert_eq!(client.api_root_url().await.unwrap().as_str(), root, "{path}");
        assert_eq!(client.collection(COLLECTION).await.unwrap().title, "Stub");
    }
    let choose = |default, api_roots| {
        let stub = Stub::start(Behaviour { default, api_roots, ..Behaviour::default() });
        async move { stub.client().api_root_url().await.map(|url| url.path().to_owned()) }
    };
    assert_eq!(choose(Some("/b/"), vec!["/a/", "/b/"]).await.unwrap(), "/b/");
    assert_eq!(choose(None, vec!["https://h/c"]).await.unwrap(), "/c/");
    assert!(
        matches!(choose(None, vec!["/a/", "/b/"]).await, Err(Error::ManyApiRoots { roots, .. }) if roots.len() == 2)
    );
    assert!(matches!(choose(None, vec![]).await, Err(Error::NoApiRoot { .. })));
}

#[tokio::test]
async fn credentials_stay_on_the_server_they_are_for() {
    let other = Stub::start(Behaviour::default());
    let stub = Stub::start(Behaviour::default());
    let client = Client::new(Options::new(&stub.url).auth(Auth::Bearer("t".into()))).unwrap();
    client.api_root().await.unwrap();
    client.at_api_root(format!("{}root/", other.url).parse().unwrap()).api_root().await.unwrap();
    assert_eq!(stub.behaviour().headers[0]["authorization"], "Bearer t");
    assert!(!other.behaviour().headers[0].contains_key("authorization"));

    let location = format!("{}root/", other.url);
    stub.behaviour().refusals.push((302, vec![("location", location.clone())], String::new()));
    let error = client.api_root().await.unwrap_err();
    assert!(matches!(error, Error::Redirect { location: to, .. } if to == location));
}

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let stub =
        Stub::start(Behaviour { refusals: vec![busy(503), busy(429), busy(502)], ..Behaviour::default() });
    stub.client().discovery().await.unwrap();

    // The first attempt and three more.
    stub.behaviour().refusals = vec![busy(503); 4];
    let error = stub.client().discovery().await.unwrap_err();
    assert!(matches!(error, Error::Refused { status: 503, .. }), "{error}");
    assert!(stub.behaviour().refusals.is_empty());

    stub.behaviour().refusals = vec![(429, vec![("retry-after", "3600".into())], String::new())];
    let error = stub.client().discovery().await.unwrap_err();
    assert!(error.to_string().ends_with("HTTP 429: the server asks to come back in 3600 seconds"), "{error}");
}

#[tokio::test]
async fn what_may_have_been_deleted_is_not_deleted_twice() {
    let stub = Stub::start(Behaviour::default());
    let client = stub.client_at("root/");
    let told = |code: &str| (503, Vec::new(), format!(r#"{{"title":"T","error_code":"{code}"}}"#));
    let delete = || client.delete_object(COLLECTION, "url--1", vec!["last".into()]);
    for (refusals, asked) in [
        (vec![busy(429), busy(504)], 2),
        (vec![busy(503)], 1),
        (vec![told("other")], 1),
        // It was not done, which says nothing of the next attempt.
        (vec![told("unavailable"), busy(503)], 2),
    ] {
        stub.behaviour().requests.clear();
        stub.behaviour().refusals = refusals;
        let refused = delete().await;
        assert!(matches!(refused, Err(Error::OutcomeUnknown(_))), "{refused:?}");
        assert_eq!(stub.behaviour().requests.len(), asked);
        assert!(stub.behaviour().refusals.is_empty());
    }
    // A server that knows the key does it once.
    stub.behaviour().headers.clear();
    stub.behaviour().refusals = vec![told("outcome_unknown"), busy(503), busy(504)];
    delete().await.unwrap();
    let keys: Vec<Uuid> = stub
        .behaviour()
        .headers
        .iter()
        .map(|headers| headers["idempotency-key"].to_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(keys, [keys[0]; 4]);
    delete().await.unwrap();
    assert_ne!(stub.behaviour().headers[4]["idempotency-key"], keys[0].to_string());
}

#[tokio::test]
async fn a_deletion_that_is_redirected_as_pages_are_is_not_sent_again() {
    for (status, sent) in [(301, 1), (302, 1), (307, 2), (308, 2)] {
        let stub = Stub::start(Behaviour::default());
        let place = format!("/root/collections/{COLLECTION}/objects/url--2/");
        stub.behaviour().refusals = vec![(status, vec![("location", place)], String::new())];
        let outcome = stub.client_at("root/").delete_object(COLLECTION, "url--1", vec!["last".into()]).await;
        assert_eq!(stub.behaviour().requests.len(), sent, "{status}");
        match sent {
            1 => assert!(matches!(outcome, Err(Error::OutcomeUnknown(_))), "{status} {outcome:?}"),
            _ => outcome.unwrap(),
        }
    }
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_whoever_names_it() {
    let far = "http://192.0.2.1/root/";
    for (default, api_roots) in
        [(Some(far), vec!["/root/"]), (None, vec![far]), (None, vec!["//192.0.2.1/root/", "/root/"])]
    {
        let stub = Stub::start(Behaviour { default, api_roots, ..Behaviour::default() });
        let client = stub.client();
        let said = client.api_roots().await.unwrap_err().to_string();
        assert!(said.contains("192.0.2.1/root/") && said.contains("--allow-plain-http"), "{said}");
        assert!(client.collections().await.is_err());
        let output = stub.run(&["--user", "u", "--password", "p", "list"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("without TLS"), "{}", text(&output.stderr));
    }
    let stub = Stub::start(Behaviour::default());
    let there = stub.client().at_api_root(far.parse().unwrap());
    let error = there.add_objects(COLLECTION, "{}").await.unwrap_err();
    assert!(matches!(&error, Error::Url { url, .. } if url.starts_with(far)), "{error:?}");
    for location in [far, "ftp://192.0.2.1/"] {
        stub.behaviour().refusals.push((307, vec![("location", location.to_owned())], String::new()));
        let error = stub.client_at("root/").add_objects(COLLECTION, "{}").await.unwrap_err();
        assert!(matches!(error, Error::Redirect { .. }), "{error:?}");
    }
}

#[test]
fn credentials_that_were_not_sent_are_not_blamed() {
    let other =
        Stub::start(Behaviour { refusals: vec![(401, Vec::new(), String::new())], ..Behaviour::default() });
    let root: &'static str = format!("{}root/", other.url).leak();
    let stub = Stub::start(Behaviour { api_roots: vec![root], ..Behaviour::default() });
    let output = stub.run(&["--user", "u", "--password", "p", "list"]);
    let (said, home) = (text(&output.stderr), stub.url.trim_end_matches('/'));
    assert!(said.contains(&format!("the credentials are for {home} and were not sent here")), "{said}");
}

/// The keys of all requests to add objects.
fn keys(stub: &Stub) -> Vec<Uuid> {
    let behaviour = stub.behaviour();
    let posts =
        behaviour.requests.iter().zip(&behaviour.headers).filter(|(line, _)| line.starts_with("POST"));
    posts.map(|(_, headers)| headers["idempotency-key"].to_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn adding_again_has_the_same_key() {
    let stub = Stub::start(Behaviour { silent_posts: 1, ..Behaviour::default() });
    let wait = Duration::from_millis(1);
    let retry = taxii_client::Retry::default().attempts(5).first_wait(wait).longest_wait(wait);
    let idle_timeout = Duration::from_millis(200);
    let url = format!("{}root/", stub.url);
    let client = Client::new(Options::new(url).retry(retry).idle_timeout(idle_timeout)).unwrap();
    // Busy, perhaps done behind a proxy, and a connection that goes silent once the objects have arrived.
    stub.behaviour().refusals = vec![busy(503), busy(429), busy(502)];
    client.add_objects(COLLECTION, r#"{"objects":[{}]}"#).await.unwrap();
    let first = keys(&stub);
    assert_eq!(first, [first[0]; 5]);
    assert_eq!(first[0].get_version_num(), 4);
    assert_eq!(stub.behaviour().bodies.len(), 2, "the silent one arrived too");

    client.add_objects(COLLECTION, r#"{"objects":[{}]}"#).await.unwrap();
    assert_ne!(keys(&stub)[5], first[0], "each call has a key of its own");
    let own = Uuid::from_u128(7);
    client.add_objects_with(COLLECTION, r#"{"objects":[{}]}"#, own).await.unwrap();
    assert_eq!(keys(&stub)[6], own);
}

#[tokio::test]
async fn errors_show_what_the_server_said() {
    let stub = Stub::start(Behaviour::default());
    let client = stub.client_at("root/");
    let error = client.collection("x").await.unwrap_err();
    let url = &stub.url;
    let said = "HTTP 404: Nothing here – Try something else. (code stub, error id e-1)";
    assert_eq!(error.to_string(), format!("{url}root/collections/x/: {said}"));
    assert!(!error.is_connection());

    let answer = |status, media_type: &str, body: &str| {
        stub.behaviour().refusals.push((status, vec![("content-type", media_type.into())], body.into()));
    };
    let cases = [
        (401, "text/html", "<html>", "HTTP 401: Unauthorized"),
        (200, "text/html; charset=utf-8", "<html>", "the Content-Type is text/html; charset=utf-8"),
        (200, MEDIA_TYPE, "{", "EOF while parsing an object at line 1 column 1"),
        (
            200,
            MEDIA_TYPE,
            r#"{"welcome":"T"}"#,
            "it has neither `title` nor `versions` nor `max_content_length`",
        ),
    ];
    for (status, media_type, body, expected) in cases {
        answer(status, media_type, body);
        let error = client.api_root().await.unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert_eq!(error.is_connection(), status == 401);
    }
}

#[tokio::test]
async fn long_answers_are_not_read_to_the_end() {
    let stub = Stub::start(Behaviour::default());
    let client = Client::new(Options::new(&stub.url).max_response(100)).unwrap();
    let mut pages = client.objects(COLLECTION, Filter::default()).await.unwrap();
    assert!(matches!(pages.next().await, Err(Error::TooLarge { limit: 100, .. })));
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let stub = Stub::start(Behaviour { pages_left: 0, hangs: true, ..Behaviour::default() });
    let idle_timeout = Duration::from_millis(50);
    let retry =
        taxii_client::Retry::default().attempts(2).first_wait(idle_timeout).longest_wait(idle_timeout);
    let client = Client::new(Options::new(&stub.url).idle_timeout(idle_timeout).retry(retry)).unwrap();
    let mut pages = client.objects(COLLECTION, Filter::default()).await.unwrap();
    let error = pages.next().await.unwrap_err();
    assert!(matches!(error, Error::Connection { .. }) && error.to_string().contains("timed out"), "{error}");
}

#[tokio::test]
async fn what_never_answers_is_asked_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/root/", listener.local_addr().unwrap());
    let idle_timeout = Duration::from_millis(50);
    let client = Client::new(Options::new(url).idle_timeout(idle_timeout)).unwrap();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok(connection) = listener.accept().await {
            open.push(connection);
            count.store(open.len(), std::sync::atomic::Ordering::SeqCst);
        }
    });
    let said = client.collections().await.unwrap_err().to_string();
    assert!(said.contains("whether a TAXII server listens on this port"), "{said}");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_pending_status_is_waited_for() {
    let stub = Stub::start(Behaviour { pending: 3, ..Behaviour::default() });
    let client = stub.client();
    let status = client.add_objects(COLLECTION, r#"{"objects":[{}]}"#).await.unwrap();
    assert_eq!(status.status, StatusState::Pending);
    let status = client.wait_for_status(status, Duration::ZERO).await.unwrap();
    assert_eq!(status.pending_count, 1);
    let status = client.wait_for_status(status, Duration::from_secs(60)).await.unwrap();
    assert_eq!((status.status, status.success_count), (StatusState::Complete, 1));
    assert_eq!(text(&stub.behaviour().bodies[0]), r#"{"objects":[{}]}"#);
}

#[tokio::test]
async fn versions_and_manifest_are_read() {
    let stub = Stub::start(Behaviour::default());
    let versions = stub.client().versions(COLLECTION, "url--1").await.unwrap();
    assert_eq!(versions.iter().map(ToString::to_string).collect::<Vec<_>>(), [date_added(1), date_added(2)]);
    let mut pages = stub.client().manifest(COLLECTION, Filter::default()).await.unwrap();
    let page = pages.next().await.unwrap().unwrap();
    assert_eq!(page.objects.len(), 10);
    assert_eq!(page.objects[9].date_added.as_str(), date_added(9));
    assert!(pages.next().await.unwrap().is_none());
}
