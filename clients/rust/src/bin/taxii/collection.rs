//! The option that says which collection.

use crate::failure::Failure;
use crate::similar::did_you_mean;
use taxii_client::{Client, Error, taxii::Collection};
use uuid::Uuid;

/// Which collection.
#[derive(Debug, clap::Args)]
pub(crate) struct CollectionOption {
    /// Id, alias or title of the collection; not needed when the URL names it, or when there is only one
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
    /// The collection that was named, in the option or in the URL; else the only one that serves the purpose. When the
    /// URL leaves the API root open, all are looked through; the client that is returned talks to the right one.
    pub(crate) async fn choose(&self, client: Client, purpose: Purpose) -> Result<(Client, String), Failure> {
        let named = self.collection.as_deref().or(client.collection_in_url()).map(str::to_owned);
        let roots = client.api_roots().await?;
        if let ([only], Some(named)) = (&roots[..], &named)
            && named.parse::<Uuid>().is_ok()
        {
            return Ok((client.at_api_root(only.clone()), named.clone()));
        }
        let mut known = Vec::new();
        let mut failure = None;
        for root in &roots {
            match client.at_api_root(root.clone()).collections().await {
                Ok(list) => known.extend(list.into_iter().map(|collection| (root, collection))),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        // The collection that is meant may be in the root that did not answer; only an id names one everywhere.
        let is_known = |named: &String| known.iter().any(|(_, collection)| collection.id == *named);
        if let Some(error) = failure.take_if(|error| !is_answer(error))
            && !named.as_ref().is_some_and(is_known)
        {
            return Err(error.into());
        }
        let unlisted = failure.filter(|_| known.is_empty());
        let Some(named) = named else {
            if let Some(error) = unlisted {
                return Err(error.into());
            }
            known.retain(|(_, collection)| match purpose {
                Purpose::Read => collection.can_read,
                Purpose::Write => collection.can_write,
            });
            let verb = if purpose == Purpose::Read { "read" } else { "write" };
            let none = || Failure::Failed(format!("there is no collection that this account may {verb}"));
            let all: Vec<_> = known.iter().map(|(_, collection)| collection).collect();
            let (root, only) = match &known[..] {
                [only] => only,
                [] => return Err(none()),
                _ => return Err(which(&all)),
            };
            return Ok((client.at_api_root((*root).clone()), only.id.clone()));
        };
        let fits = [
            |collection: &Collection, named: &str| collection.id == named,
            |collection: &Collection, named: &str| collection.alias.as_deref() == Some(named),
            |collection: &Collection, named: &str| collection.title == named,
            |collection: &Collection, named: &str| collection.title.to_lowercase() == named.to_lowercase(),
        ];
        for fits in fits {
            let found: Vec<_> = known.iter().filter(|(_, collection)| fits(collection, &named)).collect();
            match &found[..] {
                [] => {}
                [(root, only)] => return Ok((client.at_api_root((*root).clone()), only.id.clone())),
                _ => return Err(which(&found.iter().map(|(_, collection)| collection).collect::<Vec<_>>())),
            }
        }
        // Not every server lists its collections, or all of them.
        for root in &roots {
            let there = client.at_api_root(root.clone());
            if there.collection(&named).await.is_ok() {
                return Ok((there, named));
            }
        }
        if let Some(error) = unlisted {
            return Err(error.into());
        }
        let names = known.iter().flat_map(|(_, collection)| {
            [Some(collection.title.as_str()), collection.alias.as_deref()].into_iter().flatten()
        });
        let hint = did_you_mean(&named, names);
        let message = format!("{named}: no collection has this id, alias or title{hint}");
        Err(Failure::Failed(format!("{message}{}", rows(known.iter().map(|(_, collection)| collection)))))
    }
}

/// Whether an API root says that it has nothing for this account.
fn is_answer(error: &Error) -> bool {
    matches!(error, Error::Refused { status: 401 | 403 | 404, .. })
}

fn which(choices: &[&Collection]) -> Failure {
    let rows = rows(choices.iter().copied());
    Failure::Usage(format!("which collection? Give --collection with one of{rows}"))
}

fn rows<'c>(collections: impl Iterator<Item = &'c Collection>) -> String {
    collections.map(|collection| format!("\n  {}  {}", collection.id, collection.title)).collect()
}
