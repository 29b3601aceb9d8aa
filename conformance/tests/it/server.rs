//! Our own server as a stranger starts it: the real binary, over the wire.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use taxii_conformance::{Auth, Options};

const CA: &[u8] = include_bytes!("../../fixtures/tls/ca.pem");

/// A demo server on a port of its own. It ends with this value.
pub(crate) struct Server {
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// What the server said about itself.
    told: Value,
    /// An account that sees a collection of each kind, as the interoperability tests want it.
    tester: Value,
    child: Child,
    // Held, so that the server can go on writing.
    _output: BufReader<ChildStdout>,
    _data: tempfile::TempDir,
}

/// A demo server over plain HTTP.
pub(crate) async fn start() -> Server {
    start_with("").await
}

/// A demo server over TLS, with the certificate of the fixtures.
pub(crate) async fn start_over_tls() -> Server {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tls");
    start_with(&format!("[tls]\ncertificate = '{fixtures}/server.pem'\nkey = '{fixtures}/server.key'\n"))
        .await
}

/// Starts `taxii-server demo`, reads the line in which it says where it is, and adds what the tests need.
async fn start_with(config: &str) -> Server {
    crate::install_tls();
    let binary = binary();
    let data = tempfile::tempdir().unwrap();
    let config_file = data.path().join("test.toml");
    std::fs::write(&config_file, config).unwrap();
    let mut child = Command::new(&binary)
        .args(["demo", "--json", "--listen", "127.0.0.1:0", "--config"])
        .arg(config_file)
        .arg("--data")
        .arg(data.path().join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|problem| panic!("{}: {problem}", binary.display()));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line)
        .unwrap_or_else(|problem| panic!("the demo server said {line:?} instead of JSON: {problem}"));
    let origin = told["url"].as_str().unwrap().to_owned();
    let mut server = Server { origin, told, tester: Value::Null, child, _output: output, _data: data };
    server.tester = server.add_tester().await;
    server
}

/// Cargo builds the binaries of a workspace next to each other, and its tests one folder below.
fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let binary = profile.join(format!("taxii-server{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.is_file(), "{} is missing; build it with: cargo build -p taxii-server", binary.display());
    binary
}

impl Server {
    /// What a run needs, for this server or for a proxy in front of it.
    pub(crate) fn options(&self, origin: &str) -> Options {
        Options {
            auth: basic(&self.tester),
            limited_auth: Some(basic(&self.told["reader"])),
            ca: Some(CA.to_vec()),
            ..Options::new(format!("{origin}/api/"))
        }
    }

    /// The reader of the demo, with its API token.
    pub(crate) fn reader(&self) -> Auth {
        Auth::Bearer(self.told["reader"]["token"].as_str().unwrap().to_owned())
    }

    async fn add_tester(&self) -> Value {
        let drop_box = self.admin("collections", json!({"api_root": "api", "title": "Drop box"})).await;
        let sealed = self.admin("collections", json!({"api_root": "api", "title": "Sealed"})).await;
        // The reader of the demo does not even see this one.
        let members = self.admin("collections", json!({"api_root": "api", "title": "Members"})).await;
        let grants: serde_json::Map<String, Value> = [
            (&self.told["collection"]["id"], true, false),
            (&self.told["writable_collection"]["id"], true, true),
            (&drop_box["id"], false, true),
            (&sealed["id"], false, false),
            (&members["id"], true, false),
        ]
        .into_iter()
        .map(|(id, can_read, can_write)| {
            (id.as_str().unwrap().to_owned(), json!({"can_read": can_read, "can_write": can_write}))
        })
        .collect();
        self.admin("accounts", json!({"name": "tester", "grants": grants})).await
    }

    async fn admin(&self, what: &str, new: Value) -> Value {
        let url = format!("{}/admin/{what}/", self.origin);
        let Auth::Basic { user, password } = basic(&self.told["admin"]) else { unreachable!() };
        let authority = reqwest::Certificate::from_pem(CA).unwrap();
        let http = reqwest::Client::builder().tls_certs_merge([authority]).build().unwrap();
        let request = http.post(&url).basic_auth(user, Some(password)).json(&new);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "POST {url} answered {}", answer.status());
        answer.json().await.unwrap()
    }
}

fn basic(account: &Value) -> Auth {
    let field = |name: &str| account[name].as_str().unwrap().to_owned();
    Auth::Basic { user: field("username"), password: field("password") }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
