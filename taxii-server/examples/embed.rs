//! A TAXII server inside another axum application, below `/cti`, over an engine of the application's own, with one account
//! that reads and one that also adds objects: `cargo run -p taxii-server --example embed`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

#[path = "embed/engine.rs"]
mod engine;

use axum::{Router, routing::get};
use engine::MapEngine;
use std::error::Error;
use std::sync::Arc;
use taxii_server::control::{AccessResource, Control, NewAccount, NewApiRoot, NewCollection};
use taxii_server::{app::App, clock::Clock, config::Config, router, serve, store::Store};

/// The application, the path of a collection in it, and the tokens of the two accounts.
pub(crate) async fn site() -> Result<(Router, String, [String; 2]), Box<dyn Error>> {
    let store = Store::open(Arc::new(MapEngine::default()), Arc::new(Clock::System)).await?;
    let app = Arc::new(App::new(store, Config { base_path: "/cti".to_owned(), ..Config::default() })?);
    tokio::spawn(serve::maintain(Arc::clone(&app)));

    let control = Control::of(Arc::clone(&app))?;
    control.add_api_root(&NewApiRoot::new("api")).await?;
    let collection = control.add_collection(&NewCollection::new("api", "Indicators")).await?.id;
    let reader = NewAccount::new("reader").grant(collection, AccessResource::READ);
    let submitter = NewAccount::new("submitter").grant(collection, AccessResource::READ_AND_WRITE);
    let tokens = [control.add_account(&reader).await?.token, control.add_account(&submitter).await?.token];

    let home = Router::new().route("/", get(async || "an application"));
    let objects = format!("/cti/api/collections/{collection}/objects/");
    Ok((home.nest_service("/cti", router::service(app)), objects, tokens))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (application, objects, [reader, _]) = site().await?;
    println!("curl -H 'Authorization: Bearer {reader}' http://127.0.0.1:6100{objects}");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:6100").await?;
    Ok(axum::serve(listener, application).await?)
}
