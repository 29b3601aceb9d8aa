//! Turns for password checks, which take tens of milliseconds each by design.
//!
//! Addresses take turns, and the names that come from one address take turns, so that a flood of logins holds up itself.
//! When the queue is full, the one that fills it most gives way.

use crate::error::ApiError;
use crate::network::network;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Maximum number of checks at a time; a flood of logins must not take all processors.
const CHECKS_AT_ONCE: usize = 2;
/// Maximum number of logins that wait.
const WAITING: usize = 64;
/// When one that gave way may try again.
const AGAIN: Duration = Duration::from_secs(5);

/// Where a login comes from. `None` when it is not known, as behind a proxy; then names alone take turns.
pub(crate) type Source = Option<IpAddr>;

#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: usize,
    /// The next turn is that of the first source.
    sources: VecDeque<(Source, VecDeque<Lane>)>,
}

/// Logins with one name from one source.
#[derive(Debug)]
struct Lane {
    name: String,
    is_account: bool,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// The right to check a password, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Arc<Queue>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.serve();
    }
}

impl Queue {
    /// Waits for a turn. Logins with names that have no account give way first.
    ///
    /// # Errors
    /// When the queue is full with logins from the same source.
    pub(super) async fn turn(
        self: &Arc<Self>,
        source: Source,
        name: &str,
        is_account: bool,
    ) -> Result<Turn, ApiError> {
        let (sender, receiver) = oneshot::channel();
        self.state().add(source.map(network), name, is_account, sender);
        self.serve();
        self.state().give_way();
        receiver.await.map_err(|_| ApiError::TooManyLogins(AGAIN))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(self: &Arc<Self>) {
        loop {
            let mut state = self.state();
            if state.running == CHECKS_AT_ONCE {
                return;
            }
            let Some(next) = state.next() else { return };
            state.running += 1;
            drop(state);
            // When the client is gone, the turn is dropped here, and the next one gets it.
            let _ = next.send(Turn(Arc::clone(self)));
        }
    }
}

impl State {
    fn add(&mut self, source: Source, name: &str, is_account: bool, sender: oneshot::Sender<Turn>) {
        let place = self.sources.iter().position(|(known, _)| *known == source).unwrap_or_else(|| {
            self.sources.push_back((source, VecDeque::new()));
            self.sources.len() - 1
        });
        let lanes = &mut self.sources[place].1;
        match lanes.iter_mut().find(|lane| lane.name == name) {
            Some(lane) => lane.waiting.push_back(sender),
            None => lanes.push_back(Lane { name: name.to_owned(), is_account, waiting: [sender].into() }),
        }
    }

    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let (source, mut lanes) = self.sources.pop_front()?;
        let mut lane = lanes.pop_front()?;
        let next = lane.waiting.pop_front();
        if !lane.waiting.is_empty() {
            lanes.push_back(lane);
        }
        if !lanes.is_empty() {
            self.sources.push_back((source, lanes));
        }
        next
    }

    fn waiting(&self) -> usize {
        self.sources.iter().flat_map(|(_, lanes)| lanes).map(|lane| lane.waiting.len()).sum()
    }

    /// Turns away the last login of the longest lane of the source with the most logins, when too many wait.
    fn give_way(&mut self) {
        if self.waiting() <= WAITING {
            return;
        }
        let count = |lanes: &VecDeque<Lane>| lanes.iter().map(|lane| lane.waiting.len()).sum::<usize>();
        let Some(place) = (0..self.sources.len()).max_by_key(|place| count(&self.sources[*place].1)) else {
            return;
        };
        let lanes = &mut self.sources[place].1;
        let longest =
            (0..lanes.len()).max_by_key(|lane| (lanes[*lane].waiting.len(), !lanes[*lane].is_account));
        let Some(longest) = longest else { return };
        lanes[longest].waiting.pop_back();
        if lanes[longest].waiting.is_empty() {
            lanes.remove(longest);
        }
        if lanes.is_empty() {
            self.sources.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::{BoxFuture, FutureExt};

    type Waiting = BoxFuture<'static, Result<Turn, ApiError>>;

    /// A login that is in the queue.
    fn login(queue: &Arc<Queue>, source: &str, name: &str) -> Waiting {
        let (queue, source, name) = (Arc::clone(queue), source.parse().ok(), name.to_owned());
        let is_account = name == "alice";
        let mut turn = async move { queue.turn(source, &name, is_account).await }.boxed();
        match turn.as_mut().now_or_never() {
            Some(done) => futures::future::ready(done).boxed(),
            None => turn,
        }
    }

    /// How many turns a login waits for when every turn that is given is ended.
    fn turns_until(flood: Vec<Waiting>, mut login: Waiting) -> usize {
        let mut flood: Vec<_> = flood.into_iter().map(Some).collect();
        for turns in 0..1000 {
            if let Some(done) = login.as_mut().now_or_never() {
                done.unwrap();
                return turns;
            }
            for waiting in &mut flood {
                if waiting.as_mut().is_some_and(|waiting| waiting.now_or_never().is_some()) {
                    *waiting = None;
                    break;
                }
            }
        }
        panic!("the login never gets a turn");
    }

    #[test]
    fn a_flood_does_not_hold_up_others() {
        for (case, source, most) in [("another address", "::2", 6), ("the same address", "", 70)] {
            let queue = Arc::new(Queue::default());
            let flood = (0..500).map(|_| login(&queue, "", "mallory")).collect();
            let turns = turns_until(flood, login(&queue, source, "alice"));
            assert!(turns <= 6, "one name, {case}: {turns}");
            let flood = (0..500).map(|number| login(&queue, "", &format!("name {number}"))).collect();
            let turns = turns_until(flood, login(&queue, source, "alice"));
            assert!(turns <= most, "many names, {case}: {turns}");
        }
        let queue = Arc::new(Queue::default());
        let flood = (0..500).map(|_| login(&queue, "2001:db8::1", "alice")).collect();
        assert!(
            turns_until(flood, login(&queue, "2001:db8:1::1", "alice")) <= 6,
            "the own name from elsewhere"
        );
        assert_eq!(queue.state().waiting(), 0, "logins of clients that are gone take no turns");
        assert_eq!(queue.state().running, 0);
    }

    #[test]
    fn the_flood_is_told_to_wait() {
        let queue = Arc::new(Queue::default());
        let flood: Vec<_> = (0..500).map(|_| login(&queue, "::1", "mallory")).collect();
        let refused = flood.into_iter().filter_map(|turn| turn.now_or_never()).filter(Result::is_err).count();
        assert_eq!(refused, 500 - WAITING - CHECKS_AT_ONCE);
    }
}
