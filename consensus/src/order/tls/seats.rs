//! Limits on open connections: of those that have shown a certificate, by who they are; of the others, by address.

use super::super::types::Pin;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Most connections that have not shown a certificate yet.
const MAX_STRANGERS: usize = 64;

/// What a connection counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holder {
    /// A node that takes part in the order of commands.
    Order(u64),
    /// A node at the door.
    Node(u64),
    /// All guests.
    Guests,
    /// A guest.
    Guest(Pin),
    /// The guests of an address.
    From(IpAddr),
}

impl Holder {
    /// What a guest counts for.
    pub(super) fn guest(pin: Pin, address: IpAddr) -> Vec<Self> {
        vec![Self::Guests, Self::Guest(pin), Self::From(source(address))]
    }

    /// Most connections that are open at a time.
    fn most(self) -> u32 {
        match self {
            Self::Order(_) => 16,
            Self::Node(_) => 8,
            Self::Guests => 32,
            Self::Guest(_) => 4,
            Self::From(_) => 8,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(_) => f.write_str("the node has too many connections"),
            Self::Node(_) => f.write_str("the node asks too much at a time"),
            Self::Guests => f.write_str("too many servers that are no members ask at the same time"),
            Self::Guest(_) => f.write_str("the server asks too much at a time"),
            Self::From(_) => f.write_str("too many servers with this address ask at the same time"),
        }
    }
}

/// The host that an address stands for: one that speaks IPv6 has 2⁶⁴ of them.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address => address,
    }
}

/// Counts connections that have shown a certificate.
#[derive(Default)]
pub(super) struct Seats(Mutex<BTreeMap<Holder, u32>>);

/// Counts a connection as long as it is open.
pub(super) struct Seat(Arc<Seats>, Vec<Holder>);

impl Seats {
    /// Takes a seat of each holder, or tells which one has no more.
    pub(super) fn take(self: &Arc<Self>, holders: Vec<Holder>) -> Result<Seat, Holder> {
        let mut open = self.lock();
        let is_full = |holder: &&Holder| open.get(holder).is_some_and(|count| *count >= holder.most());
        if let Some(full) = holders.iter().find(is_full) {
            return Err(*full);
        }
        for holder in &holders {
            *open.entry(*holder).or_default() += 1;
        }
        drop(open);
        Ok(Seat(self.clone(), holders))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Holder, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.0.lock();
        for holder in &self.1 {
            let count = open.get(holder).map_or(0, |count| count.saturating_sub(1));
            // A count of zero goes: strangers can make any number of pins.
            match count {
                0 => open.remove(holder),
                _ => open.insert(*holder, count),
            };
        }
    }
}

/// Connections that have not shown a certificate yet. When there are too many, the address that has the most loses its oldest
/// one: a node needs moments to show its certificate, and is not kept out by connections that are silent.
#[derive(Default)]
pub(super) struct Lobby(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    next: u64,
    places: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
}

impl Waiting {
    /// The oldest connection of the address that has the most.
    fn victim(&self) -> Option<u64> {
        let mut counts = BTreeMap::<IpAddr, usize>::new();
        for (address, _) in self.places.values() {
            *counts.entry(*address).or_default() += 1;
        }
        let most = counts.values().max().copied();
        let has_most = |(_, (address, _)): &(&u64, &(IpAddr, _))| counts.get(address).copied() == most;
        self.places.iter().find(has_most).map(|(number, _)| *number)
    }
}

/// A connection in the lobby.
pub(super) struct Place {
    lobby: Arc<Lobby>,
    number: u64,
    /// Ends when the connection has to make room.
    lost: oneshot::Receiver<()>,
}

impl Lobby {
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Place {
        let mut waiting = self.lock();
        if waiting.places.len() >= MAX_STRANGERS
            && let Some(victim) = waiting.victim()
        {
            waiting.places.remove(&victim);
        }
        let (keep, lost) = oneshot::channel();
        let number = waiting.next;
        waiting.next += 1;
        waiting.places.insert(number, (source(address), keep));
        drop(waiting);
        Place { lobby: self.clone(), number, lost }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until the connection is admitted, and leaves the lobby; nothing when it had to make room before.
    pub(super) async fn hold<T>(mut self, admitting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            admitted = admitting => Some(admitted),
            _ = &mut self.lost => None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lobby.lock().places.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Digest;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn guests_share_their_seats_and_nodes_have_their_own() {
        let seats = Arc::new(Seats::default());
        let guest = |number: u8, from: IpAddr| seats.take(Holder::guest(Pin(Digest([number; 32])), from));
        let mut open = Vec::new();
        for number in 0..32 {
            open.push(guest(number, address(&format!("192.0.2.{}", number / 8))).unwrap());
        }
        assert_eq!(guest(32, address("192.0.2.9")).err(), Some(Holder::Guests));
        let nodes: Vec<_> = (0..8).map(|_| seats.take(vec![Holder::Node(1)]).unwrap()).collect();
        assert_eq!(seats.take(vec![Holder::Node(1)]).err(), Some(Holder::Node(1)));
        assert!(seats.take(vec![Holder::Order(1)]).is_ok());

        open.truncate(8);
        let full = Holder::From(address("192.0.2.0"));
        assert_eq!(guest(32, address("::ffff:192.0.2.0")).err(), Some(full), "it is the same host");
        drop((open, nodes));
        let hosts = |number: u8| address(&format!("2001:db8::{number}"));
        let open: Vec<_> = (0..8).map(|number| guest(number, hosts(number)).unwrap()).collect();
        assert_eq!(guest(8, hosts(8)).err(), Some(Holder::From(address("2001:db8::"))));
        drop(open);
        assert!(seats.lock().is_empty(), "what is free takes no memory");
    }

    #[test]
    fn a_full_lobby_makes_room_where_most_wait() {
        let lobby = Arc::new(Lobby::default());
        let mut first = lobby.enter(address("192.0.2.1"));
        let mut many: Vec<_> = (1..MAX_STRANGERS).map(|_| lobby.enter(address("192.0.2.2"))).collect();
        let _another = lobby.enter(address("192.0.2.3"));
        let has_lost = |place: &mut Place| place.lost.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        assert!(!has_lost(&mut first));
        assert!(has_lost(&mut many[0]) && !has_lost(&mut many[1]));
        drop(many);
        assert_eq!(lobby.lock().places.len(), 2);
    }
}
