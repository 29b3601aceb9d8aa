//! Servers that stall, lie or never end: a run ends all the same, and says what it saw.

use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use taxii_conformance::{Options, Outcome, Report, run};

const TAXII: (&str, &str) = ("content-type", "application/taxii+json;version=2.1");

/// Serves one answer for everything, on a port of its own.
async fn serve(answer: fn(&Uri) -> (StatusCode, String)) -> String {
    let app = Router::new().fallback(move |uri: Uri| async move {
        let (status, body) = answer(&uri);
        (status, [TAXII], body).into_response()
    });
    listen(app).await
}

async fn listen(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api1/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn tested(url: String) -> Report {
    crate::install_tls();
    let mut options = Options::new(url);
    options.timeout = Duration::from_millis(100);
    tokio::time::timeout(Duration::from_secs(120), run(&options, |_| {})).await.expect("a run ends").unwrap()
}

fn failed(report: &Report, id: &str) -> bool {
    report.failures().any(|row| row.requirement.id == id)
}

#[tokio::test]
async fn a_server_that_says_more_for_ever_is_left_alone() {
    fn answer(uri: &Uri) -> (StatusCode, String) {
        let collection =
            r#"{"id":"91a7b528-80eb-42ed-a74d-c6fbd5a26116","title":"t","can_read":true,"can_write":false}"#;
        let record = r#"{"id":"malware--91a7b528-80eb-42ed-a74d-c6fbd5a26116","date_added":"2024-01-01T00:00:00.000000Z","version":"2024-01-01T00:00:00.000Z"}"#;
        let body = match uri.path() {
            "/api1/collections/" => format!(r#"{{"collections":[{collection}]}}"#),
            path if path.ends_with("/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/") => collection.into(),
            _ => format!(r#"{{"more":true,"next":"1","objects":[{record}]}}"#),
        };
        (StatusCode::OK, body)
    }
    let report = tested(serve(answer).await).await;
    assert!(failed(&report, "I-3.7.2"), "an empty result never says more");
    assert!(failed(&report, "T-134"), "an unknown status is 404");
}

#[tokio::test]
async fn nonsense_is_reported_and_never_panics() {
    for body in ["", "null", "[]", "{", "\u{feff}{}", r#"{"collections":5,"objects":{},"versions":"x"}"#] {
        static BODY: std::sync::Mutex<&str> = std::sync::Mutex::new("");
        *BODY.lock().unwrap() = body;
        let report = tested(serve(|_| (StatusCode::OK, (*BODY.lock().unwrap()).to_owned())).await).await;
        assert!(failed(&report, "T-032"), "{body:?} is no discovery resource");
        assert!(failed(&report, "I-3.3.2"), "{body:?}: an unknown root is 404");
    }
}

#[tokio::test]
async fn a_server_that_stalls_fails_the_checks_and_not_the_run() {
    let app = Router::new().fallback(|uri: Uri| async move {
        if uri.path() != "/api1/collections/" {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        ([TAXII], "{}").into_response()
    });
    let report = tested(listen(app).await).await;
    let stalled = report.rows.iter().find(|row| row.requirement.id == "T-101").unwrap();
    let Outcome::Fail { evidence } = &stalled.outcome else { panic!("{:?}", stalled.outcome) };
    assert!(evidence.detail.contains("no answer"), "{evidence}");
}

#[tokio::test]
async fn redirects_are_answers_not_orders() {
    let app = Router::new().fallback(|| async { (StatusCode::FOUND, [("location", "/api1/")], "") });
    let report = tested(listen(app).await).await;
    assert!(failed(&report, "T-100"));
}

#[tokio::test]
async fn without_a_server_there_is_no_report() {
    crate::install_tls();
    for url in ["http://127.0.0.1:9/", "ftp://127.0.0.1/", "no url"] {
        assert!(run(&Options::new(url), |_| {}).await.is_err(), "{url}");
    }
}
