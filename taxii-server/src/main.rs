//! The server and its tools: `taxii-server --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    taxii_server::cli::run().await
}
