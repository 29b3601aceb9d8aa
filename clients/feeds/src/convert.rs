//! From the bytes of a feed to objects.

mod cisa_kev;
mod clusters;
mod csaf;
mod document;
mod epss;
mod lines;
mod misp;
mod nvd;
mod openioc;
mod osv;
mod otx;
mod record;
mod rows;
mod rule;
mod sigma;
mod stix;
mod stix1;
mod suricata;
mod table;
mod tree;
mod vulnerability;
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
    let beginning = input.fill_buf()?.trim_ascii_start();
    let is_page =
        |start: &[u8]| beginning.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
    if is_page(b"<!doctype html") || is_page(b"<html") {
        return Err(ConvertError::Form("it is a web page".to_owned()));
    }
    // Objects of STIX and documents of CSAF say themselves who made them, and under which terms.
    if !matches!(feed.format, Format::Stix | Format::Csaf) {
        maker.frame().objects().for_each(|object| out.object(object.clone()));
    }
    match feed.format {
        Format::Lines | Format::Csv | Format::Json | Format::JsonLines | Format::Table => {
            records(&maker, input, out)
        }
        Format::CisaKev => cisa_kev::read(&maker, input, out),
        Format::Nvd => nvd::read(&maker, input, out),
        Format::Epss => epss::read(&maker, input, out),
        Format::Stix => stix::read(&maker, input, out),
        Format::Stix1 => stix1::read(&maker, input, out),
        Format::Osv => osv::read(&maker, input, out),
        Format::Csaf => csaf::read(&maker, input, out),
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
    match format {
        Format::Lines => lines::read(input, &mut declared(maker, out)?),
        Format::Json => tree::read(feed, input, &mut declared(maker, out)?),
        Format::JsonLines => tree::read_lines(input, &mut declared(maker, out)?),
        _ => rows::read(feed, input, &mut declared(maker, out)?),
    }
}

/// Takes records whose fields a declaration gives a meaning.
fn declared<'a>(
    maker: &'a Maker<'_>,
    out: &'a mut dyn Output,
) -> Result<impl FnMut(record::Found<'_>), ConvertError> {
    let mut table = table::Table::new(maker)?;
    Ok(move |found: record::Found<'_>| table.take(found, out))
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
pub(crate) fn unique(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.into_iter().filter(|text| !text.is_empty() && seen.insert(text.clone())).collect()
}
