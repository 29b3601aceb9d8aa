//! Our own server inside this process, without a program or a demo around it: a debugger reaches both sides.

use axum::http::Method;
use serde_json::json;
use taxii_conformance::{Auth, Options, Outcome, run};
use taxii_server::config::{Config, MetricsListen};
use taxii_server::control::Control;
use taxii_server::serve::Server;

#[tokio::test(flavor = "multi_thread")]
async fn every_requirement_is_met() {
    crate::install_tls();
    let data = tempfile::tempdir().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let metrics_listen = MetricsListen::Nowhere;
    let config = Config { listen, data: data.path().to_owned(), metrics_listen, ..Config::default() };
    let server = Server::start(config.clone()).await.unwrap();
    let control = Control::open(config).await.unwrap();
    let add =
        async |what: &str, new| control.json(Method::POST, &format!("/admin/{what}/"), new).await.unwrap();
    add("api-roots", json!({"name": "api"})).await;
    let collection = json!({"api_root": "api", "title": "All", "spec_versions": ["2.0", "2.1"]});
    let id = add("collections", collection).await["id"].clone();
    let grants = json!({id.as_str().unwrap(): {"can_read": true, "can_write": true}});
    let account = add("accounts", json!({"name": "tester", "grants": grants})).await;
    let token = account["token"].as_str().unwrap().to_owned();

    let options = Options { auth: Auth::Bearer(token), ..Options::new(server.url()) };
    let report = run(&options, |_| {}).await.unwrap();
    crate::own_server::assert_no_failure(&report);
    let passed = report.rows.iter().filter(|row| matches!(row.outcome, Outcome::Pass)).count();
    assert!(passed > 100, "only {passed} rows say something");
    server.stop().await;
}
