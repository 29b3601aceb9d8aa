use super::{Count, Progress, file};
use crate::archive::{Decoder, Part};
use crate::cli::{CommonOptions, output};
use crate::config::Config;
use crate::engines;
use crate::store::{BackupError, Restore as Restoring};
use anyhow::{Context, anyhow};
use clap::Args;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  taxii-server restore concord.backup --identity backup.key --data /var/lib/concord
  ssh vault cat concord.backup | taxii-server restore - --identity backup.key

The place must be empty. What is restored is the same server: identifiers, date_added, accounts, tokens, statuses and
the cursors of clients stay as they were. A restore that was broken off begins at the beginning when it is run again;
until it is complete, no server starts on it.";

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Restores a backup into an empty place.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Restore {
    /// File that backup wrote; `-` is standard input
    file: PathBuf,
    /// File with a private key of age that the backup is encrypted for; may be given several times
    #[arg(short, long = "identity", value_name = "FILE")]
    identities: Vec<PathBuf>,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(in crate::cli) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let config = options.config(None)?;
        let mut bytes = file::open(&self.file, &self.identities)?;
        let count = restore(&mut *bytes, &config).await?;
        if self.json {
            let Count { records, versions } = count;
            output::json(&serde_json::json!({"records": records, "versions": versions}))?;
        } else {
            let place = config.store.place(&config.data);
            output::line(&format!(
                "the store is restored in {place}; start the server with the same settings"
            ))?;
        }
        Ok(true)
    }
}

/// Reads a backup, and writes it into the store of a configuration. Nothing is opened before the first bytes are known to
/// be those of a backup.
async fn restore(bytes: &mut dyn Read, config: &Config) -> anyhow::Result<Count> {
    let (mut decoder, mut progress) = (Decoder::default(), Progress::new("restoring"));
    let mut restoring: Option<(Restoring, u32)> = None;
    let mut piece = vec![0; PIECE];
    loop {
        let length = match bytes.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(anyhow!("the backup is damaged, cut off, or was altered: {error}")),
        };
        decoder.push(&piece[..length]);
        while let Some(part) = decoder.next()? {
            progress.note(&part);
            match (part, &mut restoring) {
                (Part::Head(head), _) => {
                    let engine = engines::open_engine(config).await?;
                    let begun = Restoring::begin(engine).await;
                    restoring = Some((begun.map_err(|error| explain(error, config))?, head.store_format));
                }
                (Part::Record(record), Some((restoring, _))) => restoring.add(record).await?,
                (Part::Record(_) | Part::End, _) => {}
            }
        }
    }
    decoder.finish()?;
    let (restoring, format) = restoring.context("the backup is empty")?;
    restoring.finish(format).await?;
    Ok(progress.finish())
}

fn explain(error: BackupError, config: &Config) -> anyhow::Error {
    match error {
        BackupError::NotEmpty => {
            anyhow!(
                "there is a store in {} already, and restore replaces nothing; name an empty place: a folder with --data, \
                 or in [store] a cluster with a prefix that is not in use",
                config.store.place(&config.data)
            )
        }
        error => error.into(),
    }
}
