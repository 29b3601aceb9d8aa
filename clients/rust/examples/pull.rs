//! Appends what is new in a collection to a file of JSON lines.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use taxii_client::{Client, Filter, Options, Position};

pub(crate) async fn pull(options: Options, collection: &str, file: &str) -> Result<(), Box<dyn Error>> {
    let kept = format!("{file}.position");
    let mut lines = OpenOptions::new().create(true).append(true).open(file)?;
    let position = Position::load(kept.as_ref())?.unwrap_or_default();
    let pages = Client::new(options)?.objects(collection, Filter::default()).await?;
    let mut pages = pages.starting_at(position);
    while let Some(page) = pages.next().await? {
        for object in page.objects {
            writeln!(lines, "{}", object.get().replace(['\n', '\r'], " "))?;
        }
        lines.sync_data()?;
        pages.position().save(kept.as_ref())?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, collection, file] = &arguments[..] else {
        return Err("usage: pull URL COLLECTION FILE".into());
    };
    pull(Options::new(url), collection, file).await
}
