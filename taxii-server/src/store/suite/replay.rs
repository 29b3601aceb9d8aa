//! The law of commands: however a log is cut into commits, and on whatever engine, it leaves equal bytes under every key.

use super::{id, marked_tool, new_collection, seed, submission, tool_named};
use crate::rights::{Access, GrantScope, Principal};
use crate::store::apply::apply;
use crate::store::engine::{Commit, Engine, KeyValue};
use crate::store::overlay::Overlay;
use crate::store::reload::read_directory;
use crate::store::{
    Add, ApiRoot, Clear, Collection, CollectionChange, Command, Conflicts, Delete, Directory,
    DirectoryCommand, Erase, Fence, Group, MemoryEngine, NewAccount, Profile, Relevel, Request, Scope,
    Stamps, Target, VersionFilter,
};
use fastrand::Rng;
use std::sync::Arc;
use stix_model::Tlp;
use uuid::Uuid;

const GROUPS: u64 = 60;

/// Makes a random log that a store could have recorded: each group is applied before the next one is made.
struct Recorder {
    random: Rng,
    time: i64,
    /// The directory as the log leaves it so far.
    directory: Directory,
    earlier: Vec<Request>,
}

impl Recorder {
    fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random.u128(..).to_be_bytes()).into_uuid()
    }

    fn request(&mut self, command: Command) -> Request {
        let (id, received) = (self.uuid(), self.time);
        Request { id, account: Uuid::nil(), organisation: Uuid::nil(), received, fingerprint: None, command }
    }

    fn group(&mut self) -> Group {
        // The clock may stand still, and go back.
        self.time += self.random.i64(0..3_000) - 1_000;
        let collections: Vec<_> = self.directory.collections.values().cloned().collect();
        let (scope, requests) = match self.random.u64(..10) {
            0 => (Scope::Directory, vec![self.change()]),
            1 => {
                let before = u64::try_from(self.time - 2_000).unwrap_or_default();
                let clears = [Clear::Receipts { before, limit: 3 }, Clear::Removed { limit: 7 }];
                (Scope::Maintenance, clears.map(|clear| self.request(Command::Clear(clear))).into())
            }
            _ if collections.is_empty() => (Scope::Directory, vec![self.change()]),
            _ => {
                let collection = &collections[self.place(collections.len())];
                let count = 1 + self.random.u64(..5);
                let requests = (0..count).map(|_| self.of_collection(collection)).collect();
                (Scope::Collection(collection.id), requests)
            }
        };
        Group { scope, time: self.time, requests }
    }

    fn place(&mut self, count: usize) -> usize {
        self.random.usize(..count)
    }

    fn level(&mut self) -> Tlp {
        Tlp::ALL[self.place(5)]
    }

    /// A change of the directory, which its rules may refuse.
    fn change(&mut self) -> Request {
        let id = self.uuid();
        let known = self.directory.collections.keys().next().copied().unwrap_or(id);
        let command = match self.random.u64(..9) {
            _ if self.directory.api_roots.is_empty() => {
                let root = ApiRoot {
                    name: "root".into(),
                    title: "root".into(),
                    description: None,
                    is_default: false,
                };
                DirectoryCommand::AddApiRoot(root)
            }
            0 => DirectoryCommand::RemoveCollection { collection: known },
            1 if self.random.u64(..2) == 0 => DirectoryCommand::ChangeCollection {
                collection: known,
                change: CollectionChange { conflicts: Some(Conflicts::Newest), ..Default::default() },
            },
            1 => DirectoryCommand::ChangeCollection {
                collection: known,
                change: CollectionChange { profile: Some(Profile::Strict), ..Default::default() },
            },
            2 => DirectoryCommand::ChangeCollection {
                collection: known,
                change: CollectionChange { unmarked: Some(self.level()), ..Default::default() },
            },
            3 => DirectoryCommand::AddAccount(NewAccount {
                id,
                organisation: Uuid::nil(),
                name: format!("a{}", self.random.u64(..3)),
                password: None,
                token: None,
                is_administrator: false,
                grants: [(GrantScope::Collection(known), Access { can_read: true, can_write: true })].into(),
            }),
            _ => {
                let title = format!("c{}", self.random.u64(..4));
                DirectoryCommand::AddCollection(new_collection(id, &title))
            }
        };
        self.request(Command::Directory(command))
    }

    fn of_collection(&mut self, collection: &Collection) -> Request {
        if self.random.u64(..12) == 0 && !self.earlier.is_empty() {
            let place = self.place(self.earlier.len());
            let again = self.earlier[place].clone();
            if again.command.scope() == Scope::Collection(collection.id) {
                return again;
            }
        }
        let operator = Principal::operator(Uuid::nil());
        let mut target = Target::of(collection, &operator);
        target.revision += u64::from(self.random.u64(..10) == 0);
        let clearance = self.level();
        let command = match self.random.u64(..10) {
            0 => Command::Delete(Delete {
                target,
                clearance,
                id: id(self.random.u64(..12)).parse().unwrap(),
                versions: (self.random.u64(..2) == 0).then_some(VersionFilter::All),
                spec_versions: None,
                limit: self.random.u32(..5),
            }),
            1 if self.random.u64(..2) == 0 => Command::Erase(Erase { target, limit: 2 }),
            2 if self.random.u64(..4) == 0 => Command::Fence(Fence { target }),
            1 => Command::Relevel(Relevel { target, limit: 4, after: None }),
            _ => {
                let count = 1 + self.random.u64(..6);
                let objects: Vec<_> = (0..count).map(|_| object(&mut self.random)).collect();
                let stamps = match self.random.u64(..8) {
                    0 => {
                        let start = self.time - 500;
                        let stamp = |n| crate::clock::timestamp(start + i64::try_from(n / 2).unwrap());
                        Stamps::Given((0..count).map(stamp).collect())
                    }
                    _ => Stamps::Clock,
                };
                Command::Add(Add { target, clearance, objects: submission(&objects).objects, stamps })
            }
        };
        let request = self.request(command);
        self.earlier.push(request.clone());
        request
    }
}

