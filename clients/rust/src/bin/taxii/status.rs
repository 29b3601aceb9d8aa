//! `taxii status`

use crate::failure::Failure;
use crate::out::Out;
use crate::server::Server;
use std::time::Duration;
use taxii_client::taxii::{Status, StatusState};

/// Show what became of a request to add objects
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taxii status 2d086da7-4bdc-4f91-900e-d77486753710
  taxii status --wait 60 --json 2d086da7-4bdc-4f91-900e-d77486753710")]
pub(crate) struct Arguments {
    /// Identifier of the request, as `taxii push` shows it
    id: String,
    /// Wait so many seconds for it to be complete
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

pub(crate) async fn run(arguments: &Arguments, server: &Server, out: &mut Out) -> Result<(), Failure> {
    let client = server.client()?;
    let status = client.status(&arguments.id).await?;
    let status = client.wait_for_status(status, Duration::from_secs(arguments.wait)).await?;
    let shown = if out.is_json() { out.json(&status).map_err(Failure::from) } else { show(&status, out) };
    Failure::verdict(shown, status.failure_count == 0)
}

fn show(status: &Status, out: &mut Out) -> Result<(), Failure> {
    let state = if status.status == StatusState::Complete { "complete" } else { "pending" };
    out.line(format!(
        "{state}: {} of {} added, {} failed, {} pending",
        status.success_count, status.total_count, status.failure_count, status.pending_count
    ))?;
    let failed = ("failed", status.failure_count, status.reasons());
    let pending = ("pending", status.pending_count, &status.pendings[..]);
    for (word, count, details) in [failed, pending] {
        for detail in details {
            let message = detail.message.as_deref().unwrap_or("(no reason given)");
            out.line(format!("{word}  {}  {}  {message}", detail.id, detail.version))?;
        }
        let unnamed = count.saturating_sub(details.len() as u64);
        if unnamed > 0 && !details.is_empty() {
            out.line(format!("{word}  … and {unnamed} more, which the server does not name"))?;
        }
    }
    Ok(())
}
