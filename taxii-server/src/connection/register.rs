//! The open connections of a listener, and which of them gives way when there are too many.

use super::activity::Activity;
use crate::network::network;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Time between two lines in the log about the same trouble.
const QUIET: Duration = Duration::from_secs(10);

/// How many connections a listener takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caps {
    /// In all.
    pub(crate) all: usize,
    /// From one address, if that is bounded. An address of this machine is not: a proxy may run on it.
    pub(crate) per_address: Option<usize>,
}

/// The open connections of a listener.
pub(super) struct Register {
    name: &'static str,
    caps: Caps,
    open: Mutex<Open>,
    pub(super) trouble: Occasional,
}

#[derive(Default)]
struct Open {
    next: u64,
    connections: BTreeMap<u64, Registered>,
}

struct Registered {
    address: Option<IpAddr>,
    activity: Arc<Activity>,
    /// Dropped to close the connection.
    _keep: oneshot::Sender<()>,
}

/// The place of a connection.
pub(super) struct Place {
    register: Arc<Register>,
    number: u64,
    pub(super) activity: Arc<Activity>,
    /// Ends when the connection must give way.
    pub(super) given_up: oneshot::Receiver<()>,
}

impl Place {
    /// Notes the address that a proxy told. Returns whether its client may have another connection.
    pub(super) fn belongs_to(&self, client: IpAddr) -> bool {
        let client = counted(Some(client));
        let mut open = self.register.open();
        if !self.register.make_room(&mut open, client, usize::MAX) {
            return false;
        }
        if let Some(registered) = open.connections.get_mut(&self.number) {
            registered.address = client;
        }
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.register.open().connections.remove(&self.number);
    }
}

impl Register {
    pub(super) fn new(name: &'static str, caps: Caps) -> Arc<Self> {
        Arc::new(Self { name, caps, open: Mutex::default(), trouble: Occasional::default() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds a place for a new connection, if there is room. The address of one from a proxy is not known yet.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        let address = counted(address);
        let (activity, (keep, given_up)) = (Activity::new(), oneshot::channel());
        let mut open = self.open();
        if !self.make_room(&mut open, address, self.caps.all) {
            return None;
        }
        let number = open.next;
        open.next += 1;
        let registered = Registered { address, activity: Arc::clone(&activity), _keep: keep };
        open.connections.insert(number, registered);
        drop(open);
        Some(Place { register: Arc::clone(self), number, activity, given_up })
    }

    /// Makes room for a connection: when a cap is reached, another one that has nothing to do gives way. Returns whether
    /// there is room.
    fn make_room(&self, open: &mut Open, address: Option<IpAddr>, all: usize) -> bool {
        let of_address = open.connections.values().filter(|other| other.address == address).count();
        let (cap, count, is_own) = match self.caps.per_address {
            Some(cap) if address.is_some() && of_address >= cap => (cap, of_address, true),
            _ => (all, open.connections.len(), false),
        };
        if count < cap {
            return true;
        }
        let among = |other: &&u64| !is_own || open.connections[other].address == address;
        let now = Instant::now();
        let rank = |number: &u64| Some((open.connections[number].activity.dispensable(now)?, *number));
        let weakest = open.connections.keys().filter(among).filter_map(rank).min();
        let is_full = weakest.is_none();
        if let Some(times) = self.trouble.tell() {
            let setting = if is_own { "max_connections_per_address" } else { "max_connections" };
            let address = address.map(tracing::field::display);
            tracing::warn!(
                listener = self.name,
                cap,
                setting,
                address,
                times,
                is_full,
                "too many connections; those with nothing to do are closed first"
            );
        }
        let Some((_, weakest)) = weakest else { return false };
        open.connections.remove(&weakest);
        true
    }
}

/// The address as caps count it.
fn counted(address: Option<IpAddr>) -> Option<IpAddr> {
    address.map(network).filter(|address| !address.is_loopback())
}

/// Tells trouble that may come in floods from time to time only.
#[derive(Default)]
pub(super) struct Occasional(Mutex<(Option<Instant>, u64)>);

impl Occasional {
    /// Counts an occasion. Returns how often it came since it was last told, when it is time to tell.
    pub(super) fn tell(&self) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, times) = &mut *told;
        *times += 1;
        if last.is_some_and(|last| last.elapsed() < QUIET) {
            return None;
        }
        *last = Some(Instant::now());
        Some(std::mem::take(times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_open(place: &mut Place) -> bool {
        place.given_up.try_recv() == Err(oneshot::error::TryRecvError::Empty)
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_with_the_least_to_do_gives_way_to_a_new_one() {
        let register = Register::new("listen", Caps { all: 3, per_address: Some(2) });
        let [here, there]: [IpAddr; 2] = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().unwrap());
        let mut busy = register.admit(Some(here)).unwrap();
        let _working = busy.activity.begin(false);
        let mut silent = register.admit(Some(here)).unwrap();
        let mut third = register.admit(Some(here)).unwrap();
        assert!(is_open(&mut busy) && is_open(&mut third));
        assert!(!is_open(&mut silent), "one address has two places");
        let _working = third.activity.begin(false);
        assert!(register.admit(Some(here)).is_none(), "requests are not cut off");
        let mut other = register.admit(Some(there)).unwrap();
        assert_eq!(register.open().connections.len(), 3);
        let neighbour = register.admit(Some("2001:db8::2".parse().unwrap())).unwrap();
        assert!(!is_open(&mut other), "three places in all");
        drop(neighbour);
        assert_eq!(register.open().connections.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn clients_of_a_proxy_are_counted_when_it_has_told_their_address() {
        let register = Register::new("listen", Caps { all: 5, per_address: Some(1) });
        let [here, there]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let mut places: Vec<_> = (0..4).map(|_| register.admit(None).unwrap()).collect();
        assert!(places[0].belongs_to(here) && places[1].belongs_to(there) && places[2].belongs_to(here));
        assert!(!is_open(&mut places[0]) && is_open(&mut places[1]) && is_open(&mut places[2]));
        let _working = places[2].activity.begin(false);
        assert!(!places[3].belongs_to(here), "requests are not cut off");
        assert!(is_open(&mut places[3]), "the caller closes it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_on_this_machine_has_all_places() {
        let register = Register::new("listen", Caps { all: 3, per_address: Some(1) });
        let mut places: Vec<_> =
            (0..3).map(|_| register.admit(Some("127.0.0.1".parse().unwrap())).unwrap()).collect();
        assert!(places.iter_mut().all(is_open));
    }
}
