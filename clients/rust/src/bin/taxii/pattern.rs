//! `taxii pattern`

mod matching;
mod parse;

use crate::failure::Failure;
use crate::out::Out;

/// Read patterns of indicators, and match them against observed data
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Examples:
  taxii pattern parse --pattern \"[url:value = 'http://x.example/']\"
  taxii pattern match --pattern \"[url:value LIKE 'http://%']\" observed.json")]
pub(crate) enum Command {
    Parse(parse::Arguments),
    Match(matching::Arguments),
}

pub(crate) fn run(command: &Command, out: &mut Out) -> Result<(), Failure> {
    match command {
        Command::Parse(arguments) => parse::run(arguments, out),
        Command::Match(arguments) => matching::run(arguments, out),
    }
}
