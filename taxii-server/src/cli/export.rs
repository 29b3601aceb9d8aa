use super::CommonOptions;
use super::admin::find_collection;
use super::file;
use crate::control::Control;
use crate::private::Unfinished;
use anyhow::Context;
use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

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
        let is_new_file = out.unfinished.is_some();
        let written = self.write(&control, id, &mut out);
        // Of a file that is not complete, nothing stays behind.
        let is_read = match is_new_file {
            true => tokio::select! {
                // First, so that the signal is heard before anything is waited for.
                biased;
                _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted; nothing was written"),
                written = written => written?,
            },
            false => written.await?,
        };
        if is_read {
            out.finish().with_context(|| self.cannot_write())?;
        }
        Ok(true)
    }

    fn cannot_write(&self) -> String {
        let path = self.output.as_deref().filter(|path| *path != Path::new("-"));
        path.map_or("cannot write to standard output".to_owned(), |path| {
            format!("cannot write {}", path.display())
        })
    }

    /// Writes all pages, unless the reader of a pipe goes away.
    async fn write(&self, control: &Control, id: Uuid, out: &mut Out) -> anyhow::Result<bool> {
        let style = ProgressStyle::with_template("{spinner} {human_pos} objects, {per_sec}");
        let bar =
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let mut next = None;
        loop {
            let page = control.records(id, next.as_deref()).await?;
            match out.writer().write_all(&page.lines) {
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(false),
                written => written.with_context(|| self.cannot_write())?,
            }
            bar.inc(page.lines.iter().filter(|byte| **byte == b'\n').count() as u64);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        bar.finish_and_clear();
        Ok(true)
    }
}

/// Output of an export. A file gets its name when it is complete, so a failure does not destroy an older backup.
struct Out {
    writer: Writer,
    unfinished: Option<(Unfinished, PathBuf)>,
}

enum Writer {
    Plain(Box<dyn Write + Send>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Out {
    fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self { writer: Writer::Plain(Box::new(std::io::stdout())), unfinished: None });
        };
        if path.extension().is_some_and(|extension| extension == "zst") {
            anyhow::bail!("export compresses with gzip only; name the file .gz");
        }
        let (file, unfinished) = file::create(path)?;
        let (file, unfinished) =
            (BufWriter::new(file), unfinished.map(|unfinished| (unfinished, path.to_owned())));
        let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
        let writer = match is_gzip {
            true => Writer::Gzip(GzEncoder::new(file, Compression::default())),
            false => Writer::Plain(Box::new(file)),
        };
        Ok(Self { writer, unfinished })
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
        let Some((unfinished, path)) = self.unfinished else { return Ok(()) };
        Ok(unfinished.name(&path)?)
    }
}
