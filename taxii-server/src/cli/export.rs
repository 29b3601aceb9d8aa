use super::Place;
use super::admin::{find_collection, text};
use axum::http::Method;
use bytes::Bytes;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

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
        let mut out: Box<dyn Write + Send> = match &self.output {
            None => Box::new(std::io::stdout()),
            Some(path) if path.extension().is_some_and(|extension| extension == "gz") => {
                Box::new(flate2::write::GzEncoder::new(
                    BufWriter::new(File::create(path)?),
                    flate2::Compression::default(),
                ))
            }
            Some(path) => Box::new(BufWriter::new(File::create(path)?)),
        };
        let style = ProgressStyle::with_template("{spinner} {human_pos} objects, {per_sec}");
        let bar =
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let mut next = String::new();
        loop {
            let path = format!("/admin/collections/{id}/records/?next={next}");
            let reply = control.call(Method::GET, &path, Bytes::new()).await?.success()?;
            match out.write_all(&reply.body) {
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(true),
                written => written?,
            }
            bar.inc(reply.body.iter().filter(|byte| **byte == b'\n').count() as u64);
            match reply.headers.get("x-concord-next").and_then(|next| next.to_str().ok()) {
                Some(more) => more.clone_into(&mut next),
                None => break,
            }
        }
        out.flush()?;
        bar.finish_and_clear();
        Ok(true)
    }
}
