//! The server below a base path: inside another application, and by itself.

#[path = "../../examples/embed.rs"]
#[allow(dead_code, reason = "a test has a main function of its own")]
mod example;

use crate::app::{TAXII, tool};
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Arc;
use taxii_server::app::App;
use taxii_server::clock::Clock;
use taxii_server::config::{Config, MetricsListen};
use taxii_server::control::{Control, NewAccount, NewApiRoot, NewCollection};
use taxii_server::router;
use taxii_server::serve::Server;
use taxii_server::store::{MemoryEngine, Store};

async fn store() -> Store {
    Store::open(Arc::new(MemoryEngine::default()), Arc::new(Clock::System)).await.unwrap()
}

fn config() -> Config {
    Config { base_path: "/cti".to_owned(), metrics_listen: MetricsListen::Nowhere, ..Config::default() }
}

/// Adds a collection and an administrator, and returns the administrator's token.
async fn fill(app: &Arc<App>) -> String {
    let control = Control::of(Arc::clone(app)).unwrap();
    control.add_api_root(&NewApiRoot::new("cti")).await.unwrap();
    let id = control.add_collection(&NewCollection::new("cti", "Indicators")).await.unwrap().id;
    assert_eq!(control.collections().await.unwrap()[0].id, id);
    let admin = NewAccount { is_administrator: true, ..NewAccount::new("admin") };
    control.add_account(&admin).await.unwrap().token
}

/// A client that follows no redirect.
struct Client {
    client: reqwest::Client,
    token: String,
}

impl Client {
    fn new(token: String) -> Self {
        crate::tls::install_crypto();
        let client =
            reqwest::Client::builder().tls_certs_only([]).redirect(reqwest::redirect::Policy::none());
        Self { client: client.build().unwrap(), token }
    }

    async fn get(&self, url: &str) -> reqwest::Response {
        self.client.get(url).bearer_auth(&self.token).header("accept", TAXII).send().await.unwrap()
    }

    async fn post(&self, url: &str, body: &Value) -> reqwest::Response {
        let request = self.client.post(url).bearer_auth(&self.token).header("accept", TAXII);
        request.header("content-type", TAXII).body(body.to_string()).send().await.unwrap()
    }

    async fn json(&self, url: &str) -> Value {
        let answer = self.get(url).await;
        assert_eq!(answer.status(), 200, "{url}");
        answer.json().await.unwrap()
    }

    /// Goes from discovery to the objects of the collection by the URLs that discovery gives.
    async fn walk(&self, origin: &str) {
        let discovery = self.json(&format!("{origin}/cti/taxii2/")).await;
        assert_eq!(discovery["api_roots"], json!([format!("{origin}/cti/cti/")]));
        let api_root = discovery["default"].as_str().unwrap();
        assert_eq!(self.json(api_root).await["title"], "cti");
        // Without the slash at the end, as some clients send it.
        let collections = self.json(&format!("{api_root}collections")).await;
        assert_eq!(collections["collections"][0]["title"], "Indicators");
        let id = collections["collections"][0]["id"].as_str().unwrap();
        let objects = self.json(&format!("{api_root}/collections/{id}/objects/")).await;
        assert_eq!(objects, json!({"more": false}));
        let missing = self.get(&format!("{api_root}collections/{id}/objects/nothing/")).await;
        assert_eq!(missing.status(), 404);
        assert_eq!(missing.json::<Value>().await.unwrap()["error_code"], "not_found");
        let document = self.json(&format!("{origin}/cti/openapi.json")).await;
        assert_eq!(document["servers"], json!([{"url": "/cti"}]));
        for entrance in ["/cti", "/cti/"] {
            let answer = self.get(&format!("{origin}{entrance}")).await;
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["location"]),
                (307, &"/cti/docs/".parse().unwrap())
            );
        }
        assert_eq!(self.get(&format!("{origin}/cti/docs/")).await.status(), 200);
        assert_eq!(self.get(&format!("{origin}/taxii2/")).await.status(), 404);
    }
}

#[tokio::test]
async fn inside_another_application() {
    let app = Arc::new(App::new(store().await, config()).unwrap());
    let client = Client::new(fill(&app).await);
    let site = axum::Router::new()
        .route("/", get(async || "an application"))
        .nest_service("/cti", router::service(app));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, site).await });
    client.walk(&origin).await;
    assert_eq!(client.get(&origin).await.text().await.unwrap(), "an application");
}

#[tokio::test]
async fn the_example_serves_a_reader_and_a_submitter() {
    let (application, objects, [reader, submitter]) = example::site().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let objects = format!("http://{}{objects}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, application).await });
    let [reader, submitter] = [reader, submitter].map(Client::new);

    let envelope = json!({"objects": [tool(1, 2020)]});
    let answer = submitter.post(&objects, &envelope).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.json::<Value>().await.unwrap()["success_count"], 1);
    assert_eq!(reader.json(&objects).await["objects"], envelope["objects"]);
    let answer = reader.post(&objects, &json!({"objects": [tool(2, 2020)]})).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(reader.json(&objects).await["objects"], envelope["objects"]);
}

/// The code of the page is that of the example.
#[test]
fn the_page_shows_the_example() {
    let code = |text: &str| text.replace("pub(crate) ", "");
    let example = code(include_str!("../../examples/embed.rs"));
    let (_, site) = example.split_once("/// The application, ").unwrap();
    let (site, _) = site.split_once("\n#[tokio::main]").unwrap();
    assert!(include_str!("../../README.md").contains(site), "README.md shows another `site`");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_itself_over_a_store_and_a_listener_of_the_caller() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start_with(config(), store().await, listener).await.unwrap();
    let client = Client::new(fill(server.app()).await);
    let origin = format!("http://{}", server.address());
    assert_eq!(server.url(), format!("{origin}/cti"));
    client.walk(&origin).await;
    server.stop().await;
}
