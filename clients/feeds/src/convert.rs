//! From the bytes of a feed to objects.

mod clusters;
mod lines;
mod misp;
mod openioc;
mod otx;
mod record;
mod rows;
mod rule;
mod sigma;
mod suricata;
mod table;
mod tree;
mod xml;
mod yara;

use crate::feed::{Feed, Format};
use crate::indicator::Maker;
use crate::output::Output;
use std::collections::BTreeSet;
use std::io::{self, BufRead};
use stix_model::vocab::PatternType;
use stix_model::{BuildError, Timestamp};

/// Why a whole file could not be converted. What was made of it before counts for nothing.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// It cannot be read.
    #[error("the feed cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It has another form than the feed is declared to have.
    #[error("this is not what the feed looks like: {0}")]
    Form(String),
    /// The declaration of the feed makes no objects.
    #[error("the declaration of the feed is wrong: {0}")]
    Declaration(String),
    /// The publisher or the terms are no valid objects.
    #[error("the declaration of the feed makes no valid objects: {0}")]
    Build(#[from] BuildError),
}

/// Converts what a feed gave at a time.
///
/// # Errors
/// When the file as a whole makes no sense; a record that does not is [rejected](Output::reject).
pub fn convert(
    feed: &Feed,
    now: &Timestamp,
    input: &mut dyn BufRead,
    out: &mut dyn Output,
) -> Result<(), ConvertError> {
    let maker = Maker::new(feed, now.clone())?;
    maker.frame().objects().for_each(|object| out.object(object.clone()));
    match feed.format {
        Format::Lines | Format::Csv | Format::Json | Format::JsonLines | Format::Table => {
            records(&maker, input, out)
        }
        Format::Sigma => sigma::read(&maker, input, out),
        Format::Yara => yara::read(&maker, input, out),
        Format::Suricata => suricata::read(&maker, PatternType::Suricata, input, out),
        Format::MispGalaxy => clusters::read(&maker, input, out),
        Format::OpenIoc => openioc::read(&maker, input, out),
        Format::Otx => otx::read(&maker, input, out),
        Format::Misp => misp::read(&maker, input, out),
        Format::Snort => suricata::read(&maker, PatternType::Snort, input, out),
    }
}

/// Forms of which the declaration of the feed tells what their fields mean.
fn records(maker: &Maker<'_>, input: &mut dyn BufRead, out: &mut dyn Output) -> Result<(), ConvertError> {
    let feed = maker.feed();
    let format = match feed.format {
        Format::Table => detect(input.fill_buf()?),
        format => format,
    };
    let mut table = table::Table::new(maker)?;
    match format {
        Format::Lines => lines::read(input, &mut |record| table.take(record, out)),
        Format::Json => tree::read(feed, input, &mut |record| table.take(record, out)),
        Format::JsonLines => tree::read_lines(input, &mut |record| table.take(record, out)),
        _ => rows::read(feed, input, &mut |record| table.take(record, out)),
    }
}

/// The form of a file that begins like this. A document has its first record behind a line break or a bracket, a line of
/// JSON lines is whole.
fn detect(beginning: &[u8]) -> Format {
    let text = beginning.trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let has_more = line.len() < text.trim_ascii_end().len();
    match text.first() {
        Some(b'{') if has_more && line.ends_with(b"}") => Format::JsonLines,
        Some(b'{' | b'[') => Format::Json,
        _ => Format::Csv,
    }
}

/// Texts in their order, each once and none empty.
fn unique(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.into_iter().filter(|text| !text.is_empty() && seen.insert(text.clone())).collect()
}
