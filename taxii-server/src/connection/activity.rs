//! What happens on one connection, and until when its client must do something.

use crate::config::Timeouts;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of an answer that a client must take in a second on average, so that a trickle does not hold it for ever.
const LEAST_BYTES_PER_SECOND: u64 = 1 << 10;
/// Time in which a new connection counts as one that is about to send a request.
const FRESH: Duration = Duration::from_secs(2);

/// The state of a connection. Stream, requests and answers note in it what they see.
pub(super) struct Activity(Mutex<State>);

struct State {
    is_http2: bool,
    has_served: bool,
    /// When the last request ended; before the first one, when the connection was opened.
    idle_since: Instant,
    /// When the first byte of the head of a request came.
    head_since: Option<Instant>,
    /// When the socket stopped taking bytes.
    blocked_since: Option<Instant>,
    exchanges: BTreeMap<u64, Progress>,
    next: u64,
}

/// The state of a request and its answer.
struct Progress {
    waits_for: Side,
    /// When the client last sent or took something.
    moved: Instant,
    begun: Instant,
    /// Bytes of the answer that were handed to the protocol.
    taken: u64,
    /// Parts of the answer that are not in the socket yet.
    unsent: usize,
    is_answered: bool,
}

/// Who must do the next step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Server,
    Client,
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// No head of a request came in time.
    Head,
    /// No request came for a long time, or the server stops.
    Idle,
    /// The client does not take its answers.
    Write,
}

/// How well a connection may be closed in favour of a new one. The least one is closed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Dispensable {
    /// It has not sent a request.
    Silent(Instant),
    /// It waits for another request.
    Idle(Instant),
    /// It is about to send its first request.
    Fresh(Instant),
    /// It has requests, and all wait for the client.
    Slow(Instant),
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            is_http2: false,
            has_served: false,
            idle_since: Instant::now(),
            head_since: None,
            blocked_since: None,
            exchanges: BTreeMap::new(),
            next: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the connection is ready for requests, after the TLS handshake.
    pub(super) fn reopened(&self) {
        self.state().idle_since = Instant::now();
    }

    /// Notes that the client sent something. When it can belong to the head of a request, returns the number of that.
    pub(super) fn received(&self) -> Option<u64> {
        let mut state = self.state();
        // Over HTTP/2, bytes between requests are mostly acknowledgements.
        let is_head = state.exchanges.is_empty() && !state.is_http2;
        is_head.then(|| {
            state.head_since.get_or_insert_with(Instant::now);
            state.next
        })
    }

    /// Notes whether the socket takes bytes.
    pub(super) fn wrote(&self, is_blocked: bool) {
        let mut state = self.state();
        state.blocked_since = is_blocked.then(|| state.blocked_since.unwrap_or_else(Instant::now));
    }

    /// Notes that the head of a request is complete.
    pub(super) fn begin(self: &Arc<Self>, is_http2: bool) -> Arc<Exchange> {
        let mut state = self.state();
        let (now, number) = (Instant::now(), state.next);
        state.next += 1;
        state.is_http2 = is_http2;
        state.head_since = None;
        let progress = Progress {
            waits_for: Side::Server,
            moved: now,
            begun: now,
            taken: 0,
            unsent: 0,
            is_answered: false,
        };
        state.exchanges.insert(number, progress);
        Arc::new(Exchange { activity: Arc::clone(self), number })
    }

    /// Until when the client must do something, if it is its turn.
    pub(super) fn deadline(&self, timeouts: &Timeouts) -> Option<(Instant, Overdue)> {
        let state = self.state();
        let mut deadline = state.blocked_since.map(|since| (since + timeouts.write, Overdue::Write));
        for progress in state.exchanges.values() {
            if progress.is_answered && progress.waits_for == Side::Client {
                let taken = Duration::from_secs(progress.taken / LEAST_BYTES_PER_SECOND);
                let at = (progress.moved + timeouts.write).min(progress.begun + timeouts.write + taken);
                deadline = deadline.into_iter().chain([(at, Overdue::Write)]).min_by_key(|(at, _)| *at);
            }
        }
        if state.exchanges.is_empty() {
            let idle = match state.head_since {
                _ if !state.has_served => (state.idle_since + timeouts.head, Overdue::Head),
                Some(since) => (since + timeouts.head, Overdue::Head),
                None => (state.idle_since + timeouts.keep_alive, Overdue::Idle),
            };
            deadline = deadline.into_iter().chain([idle]).min_by_key(|(at, _)| *at);
        }
        deadline
    }

    /// Whether no request is open.
    pub(super) fn is_idle(&self) -> bool {
        self.state().exchanges.is_empty()
    }

    /// Whether this connection may be closed in favour of a new one; not while the server works for it.
    pub(super) fn dispensable(&self, now: Instant) -> Option<Dispensable> {
        let state = self.state();
        if state.exchanges.is_empty() {
            let since = state.idle_since;
            return Some(match state.has_served {
                true => Dispensable::Idle(since),
                false if now - since < FRESH => Dispensable::Fresh(since),
                false => Dispensable::Silent(since),
            });
        }
        let is_slow =
            |progress: &Progress| progress.waits_for == Side::Client && now - progress.moved >= FRESH;
        let since = state.exchanges.values().map(|progress| progress.moved).max()?;
        state.exchanges.values().all(is_slow).then_some(Dispensable::Slow(since))
    }
}

