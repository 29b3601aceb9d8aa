//! Shows that the cost of a request does not grow with the collection: `cargo bench -p taxii-server --bench flat`.
//!
//! Two collections in one embedded store, one thirty times larger, asked in turns through the real router; a third one of
//! which a viewer sees a hundredth, read by it and by one that sees all; and two objects, one with a hundred times as many
//! versions as the other. Only the ratios say something; the times
//! depend on the machine.
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
use stix_model::marking::TlpEdition;
use stix_model::{Object, StixId, Tlp};
use taxii_server::app::App;
use taxii_server::clock::Clock;
use taxii_server::config::Config;
use taxii_server::control::Control;
use taxii_server::rights::Viewer;
use taxii_server::router;
use taxii_server::store::{EmbeddedEngine, Filter, PageRequest, Store, VersionFilter, View, bulk_ranges};
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
    let engine = Arc::new(EmbeddedEngine::open(&folder.path().join("store"), &bulk_ranges()).unwrap());
    let store = Store::open(engine, Arc::new(Clock::System)).await.unwrap();
    let app = Arc::new(App::new(store, Config::default()).unwrap());
    let control = Control::of(Arc::clone(&app)).unwrap();
    control.json(Method::POST, "/admin/api-roots/", json!({"name": "api"})).await.unwrap();
    let admin = json!({"name": "bench", "is_administrator": true});
    let token = control.json(Method::POST, "/admin/accounts/", admin).await.unwrap()["token"].clone();
    let bench =
        Bench { service: router::service(Arc::clone(&app)), token: token.as_str().unwrap().to_owned() };
    let mut bases = Vec::new();
    for (name, count) in [("small", SMALL), ("large", LARGE)] {
        let new = json!({"api_root": "api", "title": name});
        let id = control.json(Method::POST, "/admin/collections/", new).await.unwrap()["id"].clone();
        let base = format!("/api/collections/{}", id.as_str().unwrap());
        let started = Instant::now();
        fill(&control, &base, count, indicator).await;
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
    by_clearance(&app, &control).await;
    by_versions(&bench, &control).await;
}

/// One object with many versions, and one with a hundred times as many.
async fn by_versions(bench: &Bench, control: &Control) {
    let new = json!({"api_root": "api", "title": "versions"});
    let collection = control.json(Method::POST, "/admin/collections/", new).await.unwrap()["id"].clone();
    let base = format!("/api/collections/{}", collection.as_str().unwrap());
    let [few, many] = [1_000, 100_000];
    for (object, count) in [(1, few), (2, many)] {
        let version = |number: u64| {
            let mut indicator = indicator(object);
            let (minute, second) = (number / 60_000, number % 60_000);
            let modified = format!(
                "2026-02-{:02}T00:{:02}:{:02}.{:03}Z",
                1 + minute / 60,
                minute % 60,
                second / 1000,
                second % 1000
            );
            indicator["modified"] = json!(modified);
            indicator
        };
        fill(control, &base, count, version).await;
    }
    println!("\nmicroseconds, median of {ROUNDS}     {few:>8} versions {many:>8} versions   ratio");
    for (name, path) in [
        ("versions, page of 100", "/versions/?limit=100"),
        ("all versions, page of 100", "/?match[version]=all&limit=100"),
        ("first and last version", "/?match[version]=first,last"),
        ("one version", "/?match[version]=2026-02-01T00:00:00.500Z"),
        ("manifest of all versions, 100", "manifest"),
    ] {
        let uri = |object| match path {
            "manifest" => format!("{base}/manifest/?match[id]={}&match[version]=all&limit=100", id(object)),
            path => format!("{base}/objects/{}{path}", id(object)),
        };
        let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            of_few.push(bench.time(&uri(1)).await);
            of_many.push(bench.time(&uri(2)).await);
        }
        let (few, many) = (median(of_few), median(of_many));
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        println!("{name:<32} {:>14} {:>16} {ratio:>9.2}", few.as_micros(), many.as_micros());
    }
    for (name, versions) in
        [("delete the last", "last"), ("delete the first", "first"), ("delete all", "all")]
    {
        let delete = async |object| {
            let uri = format!("{base}/objects/{}/?match[version]={versions}", id(object));
            let started = Instant::now();
            let reply = control.call(Method::DELETE, &uri, Default::default()).await.unwrap();
            assert!(reply.status.is_success());
            started.elapsed()
        };
        let (few, many) = (delete(1).await, delete(2).await);
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        println!("{name:<32} {:>14} {:>16} {ratio:>9.2}", few.as_micros(), many.as_micros());
    }
}

/// Pages of a collection of which one in a hundred objects is GREEN and the others RED, by clearance.
async fn by_clearance(app: &App, control: &Control) {
    let new = json!({"api_root": "api", "title": "marked"});
    let id = control.json(Method::POST, "/admin/collections/", new).await.unwrap()["id"].clone();
    let id = id.as_str().unwrap();
    let marked = |number: u64| {
        let level = if number.is_multiple_of(100) { Tlp::Green } else { Tlp::Red };
        let definition = Object::parse(level.definition(TlpEdition::V2).unwrap()).unwrap();
        let mut indicator = indicator(number);
        indicator["object_marking_refs"] = json!([definition.header().id]);
        indicator
    };
    fill(control, &format!("/api/collections/{id}"), LARGE, marked).await;
    let collection = Arc::clone(&app.store.directory().collections[&id.parse().unwrap()]);
    let view = |clearance| View::new(Arc::clone(&collection), Viewer::with_clearance(clearance));
    let (all, some) = (view(Tlp::Red), view(Tlp::Green));
    println!("\nmicroseconds, median of {ROUNDS}        all visible   one in a hundred   ratio");
    let everything = Filter { versions: Some(VersionFilter::All), ..Filter::default() };
    let of_type = Filter { types: Some(["indicator".to_owned()].into()), ..Filter::default() };
    let of_id = Filter { ids: Some([id_of(LARGE / 2)].into()), ..Filter::default() };
    for (name, filter) in [
        ("page of 100", Filter::default()),
        ("page of 100 of a type", of_type),
        ("page of 100, all versions", everything),
        ("match[id]", of_id),
    ] {
        let request = PageRequest::first(filter, 100);
        let (mut of_all, mut of_some) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            for (view, times) in [(&all, &mut of_all), (&some, &mut of_some)] {
                let started = Instant::now();
                let page = app.store.objects(view, &request).await.unwrap();
                times.push(started.elapsed());
                assert!(page.items.len() == 100 || name == "match[id]");
            }
        }
        let (all, some) = (median(of_all), median(of_some));
        let ratio = some.as_secs_f64() / all.as_secs_f64();
        println!("{name:<32} {:>14} {:>18} {ratio:>7.2}", all.as_micros(), some.as_micros());
    }
}

fn id_of(number: u64) -> StixId {
    id(number).parse().unwrap()
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

async fn fill(control: &Control, base: &str, count: u64, make: impl Fn(u64) -> Value) {
    for start in (0..count).step_by(1000) {
        let objects: Vec<Value> = (start..start + 1000).map(&make).collect();
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
