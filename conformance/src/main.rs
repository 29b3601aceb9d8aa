//! Tests a TAXII 2.1 server from the command line.

mod cli;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use taxii_conformance::{Progress, Report, hostile, requirements};

use crate::cli::{Cli, Command, HostileArgs, RunArgs};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Some(Command::Hostile(args)) => hostile(args).await,
        None if cli.run.list => list(),
        None => run(&cli.run).await,
    };
    match result {
        Ok(code) => code,
        Err(problem) => {
            let _ = writeln!(io::stderr(), "taxii-conformance: {problem}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: &RunArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let report = taxii_conformance::run(&args.options()?, show).await?;
    clear_line();
    if let Some(file) = &args.junit {
        write_file(file, |out| report.write_junit(out))?;
    }
    match &args.json {
        Some(file) if file.as_os_str() == "-" => report.write_json(&mut io::stdout().lock())?,
        Some(file) => {
            write_file(file, |out| report.write_json(out))?;
            report.write_table(&mut io::stdout().lock())?;
        }
        None => report.write_table(&mut io::stdout().lock())?,
    }
    Ok(exit_code(&report))
}

fn list() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    for row in requirements::of_servers() {
        writeln!(out, "{:<10}  {:<7}  {}", row.id, row.level.name(), row.text)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn hostile(args: &HostileArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (plan, command) = args.plan();
    // First of all, so that a run that is broken off can be repeated.
    let _ = writeln!(io::stderr(), "seed {}", plan.seed);
    let report = hostile::run(&args.options()?, &plan).await?;
    report.write(&mut io::stdout().lock(), &command)?;
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn exit_code(report: &Report) -> ExitCode {
    if report.tally().failed_musts == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    let save = || {
        let mut out = BufWriter::new(File::create(path)?);
        write(&mut out)?;
        out.flush()
    };
    save().map_err(|problem: io::Error| format!("{}: {problem}", path.display()))
}

/// One line that overwrites itself, and only for somebody who watches.
fn show(progress: Progress) {
    let mut err = io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K{}/{} {}", progress.done + 1, progress.total, progress.check);
    }
}

fn clear_line() {
    let mut err = io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K");
    }
}