/// A request on a connection, until its answer has been sent or dropped.
pub(super) struct Exchange {
    activity: Arc<Activity>,
    number: u64,
}

impl Exchange {
    fn note(&self, change: impl FnOnce(&mut Progress)) {
        if let Some(progress) = self.activity.state().exchanges.get_mut(&self.number) {
            change(progress);
        }
    }

    /// The next part of the body of the request is needed.
    pub(super) fn awaits_body(&self) {
        self.note(|progress| progress.waits_for = Side::Client);
    }

    /// A part of the body came, or the rest is not wanted.
    pub(super) fn has_body(&self) {
        self.note(|progress| {
            progress.waits_for = Side::Server;
            progress.moved = Instant::now();
        });
    }

    /// The answer is known.
    pub(super) fn answered(&self) {
        self.note(|progress| {
            let now = Instant::now();
            *progress =
                Progress { waits_for: Side::Client, moved: now, begun: now, is_answered: true, ..*progress };
        });
    }

    /// The next part of the answer is not made yet.
    pub(super) fn awaits_answer(&self) {
        self.note(|progress| {
            if progress.unsent == 0 {
                progress.waits_for = Side::Server;
            }
        });
    }

    /// A part of the answer was handed to the protocol.
    pub(super) fn handed(&self, bytes: usize) {
        self.note(|progress| {
            progress.waits_for = Side::Client;
            progress.moved = Instant::now();
            progress.taken += bytes as u64;
            progress.unsent += 1;
        });
    }

    /// A part of the answer is in the socket.
    pub(super) fn sent(&self) {
        self.note(|progress| {
            progress.moved = Instant::now();
            progress.unsent = progress.unsent.saturating_sub(1);
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.exchanges.remove(&self.number);
        if state.exchanges.is_empty() {
            state.has_served = true;
            state.idle_since = Instant::now();
            state.head_since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts {
        head: Duration::from_secs(10),
        keep_alive: Duration::from_secs(75),
        write: Duration::from_secs(30),
        ..Timeouts::DEFAULT
    };

    fn due(activity: &Activity) -> Option<(u64, Overdue)> {
        let (at, reason) = activity.deadline(&TIMEOUTS)?;
        Some(((at - Instant::now()).as_secs(), reason))
    }

    #[tokio::test(start_paused = true)]
    async fn every_state_in_which_the_client_is_awaited_has_an_end() {
        let wait = async |seconds| tokio::time::advance(Duration::from_secs(seconds)).await;
        let activity = Activity::new();
        assert_eq!(due(&activity), Some((10, Overdue::Head)));
        wait(4).await;
        activity.received();
        assert_eq!(due(&activity), Some((6, Overdue::Head)), "bytes of a first head do not prolong it");
        let exchange = activity.begin(false);
        assert_eq!(due(&activity), None, "the server works");
        exchange.awaits_body();
        assert_eq!(due(&activity), None, "bodies have timers of their own");
        exchange.has_body();
        exchange.answered();
        exchange.handed(60 << 10);
        wait(29).await;
        assert_eq!(due(&activity), Some((1, Overdue::Write)));
        exchange.sent();
        exchange.handed(1);
        assert_eq!(due(&activity), Some((30, Overdue::Write)));
        for _ in 0..3 {
            wait(20).await;
            exchange.sent();
            exchange.handed(1);
        }
        assert_eq!(due(&activity), Some((1, Overdue::Write)), "a trickle is no progress");
        (0..3).for_each(|_| exchange.sent());
        exchange.sent();
        exchange.sent();
        exchange.awaits_answer();
        assert_eq!(due(&activity), None, "the server has not made the next part");
        drop(exchange);
        assert_eq!(due(&activity), Some((75, Overdue::Idle)));
        wait(60).await;
        activity.received();
        assert_eq!(due(&activity), Some((10, Overdue::Head)), "the next head has begun");
        activity.wrote(true);
        wait(5).await;
        activity.wrote(true);
        assert_eq!(due(&activity), Some((5, Overdue::Head)));
        drop(activity.begin(true));
        assert_eq!(due(&activity), Some((25, Overdue::Write)), "a full socket");
        activity.wrote(false);
        wait(70).await;
        activity.received();
        assert_eq!(due(&activity), Some((5, Overdue::Idle)), "over HTTP/2, pings are no requests");
    }

    #[tokio::test(start_paused = true)]
    async fn silent_connections_give_way_before_idle_ones_and_those_before_slow_ones() {
        let [silent, idle, slow, busy] = std::array::from_fn(|_| Activity::new());
        drop(idle.begin(false));
        let [slow_exchange, _working] = [slow.begin(false), busy.begin(false)];
        slow_exchange.awaits_body();
        tokio::time::advance(FRESH).await;
        let fresh = Activity::new();
        let now = Instant::now();
        let mut order = [&slow, &fresh, &busy, &idle, &silent].map(|activity| activity.dispensable(now));
        order.sort();
        assert_eq!(order[0], None, "the server works for it");
        assert!(matches!(
            order[1..],
            [
                Some(Dispensable::Silent(_)),
                Some(Dispensable::Idle(_)),
                Some(Dispensable::Fresh(_)),
                Some(Dispensable::Slow(_))
            ]
        ));
    }
}
