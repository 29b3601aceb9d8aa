//! `taxii`: the command line of TAXII 2.1 and STIX 2.1.
//!
//! Exit codes: [`failure::EXIT_CODES`].

mod canonicalize;
mod collection;
mod completions;
mod consistency;
mod convert;
mod delete;
mod discover;
mod failure;
mod filter;
mod get;
mod governance;
mod graph;
mod id;
mod input;
mod key;
mod list;
mod manifest;
mod network;
mod out;
mod pattern;
mod pretty;
mod progress;
mod proof;
mod pull;
mod push;
mod review;
mod revoke;
mod server;
mod similar;
mod status;
mod time;
mod validate;
mod verify;
mod vote;
mod withdraw;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use failure::Failure;
use out::Out;
use std::process::ExitCode;

/// Talks to TAXII 2.1 servers, works on STIX 2.1 objects, and votes on what organisations share
#[derive(Debug, Parser)]
#[command(
    name = "taxii",
    version,
    after_help = after_help(),
)]
struct Arguments {
    #[command(flatten)]
    server: server::Server,
    #[command(flatten)]
    output: out::Output,
    #[command(subcommand)]
    command: Command,
}

/// The end of the help text.
fn after_help() -> String {
    format!(
        "\
Examples:
  taxii --url https://taxii.example/ discover
  export TAXII_URL=https://taxii.example/ TAXII_USER=reader TAXII_PASSWORD=…
  taxii list
  taxii pull -c 91a7b528-80eb-42ed-a74d-c6fbd5a26116 -o feed.jsonl
  taxii validate feed.jsonl

{}

With --json, an error is one line on standard error:
  {{\"error\":{{\"message\",\"kind\",\"exit_code\",\"http_status\",\"error_code\"}}}}
of which the last two are there when the server answered; kind is usage, input, connection, credentials, server,
interrupted or failed. Remarks and warnings are lines {{\"remark\":…}} and {{\"warning\":…}}.",
        failure::EXIT_CODES
    )
}

#[derive(Debug, Subcommand)]
enum Command {
    Discover(discover::Arguments),
    List(list::Arguments),
    Get(get::Arguments),
    Pull(pull::Arguments),
    Push(push::Arguments),
    Validate(validate::Arguments),
    Convert(convert::Arguments),
    Id(id::Arguments),
    Canonicalize(canonicalize::Arguments),
    Graph(graph::Arguments),
    #[command(subcommand)]
    Pattern(pattern::Command),
    Manifest(manifest::Arguments),
    Status(status::Arguments),
    Delete(delete::Arguments),
    #[command(subcommand)]
    Key(key::Command),
    Review(review::Arguments),
    Vote(Box<vote::Arguments>),
    Withdraw(withdraw::Arguments),
    Revoke(revoke::Arguments),
    #[command(subcommand)]
    Governance(governance::Command),
    #[command(subcommand)]
    Proof(proof::Command),
    Verify(verify::Arguments),
    VerifyConsistency(consistency::Arguments),
    Completions(completions::Arguments),
}

/// Commands that never talk to a server.
const LOCAL: [&str; 9] =
    ["validate", "convert", "id", "canonicalize", "graph", "pattern", "key", "verify", "completions"];

/// Commands that colour what they show.
const COLOURED: [&str; 2] = ["validate", "pattern"];

/// The command line. Options of all commands may stand before or behind the command; the help of a command shows only
/// those that it uses.
fn command() -> clap::Command {
    let mut command = Arguments::command();
    let shared: Vec<_> = command.get_arguments().map(|argument| argument.clone().hide(true)).collect();
    let names: Vec<_> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        let is_used = |argument: &clap::Arg| match argument.get_id().as_str() {
            _ if name == "completions" => false,
            "color" => COLOURED.contains(&&*name),
            _ if argument.get_help_heading() == Some("Server") => !LOCAL.contains(&&*name),
            _ => true,
        };
        let unused: Vec<_> = shared.iter().filter(|argument| !is_used(argument)).cloned().collect();
        // An option that a command has itself takes the place of the one that all have.
        command = command.mut_subcommand(&name, |command| command.args(unused));
    }
    command
}

/// Reads the command line, or says what is wrong with it.
fn parse() -> Result<Arguments, ExitCode> {
    let matches = command().try_get_matches();
    matches.and_then(|matches| Arguments::from_arg_matches(&matches)).map_err(|error| {
        let is_json = std::env::args_os().any(|argument| argument == "--json");
        if error.use_stderr() && is_json {
            let text = error.render().to_string();
            let message = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
            out::note(&Failure::Usage(message.to_owned()).json().to_string());
        } else {
            // Help that cannot be shown is no reason for another exit code.
            let _ = error.print();
        }
        ExitCode::from(if error.use_stderr() { 2 } else { 0 })
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { server, output, command } = match parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let mut out = Out::new(&output);
    let outcome = match command {
        Command::Discover(arguments) => discover::run(&arguments, &server, &mut out).await,
        Command::List(arguments) => list::run(&arguments, &server, &mut out).await,
        Command::Get(arguments) => get::run(&arguments, &server, &mut out).await,
        Command::Pull(arguments) => pull::run(&arguments, &server, &mut out).await,
        Command::Push(arguments) => push::run(&arguments, &server, &mut out).await,
        Command::Validate(arguments) => validate::run(&arguments, &mut out),
        Command::Convert(arguments) => convert::run(&arguments, &mut out),
        Command::Id(arguments) => id::run(&arguments, &mut out),
        Command::Canonicalize(arguments) => canonicalize::run(&arguments, &mut out),
        Command::Graph(arguments) => graph::run(&arguments, &mut out),
        Command::Pattern(command) => pattern::run(&command, &mut out),
        Command::Manifest(arguments) => manifest::run(&arguments, &server, &mut out).await,
        Command::Status(arguments) => status::run(&arguments, &server, &mut out).await,
        Command::Delete(arguments) => delete::run(&arguments, &server, &mut out).await,
        Command::Key(command) => key::run(&command, &mut out),
        Command::Review(arguments) => review::run(&arguments, &server, &mut out).await,
        Command::Vote(arguments) => vote::run(&arguments, &server, &mut out).await,
        Command::Withdraw(arguments) => withdraw::run(&arguments, &server, &mut out).await,
        Command::Revoke(arguments) => revoke::run(&arguments, &server, &mut out).await,
        Command::Governance(command) => governance::run(&command, &server, &mut out).await,
        Command::Proof(command) => proof::run(&command, &server, &mut out).await,
        Command::Verify(arguments) => verify::run(&arguments, &mut out),
        Command::VerifyConsistency(arguments) => consistency::run(&arguments, &server, &mut out).await,
        Command::Completions(arguments) => completions::run(&arguments, &mut out),
    };
    let outcome = outcome.and(out.flush().map_err(Failure::from));
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    out.fail(&failure);
    ExitCode::from(failure.exit_code())
}
