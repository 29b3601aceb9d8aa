use super::{CommonOptions, output};
use crate::control::ControlError;
use crate::engines;
use clap::Args;

const EXAMPLES: &str = "\
Example:
  taxii-server compact --data /var/lib/concord

It needs the store for itself: stop the server first. A server does the same when it starts and at least a quarter of
the store is the space of removed collections.";

/// Give the space of removed objects back to the disk.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Compact {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Compact {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let config = options.config(None)?;
        if !engines::exists(&config).await? {
            return Err(ControlError::NoStore { place: config.store.place(&config.data) }.into());
        }
        let [before, after] = engines::compact(&config).await?;
        if self.json {
            output::json(&serde_json::json!({"bytes_before": before, "bytes": after}))?;
        } else {
            output::line(&format!("the store had {} and has {}", output::size(before), output::size(after)))?;
        }
        Ok(true)
    }
}
