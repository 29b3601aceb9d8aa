use super::Place;
use super::admin::{find_collection, text};
use axum::http::Method;
use bytes::Bytes;
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
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<bool> {
        let control = place.control().await?;
        let id = text(&find_collection(&control, &self.collection).await?, "id");
        let mut out = Out::open(self.output.as_deref())?;
        let style = ProgressStyle::with_template("{spinner} {human_pos} objects, {per_sec}");
        let bar =
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let mut next = String::new();
        loop {
            let path = format!("/admin/collections/{id}/records/?next={next}");
            let reply = control.call(Method::GET, &path, Bytes::new()).await?.success()?;
            match out.writer().write_all(&reply.body) {
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(true),
                written => written?,
            }
            bar.inc(reply.body.iter().filter(|byte| **byte == b'\n').count() as u64);
            match reply.headers.get("x-concord-next").and_then(|next| next.to_str().ok()) {
                Some(more) => more.clone_into(&mut next),
                None => break,
            }
        }
        out.finish()?;
        bar.finish_and_clear();
        Ok(true)
    }
}

/// Where an export goes. A compressed file is complete only after [`Out::finish`].
enum Out {
    Plain(Box<dyn Write + Send>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Out {
    fn open(path: Option<&Path>) -> std::io::Result<Self> {
        let Some(path) = path else { return Ok(Self::Plain(Box::new(std::io::stdout()))) };
        let file = BufWriter::new(File::create(path)?);
        let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
        Ok(if is_gzip {
            Self::Gzip(GzEncoder::new(file, Compression::default()))
        } else {
            Self::Plain(Box::new(file))
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(out) => out,
            Self::Gzip(out) => out,
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Plain(mut out) => out.flush(),
            Self::Gzip(out) => out.finish()?.flush(),
        }
    }
}
