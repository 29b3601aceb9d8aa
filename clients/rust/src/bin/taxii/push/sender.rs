//! Sending envelopes, and what to do when one is refused or lost.

use super::lookup;
use super::summary::{Summary, reason};
use crate::failure::Failure;
use crate::input::Found;
use crate::progress::Progress;
use taxii_client::taxii::{Status, StatusState, write_envelope};
use taxii_client::{Client, Error, Packing};

/// Envelopes in a row without any answer; after them the server is taken for broken.
const MOST_UNANSWERED: u32 = 3;

/// Where the objects go.
pub(super) struct Target {
    pub(super) collection: String,
    /// What the collection has can be looked up.
    pub(super) can_read: bool,
    /// What the server says that it takes, in bytes.
    pub(super) max_content_length: u64,
    pub(super) packing: Packing,
}

/// An envelope that the server has not decided on.
pub(super) struct Pending<'o> {
    pub(super) status: Status,
    pub(super) sent: &'o [Found],
}

/// Sends objects to a collection.
pub(super) struct Sender<'a, 'o> {
    client: &'a Client,
    target: Target,
    summary: &'a mut Summary,
    pending: &'a mut Vec<Pending<'o>>,
    progress: &'a Progress,
    unanswered: u32,
}

impl<'a, 'o> Sender<'a, 'o> {
    pub(super) fn new(
        client: &'a Client,
        target: Target,
        summary: &'a mut Summary,
        pending: &'a mut Vec<Pending<'o>>,
        progress: &'a Progress,
    ) -> Self {
        Self { client, target, summary, pending, progress, unanswered: 0 }
    }

    /// Sends all objects, each in one envelope, or in fewer and fewer company until it is clear what becomes of it. So
    /// there are about two requests for each object at most.
    pub(super) async fn send(&mut self, objects: &'o [Found]) -> Result<(), Failure> {
        let mut at = 0;
        // Up to here, objects have left in an envelope of which the outcome is not known.
        let mut in_flight_to = 0;
        // Lengths of the parts of an envelope that was refused as a whole, the next one last.
        let mut parts = Vec::new();
        while at < objects.len() {
            let is_in_flight = at < in_flight_to;
            let rest = if is_in_flight { &objects[at..in_flight_to] } else { &objects[at..] };
            let count = parts.pop().unwrap_or_else(|| self.next_envelope(rest));
            let envelope = &objects[at..at + count];
            let body = write_envelope(None, envelope.iter().map(text));
            let length = body.len();
            if length as u64 > self.target.max_content_length && envelope.len() == 1 {
                self.summary.not_sent -= 1;
                self.summary.add_too_large(&envelope[0], length, Some(self.target.max_content_length));
                at += 1;
                continue;
            }
            self.summary.in_flight = at..in_flight_to.max(at + count);
            let outcome = self.client.add_objects(&self.target.collection, body).await;
            let is_too_large = matches!(&outcome, Err(error) if error.may_be_for_size(length));
            if is_too_large && count > 1 {
                // From here on, all envelopes are made so small.
                self.target.packing.max_bytes = (length as u64 / 2).max(1);
                parts.clear();
                if matches!(outcome, Err(Error::OutcomeUnknown(_))) {
                    in_flight_to = in_flight_to.max(at + count);
                }
                continue;
            }
            if matches!(&outcome, Err(error) if is_for_content(error)) && count > 1 {
                parts.extend([count - count / 2, count / 2]);
                continue;
            }
            let stop = match outcome {
                // A request for which there was no connection never left.
                Err(error @ Error::Connection { .. }) => Some(error),
                outcome => {
                    // What is said of the objects now says nothing of the time when they left before.
                    let outcome = outcome.map_err(|error| match is_in_flight && !is_for_content(&error) {
                        true => error.into_unknown(),
                        false => error,
                    });
                    let stop = self.take(envelope, length, outcome).await.err();
                    self.summary.not_sent -= count as u64;
                    self.progress.add(count);
                    at += count;
                    stop
                }
            };
            self.summary.in_flight = at..in_flight_to.max(at);
            if let Some(error) = stop {
                self.summary.lose(objects, &reason(&error));
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// How many of the first objects go together. One that is larger than what is packed goes alone.
    fn next_envelope(&self, rest: &[Found]) -> usize {
        self.target.packing.first_envelope(rest.iter().map(text)).max(1)
    }

    async fn take(
        &mut self,
        envelope: &'o [Found],
        length: usize,
        outcome: Result<Status, Error>,
    ) -> Result<(), Error> {
        let error = match outcome {
            Ok(status) => {
                self.unanswered = 0;
                if status.status == StatusState::Pending {
                    self.pending.push(Pending { status, sent: envelope });
                } else {
                    self.summary.count(status, envelope);
                }
                return Ok(());
            }
            Err(error) => error,
        };
        match error {
            Error::Refused { status: 413, .. } if envelope.len() == 1 => {
                self.summary.add_too_large(&envelope[0], length, None);
            }
            Error::OutcomeUnknown(cause) => return self.look_up(envelope, *cause).await,
            error => {
                self.summary.add_refused(envelope, &error);
                if is_for_all(&error) {
                    return Err(error);
                }
            }
        }
        self.unanswered = 0;
        Ok(())
    }

    /// Asks the collection for what may have arrived.
    async fn look_up(&mut self, envelope: &'o [Found], cause: Error) -> Result<(), Error> {
        let is_answer = match &cause {
            Error::Refused { status, .. } => *status < 500,
            cause => matches!(cause, Error::NotTaxii { .. } | Error::TooLarge { .. } | Error::Taken(_)),
        };
        let is_there =
            !matches!(&cause, Error::Connection { source, .. } if source.is_connect() || source.is_timeout());
        let found = if self.target.can_read && is_there {
            lookup::found(self.client, &self.target.collection, envelope).await
        } else {
            vec![false; envelope.len()]
        };
        self.summary.add_unknown(envelope, &found, &reason(&cause));
        self.unanswered = if is_answer { 0 } else { self.unanswered + 1 };
        let goes_on = is_there && !is_for_all(&cause) && self.unanswered < MOST_UNANSWERED;
        if goes_on { Ok(()) } else { Err(cause.into_unknown()) }
    }
}

/// Whether an object of the envelope is at fault: then it was as long as it is in company.
fn is_for_content(error: &Error) -> bool {
    matches!(error, Error::Refused { status: 400 | 422, .. })
}

/// Whether it would be the same with every other envelope.
fn is_for_all(error: &Error) -> bool {
    !matches!(
        error,
        Error::Refused { status: 400 | 408 | 413 | 422 | 500.., .. }
            | Error::Connection { .. }
            | Error::NotTaxii { .. }
            | Error::TooLarge { .. }
            | Error::Taken(_)
    )
}

fn text(found: &Found) -> &[u8] {
    found.object.json()
}
