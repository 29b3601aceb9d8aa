//! The command-line tool `taxii-feeds`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
