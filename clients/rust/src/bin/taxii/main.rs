//! `taxii`: the command line of TAXII 2.1 and STIX 2.1.
//!
//! Exit codes: 0 all went well; 1 something failed, is invalid or does not match; 2 the command was not understood, or
//! its input cannot be read; 3 the server could not be reached, or did not let us in.

mod canonicalize;
mod collection;
mod completions;
mod delete;
mod discover;
mod failure;
mod filter;
mod get;
mod graph;
mod id;
mod input;
mod list;
mod manifest;
mod out;
mod pattern;
mod pretty;
mod progress;
mod pull;
mod push;
mod server;
mod status;
mod validate;

use clap::{Parser, Subcommand};
use failure::Failure;
use out::Out;
use std::process::ExitCode;

/// Talks to TAXII 2.1 servers, and works on STIX 2.1 objects: validate, id, canonicalize, graph, pattern
#[derive(Debug, Parser)]
#[command(
    name = "taxii",
    version,
    after_help = "\
Examples:
  taxii --url https://taxii.example/ discover
  export TAXII_URL=https://taxii.example/ TAXII_USER=reader TAXII_PASSWORD=…
  taxii list
  taxii pull -c 91a7b528-80eb-42ed-a74d-c6fbd5a26116 -o feed.jsonl
  taxii validate feed.jsonl

Exit codes:
  0  all went well
  1  something failed, is invalid or does not match
  2  the command was not understood, or its input cannot be read
  3  the server could not be reached, or did not let us in"
)]
struct Arguments {
    #[command(flatten)]
    server: server::Server,
    #[command(flatten)]
    output: out::Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Discover(discover::Arguments),
    List(list::Arguments),
    Get(get::Arguments),
    Pull(pull::Arguments),
    Push(push::Arguments),
    Validate(validate::Arguments),
    Id(id::Arguments),
    Canonicalize(canonicalize::Arguments),
    Graph(graph::Arguments),
    #[command(subcommand)]
    Pattern(pattern::Command),
    Manifest(manifest::Arguments),
    Status(status::Arguments),
    Delete(delete::Arguments),
    Completions(completions::Arguments),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { server, output, command } = Arguments::parse();
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();

    let mut out = Out::new(&output);
    let outcome = match command {
        Command::Discover(arguments) => discover::run(&arguments, &server, &mut out).await,
        Command::List(arguments) => list::run(&arguments, &server, &mut out).await,
        Command::Get(arguments) => get::run(&arguments, &server, &mut out).await,
        Command::Pull(arguments) => pull::run(&arguments, &server, &mut out).await,
        Command::Push(arguments) => push::run(&arguments, &server, &mut out).await,
        Command::Validate(arguments) => validate::run(&arguments, &mut out),
        Command::Id(arguments) => id::run(&arguments, &mut out),
        Command::Canonicalize(arguments) => canonicalize::run(&arguments, &mut out),
        Command::Graph(arguments) => graph::run(&arguments, &mut out),
        Command::Pattern(command) => pattern::run(&command, &mut out),
        Command::Manifest(arguments) => manifest::run(&arguments, &server, &mut out).await,
        Command::Status(arguments) => status::run(&arguments, &server, &mut out).await,
        Command::Delete(arguments) => delete::run(&arguments, &server, &mut out).await,
        Command::Completions(arguments) => completions::run(&arguments, &mut out),
    };
    let outcome = outcome.and(out.flush().map_err(Failure::from));
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    if let Some(message) = failure.message() {
        out.complain(&message);
    }
    ExitCode::from(failure.exit_code())
}
