//! `demo --feeds`: the aggregator turns small files of real sources into objects of the demo.
//!
//! It is a program of its own, `taxii-feeds`, which speaks TAXII to this server as to any other.

use super::Made;
use crate::cli::output;
use crate::private;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Feeds, each with a file of real records; see `demo/README.md` for their terms.
const FEEDS: [(&str, &str, &[u8]); 5] = [
    ("feodo-tracker", "feodo-tracker.csv", include_bytes!("../../../demo/feeds/feodo-tracker.csv")),
    ("spamhaus-drop", "spamhaus-drop.json", include_bytes!("../../../demo/feeds/spamhaus-drop.json")),
    ("threatfox", "threatfox.csv", include_bytes!("../../../demo/feeds/threatfox.csv")),
    ("tor-exits", "tor-exits.txt", include_bytes!("../../../demo/feeds/tor-exits.txt")),
    ("urlhaus", "urlhaus.json", include_bytes!("../../../demo/feeds/urlhaus.json")),
];

/// Writes the files and the settings, and runs the aggregator on them.
pub(super) async fn fill(url: &str, made: &Made, data: &Path, as_json: bool) -> anyhow::Result<()> {
    let folder = std::path::absolute(data.join("feeds"))?;
    let settings = write(url, made, &folder).with_context(|| format!("the files in {}", folder.display()))?;
    let names = FEEDS.map(|(name, _, _)| name);
    let Some(program) = program() else {
        anyhow::ensure!(
            !as_json,
            "taxii-feeds is not installed: cargo install --locked --path clients/feeds"
        );
        return output::line(&format!(
            "\nFeeds become objects of the Sandbox with taxii-feeds, which is not installed here:\n  \
             cargo install --locked --path clients/feeds\n  taxii-feeds --settings {} once {}",
            settings.display(),
            names.join(" ")
        ));
    };
    if !as_json {
        output::line("\nFeeds become objects of the Sandbox; a second run of the same files sends nothing:")?;
    }
    let mut command = Command::new(program);
    command.arg("--settings").arg(&settings).arg("once").args(names);
    if as_json {
        command.arg("--json");
    }
    let ended = tokio::task::spawn_blocking(move || command.status()).await?;
    let ended = ended.context("taxii-feeds cannot be started")?;
    anyhow::ensure!(ended.success(), "taxii-feeds ended with {ended}");
    if as_json {
        return Ok(());
    }
    output::line(&format!(
        "Run it again: taxii-feeds --settings {} once {}",
        settings.display(),
        names.join(" ")
    ))
}

fn write(url: &str, made: &Made, folder: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let password = folder.join("password");
    private::write(&password, made.accounts.writer.password.as_bytes())?;
    let quoted = |path: &Path| serde_json::Value::from(path.display().to_string());
    let mut settings = format!(
        "[server]\nurl = \"{url}/api/\"\ncollection = \"{}\"\nusername = \"{}\"\npassword-file = {}\n",
        made.writable_collection.id,
        made.accounts.writer.username,
        quoted(&password),
    );
    for (name, file, bytes) in FEEDS {
        let path = folder.join(file);
        fs::write(&path, bytes)?;
        let address = format!("file://{}", path.display());
        settings.push_str(&format!("\n[feeds.{name}]\nurl = {}\n", serde_json::Value::from(address)));
    }
    let path = folder.join("feeds.toml");
    fs::write(&path, settings)?;
    Ok(path)
}

/// The aggregator: beside this program, else where programs are.
fn program() -> Option<PathBuf> {
    let name = format!("taxii-feeds{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = beside.into_iter().chain(std::env::split_paths(&paths));
    folders.map(|folder| folder.join(&name)).find(|path| path.is_file())
}
