mod address;

use super::{CommonOptions, output};
use crate::config::Config;
use crate::engines;
use crate::store::{BackupError, Transfer};
use address::StoreAddress;
use anyhow::{anyhow, bail};
use bytes::Bytes;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

const EXAMPLES: &str = "\
Examples:
  taxii-server migrate --from /var/lib/concord --to 'tikv://10.0.0.1:2379,10.0.0.2:2379/DEFAULT?prefix=concord'
  taxii-server migrate --from 'tikv://10.0.0.1:2379/DEFAULT?ca=ca.pem&cert=cert.pem&key=key.pem' --to /var/lib/concord
  taxii-server migrate --from /var/lib/concord --to /mnt/larger
  taxii-server migrate --from /var/lib/concord --release

STORE is a data folder, or tikv://PD[,PD…][/KEYSPACE][?prefix=…&ca=…&cert=…&key=…] with the values of [store] in the
settings. The source takes no writes meanwhile: that of a folder needs its server to be stopped, and replicas over TiKV
answer them with 503. Both sides are compared at the end. A migration that was interrupted goes on when it is run again,
unless the source was written to since. The source stays as it is, and takes no writes any more, so that none is lost;
--release lets it take them again.";

/// Copies a store to another place, also between a folder and TiKV.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Migrate {
    /// Store to copy
    #[arg(long, value_name = "STORE")]
    from: StoreAddress,
    /// Empty place to copy it to
    #[arg(long, value_name = "STORE", required_unless_present = "release")]
    to: Option<StoreAddress>,
    /// Copy nothing: let the store take writes again that was moved, or whose migration was interrupted
    #[arg(long, conflicts_with = "to")]
    release: bool,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(super) async fn run(self, options: &CommonOptions) -> anyhow::Result<bool> {
        let config = options.config(None)?;
        let from = self.from.config(config.clone())?;
        if !engines::exists(&from).await? {
            bail!("there is no store in {}", self.from);
        }
        let Some(to) = &self.to else { return self.release(&from).await };
        if self.from.is_same(to) {
            bail!("source and target are the same place");
        }
        let source = engines::open(&from).await?;
        let target = engines::open_engine(&to.config(config)?).await?;
        let begun = source.transfer(target).await;
        let mut transfer = begun.map_err(|error| match error {
            BackupError::NotEmpty => {
                anyhow!("there is a store in {to} already, and a migration replaces nothing")
            }
            error => error.into(),
        })?;
        let moved = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => bail!("interrupted: {GO_ON}"),
            moved = move_all(&mut transfer) => moved,
        };
        let keys = match moved {
            Ok(keys) => keys,
            Err(error @ BackupError::Differs) => {
                transfer.give_up().await?;
                return Err(error.into());
            }
            Err(error) => bail!("{error}: {GO_ON}"),
        };
        let versions = transfer.versions();
        if let Err(error) = transfer.finish().await {
            bail!("{error}: {GO_ON}");
        }
        source.close().await;
        if self.json {
            output::json(&serde_json::json!({"keys": keys, "versions": versions}))?;
        } else {
            output::line(&format!(
                "{to} holds what {} does, with {versions} versions of objects: both are equal. The source takes no writes \
                 any more",
                self.from
            ))?;
        }
        Ok(true)
    }

    async fn release(&self, from: &Config) -> anyhow::Result<bool> {
        let source = engines::open(from).await?;
        let is_released = source.release().await?;
        source.close().await;
        if self.json {
            output::json(&serde_json::json!({"released": is_released}))?;
        } else if is_released {
            output::line(&format!("{} takes writes again", self.from))?;
        } else {
            output::line(&format!("{} was not moved, and takes writes", self.from))?;
        }
        Ok(true)
    }
}

/// What to do after a migration that was broken off.
const GO_ON: &str = "run the same command again to go on; until then, and for five minutes at most, the source takes no \
                     writes (--release ends that)";

/// Copies everything, and compares both sides. Returns the number of keys.
async fn move_all(transfer: &mut Transfer) -> Result<u64, BackupError> {
    let bar = bar("copying", 3 * transfer.versions());
    while let Some(keys) = transfer.next().await? {
        bar.inc(weight(&keys));
    }
    bar.finish_and_clear();
    let bar = self::bar("comparing", 6 * transfer.versions());
    let sum = transfer.verify(|keys| bar.inc(weight(keys))).await?;
    bar.finish_and_clear();
    Ok(sum.keys)
}

fn bar(what: &'static str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:30} {percent}%, {eta} left");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_message(what)
}

/// The part of the work that keys are: each version of an object has three that count.
fn weight(keys: &[Bytes]) -> u64 {
    let counts = |key: &&Bytes| key.first().is_some_and(|tag| b"abi".contains(tag));
    keys.iter().filter(counts).count() as u64
}
