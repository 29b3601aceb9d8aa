mod file;
mod restore;

pub(super) use restore::Restore;

use super::{CommonOptions, output};
use crate::archive::{Decoder, Part};
use crate::control::BackupBytes;
use crate::store::Record;
use anyhow::{Context, bail};
use clap::Args;
use file::BackupFile;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  age-keygen -o backup.key                             once; keep this file elsewhere
  taxii-server backup concord.backup --recipient age1…
  taxii-server backup - --recipients-file team.txt | ssh vault 'cat > concord.backup'
  taxii-server restore concord.backup --identity backup.key --data /var/lib/restored

It holds everything: objects with their date_added, collections, accounts with their rights, statuses, cursors. The
server goes on meanwhile; what the backup says is what the store said at one instant. The file is that of age
(https://age-encryption.org), and inside it compressed by zstd.";

/// Name of standard input and output.
const STANDARD: &str = "-";

/// Writes the whole store into one file, also while the server runs.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Backup {
    /// File to write; `-` is standard output
    file: PathBuf,
    /// Public key of age for which the file is encrypted; may be given several times
    #[arg(short, long = "recipient", value_name = "KEY")]
    recipients: Vec<String>,
    /// File with such keys, one in each line
    #[arg(short = 'R', long = "recipients-file", value_name = "FILE")]
    recipients_files: Vec<PathBuf>,
    /// Write it without encryption: who reads the file has the hashes of all passwords, and the objects
    #[arg(long, conflicts_with_all = ["recipients", "recipients_files"])]
    unencrypted: bool,
    /// Replace the file, if there is one; it stays as it is until the new backup is complete
    #[arg(long)]
    force: bool,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What was written or read.
#[derive(Default)]
struct Count {
    records: u64,
    /// Versions of objects that the store held when the backup began.
    versions: u64,
}

impl Backup {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let is_standard = self.file == Path::new(STANDARD);
        if is_standard && self.json {
            bail!("--json prints to standard output, where the backup goes; name a file");
        }
        let recipients = file::recipients(&self.recipients, &self.recipients_files)?;
        if recipients.is_empty() && !self.unencrypted {
            bail!(
                "a backup holds the hashes of passwords, and secrets; give --recipient with a public key (age-keygen makes \
                 one), or say --unencrypted"
            );
        }
        if !is_standard && !self.force && self.file.is_file() {
            bail!("{} is there already; give --force to replace it, or another name", self.file.display());
        }
        let control = options.control().await?;
        let mut out = BackupFile::create((!is_standard).then_some(&*self.file), &recipients)?;
        let mut bytes = control.backup().await?;
        let written = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted; nothing was written")),
            written = write(&mut bytes, &mut out) => written,
        };
        drop(bytes);
        control.settle().await;
        let count = written?;
        let length = out.finish().context("cannot write the backup to its end")?;
        if self.json {
            let versions = count.versions;
            let outcome =
                serde_json::json!({"bytes": length, "records": count.records, "versions": versions});
            output::json(&outcome)?;
        } else if !is_standard {
            let size = output::size(length);
            output::line(&format!("{} holds the whole store, in {size}", self.file.display()))?;
        }
        Ok(true)
    }
}

/// Writes the bytes of a backup, and reads them meanwhile: what is not whole gets no name.
async fn write(bytes: &mut BackupBytes, out: &mut BackupFile) -> anyhow::Result<Count> {
    let mut decoder = Decoder::default();
    let mut progress = Progress::new("backing up");
    while let Some(piece) = bytes.next().await? {
        decoder.push(&piece);
        while let Some(part) = decoder.next()? {
            progress.note(&part);
        }
        out.write(&piece).context("cannot write the backup")?;
    }
    decoder.finish()?;
    Ok(progress.finish())
}

/// A bar over the versions of objects. Each has three keys, in different parts of the store.
struct Progress {
    bar: ProgressBar,
    seen: u64,
    count: Count,
}

impl Progress {
    fn new(what: &'static str) -> Self {
        let style = ProgressStyle::with_template("{msg} {bar:30} {percent}%, {eta} left");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style).with_message(what);
        Self { bar, seen: 0, count: Count::default() }
    }

    fn note(&mut self, part: &Part) {
        match part {
            Part::Head(head) => {
                self.count.versions = head.versions;
                self.bar.set_length(3 * head.versions);
            }
            Part::Record(record) => {
                self.count.records += 1;
                if let Record::Put { key, .. } = record
                    && key.first().is_some_and(|tag| b"abi".contains(tag))
                {
                    self.seen += 1;
                    if self.seen.is_multiple_of(1000) {
                        self.bar.set_position(self.seen);
                    }
                }
            }
            Part::End => {}
        }
    }

    fn finish(self) -> Count {
        self.bar.finish_and_clear();
        self.count
    }
}
