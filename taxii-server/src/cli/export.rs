use super::CommonOptions;
use super::admin::find_collection;
use crate::control::private_file;
use anyhow::Context;
use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  taxii-server export --collection attack -o attack.jsonl.gz
  taxii-server export --collection attack | wc -l";

/// Writes every version of every object, oldest addition first: a backup that `import` restores.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    /// Id, alias or title of the collection
    #[arg(long)]
    collection: String,
    /// File to write; compressed when it ends in .gz [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let control = options.control().await?;
        let id = find_collection(&control, &self.collection).await?.id;
        let mut out = Out::open(self.output.as_deref())?;
        let style = ProgressStyle::with_template("{spinner} {human_pos} objects, {per_sec}");
        let bar =
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let mut next = None;
        loop {
            let page = control.records(id, next.as_deref()).await?;
            match out.writer().write_all(&page.lines) {
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(true),
                written => written?,
            }
            bar.inc(page.lines.iter().filter(|byte| **byte == b'\n').count() as u64);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        out.finish()?;
        bar.finish_and_clear();
        Ok(true)
    }
}

/// Output of an export. A file gets its name when it is complete, so a failure does not destroy an older backup.
struct Out {
    writer: Writer,
    /// Paths of the unfinished file and of the finished one.
    file: Option<[PathBuf; 2]>,
}

enum Writer {
    Plain(Box<dyn Write + Send>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Out {
    fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self { writer: Writer::Plain(Box::new(std::io::stdout())), file: None });
        };
        if path.extension().is_some_and(|extension| extension == "zst") {
            anyhow::bail!("export compresses with gzip only; name the file .gz");
        }
        // A link, a pipe or a device is written through, not replaced.
        let is_special = std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file());
        let mut name = path.file_name().context("--output names no file")?.to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let file = match is_special {
            true => File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
            false => private_file(&part).with_context(|| format!("cannot write {}", part.display()))?,
        };
        let file = BufWriter::new(file);
        let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
        let writer = match is_gzip {
            true => Writer::Gzip(GzEncoder::new(file, Compression::default())),
            false => Writer::Plain(Box::new(file)),
        };
        Ok(Self { writer, file: (!is_special).then(|| [part, path.to_owned()]) })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.writer {
            Writer::Plain(out) => out,
            Writer::Gzip(out) => out,
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        match self.writer {
            Writer::Plain(mut out) => out.flush()?,
            Writer::Gzip(out) => out.finish()?.flush()?,
        }
        let Some([part, path]) = self.file else { return Ok(()) };
        File::open(&part)?.sync_all()?;
        std::fs::rename(&part, &path).with_context(|| format!("cannot write {}", path.display()))
    }
}