/// An object of a few, in a version of a few.
pub(super) fn object(random: &mut Rng) -> String {
    let (number, year) = (random.u64(..12), 2001 + random.u32(..4));
    match random.u64(..8) {
        0 => format!(
            r#"{{"type":"url","id":"url--00000000-0000-5000-8000-{number:012}","value":"u:{}"}}"#,
            random.u64(..4)
        ),
        1 => tool_named(number, year, "n").replace(r#""spec_version":"2.1","#, ""),
        2 => tool_named(number, year, "n").replace(r#""name""#, r#""revoked":true,"name""#),
        3 => tool_named(number, year, "other"),
        4 | 5 => {
            let level = Tlp::ALL[usize::try_from(random.u64(..5)).unwrap()];
            marked_tool(number, year, level)
        }
        _ => tool_named(number, year, "n"),
    }
}

/// Records a log of many groups.
async fn record(seed: u64) -> Vec<Group> {
    let (time, directory) = (1_700_000_000_000_000, Directory::default());
    let mut recorder = Recorder { random: Rng::with_seed(seed), time, directory, earlier: Vec::new() };
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    let mut log = Vec::new();
    for _ in 0..GROUPS {
        let group = recorder.group();
        replay(&engine, std::slice::from_ref(&group), || 1).await;
        recorder.directory = read_directory(&*engine.snapshot().await.unwrap()).await.unwrap();
        // A log is kept as bytes.
        log.push(Group::decode(&group.encode()).unwrap());
    }
    log
}

/// Applies a log, and returns everything that it leaves; `cut` says how many groups the next commit takes.
async fn replay(engine: &Arc<dyn Engine>, log: &[Group], mut cut: impl FnMut() -> usize) -> Vec<KeyValue> {
    let mut rest = log;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(cut().clamp(1, rest.len()));
        let snapshot = engine.snapshot().await.unwrap();
        let mut overlay = Overlay::new(&*snapshot);
        for group in now {
            let applied = apply(&mut overlay, group).await.unwrap();
            assert_eq!(applied.outcomes.len(), group.requests.len());
        }
        let commit = overlay.into_commit(Uuid::nil()).await.unwrap();
        drop(snapshot);
        engine.commit(commit).await.unwrap();
        rest = later;
    }
    engine.snapshot().await.unwrap().scan_all(vec![0]..vec![0xFF]).await.unwrap()
}

pub async fn any_cut_of_a_log_leaves_equal_bytes(engine: Arc<dyn Engine>) {
    let seed = seed();
    for round in 0..4 {
        let log = record(seed + round).await;
        let memory = || Arc::new(MemoryEngine::default()) as Arc<dyn Engine>;
        let whole = replay(&memory(), &log, || usize::MAX).await;
        assert!(whole.len() > 100, "seed {seed}: the log leaves only {} keys", whole.len());
        assert!(whole == replay(&memory(), &log, || 1).await, "seed {seed}: one by one differs");
        let mut random = Rng::with_seed(seed);
        let mut below = |bound: usize| random.usize(..bound);
        let portions = replay(&memory(), &log, || below(9)).await;
        assert!(whole == portions, "seed {seed}: portions differ");
        // The engine under test, empty again after each round.
        let here = replay(&engine, &log, || below(20)).await;
        assert!(whole == here, "seed {seed}: this engine differs");
        let cleared = vec![vec![0]..vec![0xFF]];
        engine.commit(Commit { cleared, ..Commit::default() }).await.unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_a_later_format_is_refused_with_both_numbers() {
        let group = Group { scope: Scope::Directory, time: 1, requests: Vec::new() };
        let mut bytes = group.encode();
        assert_eq!(Group::decode(&bytes).unwrap(), group);
        bytes[1] = 9;
        let error = Group::decode(&bytes).unwrap_err().to_string();
        assert!(error.contains("format 9") && error.contains("format 3"), "{error}");
        assert!(Group::decode(&[0]).is_err() && Group::decode(&[0, 3, 255]).is_err());
    }
}
