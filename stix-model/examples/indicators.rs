//! Reads a bundle, prints its indicators with their TLP levels, and writes a bundle with a new one.
//!
//! `cargo run -p concord-stix-model --features std --example indicators`

use std::error::Error;
use stix_model::sdo::Indicator;
use stix_model::sro::Relationship;
use stix_model::vocab::PatternType;
use stix_model::{Mint, Ref, StixId, Tlp, ToObject, bundle};

const FEED: &[u8] = include_bytes!("feed.json");

/// The lines that are printed, and the bundle that is written.
pub(crate) fn run() -> Result<(Vec<String>, Vec<u8>), Box<dyn Error>> {
    let mut lines = Vec::new();
    for element in bundle::read(FEED.to_vec().into(), Default::default())? {
        let object = element.object?;
        if object.id().object_type() == "indicator" {
            let name: Option<String> = object.get("name")?;
            let level = object.header().tlp.map_or("none", Tlp::as_str);
            lines.push(format!("{}: TLP:{level}", name.unwrap_or_default()));
        }
    }

    let mut mint = Mint::system()?;
    let stamp = mint.stamp();
    let indicator = Indicator::new(&stamp, "[domain-name:value = 'c2.example']", PatternType::Stix, &stamp)
        .name("C2 domain")
        .tlp(Tlp::Green)
        .to_object()?;
    let malware: StixId = "malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b".parse()?;
    let [source, target] = [Ref::try_from(&indicator)?, Ref::try_from(&malware)?];
    let indicates =
        Relationship::new(mint.stamp(), "indicates", source, target).tlp(Tlp::Green).to_object()?;
    Ok((lines, bundle::write(&mint.id("bundle")?, [indicator, indicates])?))
}

#[allow(dead_code, clippy::print_stdout, reason = "the program prints; a test calls `run` instead")]
fn main() -> Result<(), Box<dyn Error>> {
    let (lines, bundle) = run()?;
    println!("{}\n{}", lines.join("\n"), String::from_utf8(bundle)?);
    Ok(())
}
