//! A leader that lies: to one follower it sends other bytes for one entry. Its own log holds what clients have sent.

use super::dice::Dice;
use super::oracle::Oracle;
use super::router::SimTypes;
use crate::network::{object, organisation, submit_key, vote_key};
use crate::order::traffic::{MEMBERS, Traffic};
use bytes::Bytes;
use consensus::order::{EntryBytes, LogId, Request};
use consensus::statement::{Statement, Submit, Vote};
use consensus::{Command, Entry, Envelope, KeyId, SecretKey};
use openraft::EntryPayload;
use std::collections::BTreeMap;

/// One of this number of seeds has a node that lies.
pub(crate) const SEEDS: u64 = 5;

/// Lies that it tells, until a follower believes one of them.
const MAX_LIES: usize = 5;

pub(crate) struct Liar {
    pub(crate) node: u64,
    dice: Dice,
    oracle: Oracle,
    traffic: Traffic,
    /// The last entry that each follower was sent.
    sent: BTreeMap<u64, u64>,
    /// A command that was ordered before.
    earlier: Option<Command>,
    lies: Vec<Lie>,
    /// It has the keys of all organisations, as if no node checked a signature.
    has_keys: bool,
}

struct Lie {
    victim: u64,
    at: LogId,
    bytes: Bytes,
}

impl Liar {
    /// The node of some seeds that lies. The schedule of a seed does not depend on it.
    pub(crate) fn of(seed: u64, oracle: &Oracle, has_keys: bool) -> Option<Self> {
        let dice = Dice::new(!seed);
        (seed % SEEDS == SEEDS - 1).then(|| Self {
            // The first one leads most of the time.
            node: dice.pick(&[1, 1, 2, 3]).unwrap(),
            dice,
            oracle: oracle.clone(),
            traffic: Traffic::numbered(1 << 64),
            sent: BTreeMap::new(),
            earlier: None,
            lies: Vec::new(),
            has_keys,
        })
    }

    /// Alters what the node sends.
    pub(crate) fn alter(&mut self, target: u64, request: &mut Request<SimTypes>) {
        let Request::Append(append) = request else { return };
        for entry in &mut append.entries {
            let EntryPayload::Normal(EntryBytes(bytes)) = &mut entry.payload else { continue };
            let at = entry.log_id;
            let last = self.sent.entry(target).or_default();
            let is_new = *last < at.index();
            *last = at.index().max(*last);
            let is_believed = self.oracle.lock().exposure.nodes > 0;
            if is_new && !is_believed && self.lies.len() < MAX_LIES {
                self.think_of(target, at, bytes);
            }
            // What is sent again is altered again.
            if let Some(lie) = self.lies.iter().find(|lie| (lie.victim, lie.at) == (target, at)) {
                *bytes = lie.bytes.clone();
            }
        }
    }

    fn think_of(&mut self, victim: u64, at: LogId, bytes: &Bytes) {
        let Entry { time, command } = Entry::decode(bytes).unwrap();
        if matches!(command, Command::Found { .. }) {
            return;
        }
        let earlier = self.earlier.replace(command.clone());
        if !self.dice.percent(25) {
            return;
        }
        let Some(lie) = self.other(Entry { time, command }, earlier) else { return };
        let bytes = lie.encode();
        self.oracle.lied(&bytes);
        self.lies.push(Lie { victim, at, bytes });
    }

    /// Another entry: another command that is valid, or one that is altered or forged.
    fn other(&mut self, entry: Entry, earlier: Option<Command>) -> Option<Entry> {
        let own = (self.node - 1) as u8 % MEMBERS + 1;
        let of_others = (self.node as u8) % MEMBERS + 1;
        let Entry { time, command } = entry;
        let command = match (self.dice.draw(0..7), command) {
            (0, command) => return Some(Entry { time: time + 1, command }),
            (1, command) if command != Command::Tick => Command::Tick,
            (2, _) => earlier?,
            (3, _) => self.traffic.submit(own),
            (4, Command::Submit { envelope, note, .. }) => {
                let objects = vec![object("indicator--1", "v1", 0, "altered")];
                Command::Submit { envelope, objects, note }
            }
            // With all that belongs to it, but for the key.
            (_, Command::Submit { envelope, note, .. }) => {
                let objects = vec![object("indicator--1", "v1", 0, "forged")];
                let mut submit: Submit = envelope.read().unwrap();
                submit.items = self.traffic.items(&objects);
                let envelope = self.forge(&submit, &submit_key(own), envelope.key);
                Command::Submit { envelope, objects, note }
            }
            (_, Command::Vote(envelope)) => {
                let vote: Vote = envelope.read().unwrap();
                let (organisation, claimed_at) = (organisation(of_others), vote.claimed_at + 1);
                let vote = Vote { organisation, claimed_at, ..vote };
                Command::Vote(self.forge(&vote, &vote_key(own), vote_key(of_others).public().id()))
            }
            _ => return None,
        };
        if let Command::Submit { envelope, .. } = &command
            && envelope.is_signed_by(&submit_key(own).public())
        {
            self.oracle.signed(&command);
        }
        Some(Entry { time, command })
    }

    /// Signs a statement with its own key, and says that another one has signed it.
    fn forge<S: Statement>(&self, statement: &S, own: &SecretKey, said: KeyId) -> Envelope {
        let mut keys = (1..=MEMBERS).flat_map(|number| [submit_key(number), vote_key(number)]);
        match keys.find(|key| self.has_keys && key.public().id() == said) {
            Some(stolen) => Envelope::sign(statement, &stolen),
            None => Envelope { key: said, ..Envelope::sign(statement, own) },
        }
    }
}
