//! Sending what waits: envelopes that the server takes, each with a look at its outcome.

use crate::settings::Server;
use crate::state::{State, StateError};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use stix_model::Object;
use stix_model::taxii::{StatusState, write_envelope};
use taxii_client::{Auth, Client, Error, Filter, Options, Packing};

/// Objects in one envelope, at most.
const OBJECTS: usize = 1_000;
/// Bytes in one envelope, at most, however much the server takes.
const BYTES: u64 = 8 << 20;
/// How long a decision of the server is waited for; one that takes longer is the server's to keep.
const DECISION: Duration = Duration::from_secs(30);
/// Refusals that are told one by one.
const TOLD: usize = 50;

/// Why objects were not sent. They wait, and the next run sends them.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The password or token is not where the settings say.
    #[error("the password of the server cannot be read from {0}")]
    Password(String),
    /// The server does not take them.
    #[error(transparent)]
    Server(#[from] Error),
    /// The state fails.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What became of the objects that were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// Objects that the server has.
    pub accepted: u64,
    /// Objects on which the server, or the organisations behind it, have yet to decide.
    pub pending: u64,
    /// Objects that the server refused for good.
    pub refused: u64,
    /// Why, of the first of them.
    pub reasons: Vec<String>,
}

/// The server that gets the objects.
#[derive(Debug)]
pub struct Destination {
    client: Client,
    packing: Packing,
}

impl Destination {
    /// Asks the server how much it takes.
    ///
    /// # Errors
    /// When it cannot be reached, or its password cannot be read.
    pub async fn connect(server: &Server) -> Result<Self, DeliverError> {
        let mut options = Options::new(&server.url)
            .auth(auth(server)?)
            .allow_plain_http(server.allow_plain_http)
            .user_agent(concat!("taxii-feeds/", env!("CARGO_PKG_VERSION")));
        if let Some(ca_file) = &server.ca_file {
            options = options.ca_file(ca_file);
        }
        let client = Client::new(options)?;
        let max_bytes = match client.api_root().await {
            Ok(root) => root.max_content_length,
            // Some servers keep the API root from accounts that may well write into a collection of it.
            Err(Error::Refused { status: 403..=406, .. } | Error::NotTaxii { .. }) => BYTES,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { client, packing: Packing::new(max_bytes.min(BYTES), OBJECTS) })
    }

    /// Finds what a collection has, unless it was looked at before: so a state that was lost, or begins anew, goes on where
    /// another one ended.
    ///
    /// # Errors
    /// When the collection cannot be read to its end.
    pub async fn look_at(&self, state: &State, collection: &str) -> Result<(), DeliverError> {
        if state.has_looked_at(collection)? {
            return Ok(());
        }
        let mut pages = self.client.objects(collection, Filter::default()).await?;
        loop {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                // An account that may only write finds nothing.
                Err(Error::Refused { status: 401 | 403 | 404, .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let objects: Vec<Object> = page.read().filter_map(Result::ok).collect();
            state.set_found(&objects)?;
        }
        Ok(state.set_looked_at(collection)?)
    }

    /// Sends everything of a feed that waits.
    ///
    /// # Errors
    /// When the server does not take it; what it did not take waits.
    pub async fn deliver(
        &self,
        state: &State,
        feed: &str,
        collection: &str,
        progress: impl Fn(u64),
    ) -> Result<Delivered, DeliverError> {
        let mut delivered = Delivered::default();
        let most_bytes = usize::try_from(self.packing.max_bytes).unwrap_or(usize::MAX);
        loop {
            let waiting = state.first(feed, OBJECTS, most_bytes)?;
            if waiting.is_empty() {
                return Ok(delivered);
            }
            let texts = || waiting.iter().map(|(_, text)| &text[..]);
            let count = match self.packing.first_envelope(texts()) {
                0 => {
                    let (number, text) = &waiting[0];
                    delivered.refuse(format!(
                        "an object of {} bytes: the server takes {} at most",
                        text.len(),
                        self.packing.max_bytes
                    ));
                    state.sent(feed, [*number])?;
                    continue;
                }
                count => count,
            };
            self.send(collection, &waiting[..count], &mut delivered).await?;
            state.sent(feed, waiting[..count].iter().map(|(number, _)| *number))?;
            progress(count as u64);
        }
    }

    /// Sends an envelope; one that is refused as a whole is halved until the objects at fault are alone.
    async fn send(
        &self,
        collection: &str,
        objects: &[(u64, Vec<u8>)],
        delivered: &mut Delivered,
    ) -> Result<(), DeliverError> {
        let mut pieces = vec![objects];
        while let Some(piece) = pieces.pop() {
            let envelope = write_envelope(None, piece.iter().map(|(_, text)| &text[..]));
            match self.client.add_objects(collection, envelope).await {
                Ok(status) => {
                    let status = match status.status {
                        StatusState::Pending if !status.id.is_empty() => {
                            self.client.wait_for_status(status, DECISION).await?
                        }
                        _ => status,
                    };
                    delivered.accepted += status.success_count;
                    delivered.pending += status.pending_count;
                    delivered.refused += status.failure_count;
                    for row in status.reasons() {
                        delivered.tell(format!(
                            "{}: {}",
                            row.id,
                            row.message.as_deref().unwrap_or("no reason is given")
                        ));
                    }
                }
                Err(Error::Refused { status: 400 | 413 | 422, .. }) if piece.len() > 1 => {
                    let (first, rest) = piece.split_at(piece.len() / 2);
                    pieces.extend([rest, first]);
                }
                Err(error @ Error::Refused { status: 400 | 413 | 422, .. }) => {
                    delivered.refuse(error.to_string())
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Delivered {
    pub(crate) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.pending += other.pending;
        self.refused += other.refused;
        other.reasons.into_iter().for_each(|reason| self.tell(reason));
    }

    fn refuse(&mut self, reason: String) {
        self.refused += 1;
        self.tell(reason);
    }

    fn tell(&mut self, reason: String) {
        if self.reasons.len() < TOLD {
            self.reasons.push(reason);
        }
    }
}

fn auth(server: &Server) -> Result<Auth, DeliverError> {
    let variable = |name: &String| {
        std::env::var(name).map_err(|_| DeliverError::Password(format!("the environment variable {name}")))
    };
    if let Some(name) = &server.token_env {
        return Ok(Auth::Bearer(variable(name)?));
    }
    let Some(user) = server.username.clone() else { return Ok(Auth::None) };
    let password = match (&server.password_env, &server.password_file) {
        (Some(name), _) => variable(name)?,
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path)
                .map_err(|_| DeliverError::Password(path.display().to_string()))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
        (None, None) => {
            return Err(DeliverError::Password("anywhere: set `password-env` or `password-file`".to_owned()));
        }
    };
    Ok(Auth::Basic { user, password })
}
