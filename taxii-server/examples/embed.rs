//! A TAXII server inside another axum application, below `/cti`: `cargo run -p taxii-server --example embed`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use axum::{Router, routing::get};
use std::error::Error;
use std::sync::Arc;
use taxii_server::app::App;
use taxii_server::clock::Clock;
use taxii_server::config::Config;
use taxii_server::control::{Control, NewAccount, NewApiRoot, NewCollection};
use taxii_server::store::{MemoryEngine, Store};
use taxii_server::{router, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Store::open(Arc::new(MemoryEngine::default()), Arc::new(Clock::System)).await?;
    let config = Config { base_path: "/cti".to_owned(), ..Config::default() };
    let app = Arc::new(App::new(store, config)?);

    let (api_root, title, name) = ("api".to_owned(), "Indicators".to_owned(), "admin".to_owned());
    let control = Control::of(Arc::clone(&app))?;
    control.add_api_root(&NewApiRoot { name: api_root.clone(), ..NewApiRoot::default() }).await?;
    control.add_collection(&NewCollection { api_root, title, ..NewCollection::default() }).await?;
    let admin = NewAccount { name, is_administrator: true, ..NewAccount::default() };
    let token = control.add_account(&admin).await?.token.unwrap_or_default();
    println!("curl -H 'Authorization: Bearer {token}' http://127.0.0.1:6100/cti/taxii2/");

    tokio::spawn(serve::maintain(Arc::clone(&app)));
    let site =
        Router::new().route("/", get(async || "an application")).nest_service("/cti", router::service(app));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:6100").await?;
    Ok(axum::serve(listener, site).await?)
}
