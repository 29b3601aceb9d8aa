//! The option that says which collection.

use crate::failure::Failure;
use taxii_client::{Client, taxii::Collection};

/// Which collection.
#[derive(Debug, clap::Args)]
pub(crate) struct CollectionOption {
    /// Id or alias of the collection; not needed when the URL names it, or when there is only one
    #[arg(long, short, value_name = "ID")]
    collection: Option<String>,
}

/// What the collection is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Read,
    Write,
}

impl CollectionOption {
    /// The collection that was named, in the option or in the URL; else the only one that serves the purpose.
    pub(crate) async fn choose(&self, client: &Client, purpose: Purpose) -> Result<String, Failure> {
        if let Some(named) = self.collection.as_deref().or(client.collection_in_url()) {
            return Ok(named.to_owned());
        }
        let mut fit = client.collections().await?;
        fit.retain(|collection| match purpose {
            Purpose::Read => collection.can_read,
            Purpose::Write => collection.can_write,
        });
        if let [only] = &fit[..] {
            return Ok(only.id.clone());
        }
        let verb = if purpose == Purpose::Read { "read" } else { "write" };
        if fit.is_empty() {
            return Err(Failure::Failed(format!("there is no collection that this account may {verb}")));
        }
        let line = |collection: &Collection| format!("\n  {}  {}", collection.id, collection.title);
        let choices: String = fit.iter().map(line).collect();
        Err(Failure::Usage(format!("which collection? Give --collection with one of{choices}")))
    }
}
