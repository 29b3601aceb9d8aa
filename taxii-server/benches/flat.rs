//! Shows that the cost of a request does not grow with the collection: `cargo bench -p taxii-server --bench flat`.
//!
//! Two collections in one embedded store, one thirty times larger, asked in turns through the real router. Only the
//! ratios say something; the times depend on the machine.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_types,
    reason = "a bench measures and prints"
)]

use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use taxii_server::app::App;
use taxii_server::clock::Clock;
use taxii_server::config::Config;
use taxii_server::control::Control;
use taxii_server::router;
use taxii_server::store::{EmbeddedEngine, Store};
use tower::ServiceExt;

const SMALL: u64 = 10_000;
const LARGE: u64 = 300_000;
const ROUNDS: usize = 200;

struct Bench {
    service: router::Service,
    token: String,
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(EmbeddedEngine::open(&folder.path().join("store")).unwrap());
    let store = Store::open(engine, Arc::new(Clock::System)).await.unwrap();
    let app = Arc::new(App::new(store, Config::default()).unwrap());
    let control = Control::of(Arc::clone(&app)).unwrap();
    control.json(Method::POST, "/admin/api-roots/", json!({"name": "api"})).await.unwrap();
    let admin = json!({"name": "bench", "is_administrator": true});
    let token = control.json(Method::POST, "/admin/accounts/", admin).await.unwrap()["token"].clone();
    let bench = Bench { service: router::service(app), token: token.as_str().unwrap().to_owned() };
    let mut bases = Vec::new();
    for (name, count) in [("small", SMALL), ("large", LARGE)] {
        let new = json!({"api_root": "api", "title": name});
        let id = control.json(Method::POST, "/admin/collections/", new).await.unwrap()["id"].clone();
        let base = format!("/api/collections/{}", id.as_str().unwrap());
        let started = Instant::now();
        fill(&control, &base, count).await;
        let rate = count as f64 / started.elapsed().as_secs_f64();
        println!("{count} objects added in envelopes of 1000, {rate:.0} objects/s");
        bases.push(base);
    }
    println!("\nmicroseconds, median of {ROUNDS}      {SMALL:>8} objects {LARGE:>8} objects   ratio");
    let mut first_page = Duration::ZERO;
    for (name, small, large) in [
        ("first page of 100", queries(&bases[0], 0), queries(&bases[1], 0)),
        ("last page of 100", queries(&bases[0], SMALL - 100), queries(&bases[1], LARGE - 100)),
        (
            "empty poll",
            format!("{}/objects/?added_after=2099-01-01T00:00:00Z", bases[0]),
            format!("{}/objects/?added_after=2099-01-01T00:00:00Z", bases[1]),
        ),
        (
            "match[id]",
            format!("{}/objects/?match[id]={}", bases[0], id(SMALL / 2)),
            format!("{}/objects/?match[id]={}", bases[1], id(LARGE / 2)),
        ),
        (
            "manifest page of 100",
            format!("{}/manifest/?limit=100", bases[0]),
            format!("{}/manifest/?limit=100", bases[1]),
        ),
        (
            "match[type], page of 100",
            format!("{}/objects/?limit=100&match[type]=indicator", bases[0]),
            format!("{}/objects/?limit=100&match[type]=indicator", bases[1]),
        ),
    ] {
        let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
        // The last page is reached by its date, as a poller does.
        let small = bench.locate(&small).await;
        let large = bench.locate(&large).await;
        for _ in 0..ROUNDS {
            of_small.push(bench.time(&small).await);
            of_large.push(bench.time(&large).await);
        }
        let (small, large) = (median(of_small), median(of_large));
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        println!("{name:<32} {:>14} {:>16} {ratio:>9.2}", small.as_micros(), large.as_micros());
        match name {
            "first page of 100" => first_page = large,
            "last page of 100" => {
                let ratio = large.as_secs_f64() / first_page.as_secs_f64();
                println!("{:<32} {:>31} {ratio:>9.2}", "last page / first page", "");
            }
            _ => {}
        }
    }
}

/// A page that begins after so many objects; resolved to a date later.
fn queries(base: &str, skip: u64) -> String {
    if skip == 0 {
        format!("{base}/objects/?limit=100")
    } else {
        format!("{base}/objects/?limit=100&skip={skip}")
    }
}

impl Bench {
    async fn get(&self, uri: &str) -> (axum::http::HeaderMap, bytes::Bytes) {
        let request = Request::get(uri).header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let response = self.service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert!(response.status().is_success(), "{uri}: {}", response.status());
        let (parts, body) = response.into_parts();
        (parts.headers, body.collect().await.unwrap().to_bytes())
    }

    async fn time(&self, uri: &str) -> Duration {
        let started = Instant::now();
        self.get(uri).await;
        started.elapsed()
    }

    /// Turns `skip` into the date of the object that comes before the page.
    async fn locate(&self, uri: &str) -> String {
        let Some((uri, skip)) = uri.split_once("&skip=") else { return uri.to_owned() };
        let base = uri.split("/objects/").next().unwrap();
        let before = skip.parse::<u64>().unwrap() - 1;
        let (headers, _) = self.get(&format!("{base}/objects/?match[id]={}", id(before))).await;
        format!("{uri}&added_after={}", headers["x-taxii-date-added-last"].to_str().unwrap())
    }
}

async fn fill(control: &Control, base: &str, count: u64) {
    for start in (0..count).step_by(1000) {
        let objects: Vec<Value> = (start..start + 1000).map(indicator).collect();
        let body = json!({"objects": objects}).to_string();
        let reply = control.call(Method::POST, &format!("{base}/objects/"), body.into()).await.unwrap();
        assert!(reply.status.is_success());
    }
}

fn id(number: u64) -> String {
    format!("indicator--00000000-0000-4000-8000-{number:012}")
}

/// About 800 bytes, as indicators in the field.
fn indicator(number: u64) -> Value {
    let stamp = "2026-01-01T00:00:00.000Z";
    json!({
        "type": "indicator", "spec_version": "2.1", "id": id(number), "created": stamp, "modified": stamp,
        "created_by_ref": "identity--00000000-0000-4000-8000-000000000000", "name": format!("indicator {number}"),
        "description": "x".repeat(300), "pattern": format!("[domain-name:value = 'h{number}.example']"),
        "pattern_type": "stix", "valid_from": stamp, "indicator_types": ["malicious-activity"], "confidence": 50
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
