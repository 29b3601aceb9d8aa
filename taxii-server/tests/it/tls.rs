//! TLS: what is spoken, and new certificates without a restart.

use serde_json::json;
use std::path::Path;
use std::time::Duration;
use taxii_server::config::{Config, MetricsListen, Tls, TlsVersion};
use taxii_server::control::Control;
use taxii_server::serve::Server;

pub(crate) fn install_crypto() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Writes a self-signed certificate and gives it as PEM.
pub(crate) fn certify(folder: &Path) -> String {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("chain.pem"), certified.cert.pem()).unwrap();
    certified.cert.pem()
}

fn client(trusted: &str) -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(trusted.as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([certificate]).build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_while_requests_go_on() {
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let old = certify(folder.path());
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: folder.path().join("data"),
        metrics_listen: MetricsListen::Nowhere,
        tls: Some(Tls {
            certificate: folder.path().join("chain.pem"),
            key: folder.path().join("key.pem"),
            min_version: TlsVersion::default(),
        }),
        ..Config::default()
    };
    let server = Server::start(config.clone()).await.unwrap();
    let control = Control::open(config).await.unwrap();
    control.json(axum::http::Method::POST, "/admin/api-roots/", json!({"name": "api"})).await.unwrap();
    let admin = json!({"name": "root", "password": crate::app::PASSWORD, "is_administrator": true});
    control.json(axum::http::Method::POST, "/admin/accounts/", admin).await.unwrap();
    let url = format!("https://localhost:{}/taxii2/", server.address().port());
    let get = async |client: &reqwest::Client| {
        let answer = client.get(&url).basic_auth("root", Some(crate::app::PASSWORD)).send().await?;
        answer.json::<serde_json::Value>().await
    };
    let long_lived = client(&old);
    let discovery = get(&long_lived).await.unwrap();
    assert!(discovery["default"].as_str().unwrap().starts_with("https://localhost:"), "{discovery}");
    let http1 = reqwest::Certificate::from_pem(old.as_bytes()).unwrap();
    let http1 = reqwest::Client::builder().tls_certs_only([http1]).http1_only().build().unwrap();
    let named = http1.get(&url).basic_auth("root", Some(crate::app::PASSWORD)).header("host", "evil.example");
    let discovery: serde_json::Value = named.send().await.unwrap().json().await.unwrap();
    assert_eq!(discovery["default"], "/api/", "the certificate is not valid for the name");
    let new = certify(folder.path());
    assert!(get(&client(&new)).await.is_err(), "the new certificate cannot be there yet");
    for _ in 0..100 {
        get(&long_lived).await.expect("an open connection is not disturbed");
        if get(&client(&new)).await.is_ok() {
            assert!(get(&client(&old)).await.is_err(), "new connections get the new certificate");
            server.stop().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the new certificate was not taken within ten seconds");
}
