//! `taxii completions`

use crate::failure::Failure;
use crate::out::Out;

/// Write a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taxii completions bash > ~/.local/share/bash-completion/completions/taxii
  taxii completions fish > ~/.config/fish/completions/taxii.fish
  taxii completions zsh > ~/.zfunc/_taxii")]
pub(crate) struct Arguments {
    /// The shell
    shell: clap_complete::Shell,
}

pub(crate) fn run(arguments: &Arguments, out: &mut Out) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::command(), "taxii", &mut script);
    Ok(out.raw(&script)?)
}
