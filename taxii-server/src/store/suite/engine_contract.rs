//! What the store asks of an engine.

use super::Open;
use crate::store::engine::{Commit, Content, Direction, Engine, EngineError, HeadChange, Key, Scan};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

fn key(text: &str) -> Key {
    text.as_bytes().to_vec()
}

fn value(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn writes(entries: &[(&str, Option<&str>)]) -> BTreeMap<Key, Option<Bytes>> {
    entries.iter().map(|(name, text)| (key(name), text.map(value))).collect()
}

fn heads(entries: &[(&str, Option<&str>, &str)]) -> BTreeMap<Key, HeadChange> {
    let change = |(name, from, to): &(&str, Option<&str>, &str)| {
        (key(name), HeadChange { from: from.map(value), to: Some(value(to)) })
    };
    entries.iter().map(change).collect()
}

async fn put(engine: &Arc<dyn Engine>, entries: &[(&str, Option<&str>)]) {
    engine.commit(Commit { writes: writes(entries), ..Commit::default() }).await.unwrap();
}

async fn get(engine: &Arc<dyn Engine>, name: &str) -> Option<Bytes> {
    engine.snapshot().await.unwrap().get(key(name)).await.unwrap()
}

async fn scan(engine: &Arc<dyn Engine>, scan: Scan) -> Vec<String> {
    let entries = engine.snapshot().await.unwrap().scan(scan).await.unwrap();
    entries.into_iter().map(|(key, _)| String::from_utf8(key.to_vec()).unwrap()).collect()
}

fn between(start: &str, end: &str, direction: Direction, limit: usize) -> Scan {
    Scan { direction, ..Scan::forward(key(start)..key(end), limit) }
}

pub async fn snapshots_do_not_change(engine: Arc<dyn Engine>) {
    put(&engine, &[("a", Some("1")), ("b", Some("2"))]).await;
    let before = engine.snapshot().await.unwrap();
    put(&engine, &[("a", Some("9")), ("b", None), ("c", Some("3"))]).await;
    assert_eq!(before.get(key("a")).await.unwrap().unwrap(), "1");
    assert_eq!(before.get(key("b")).await.unwrap().unwrap(), "2");
    assert_eq!(before.get(key("c")).await.unwrap(), None);
    assert_eq!(get(&engine, "a").await.unwrap(), "9");
    assert_eq!(get(&engine, "b").await, None);
}

pub async fn scans_go_both_ways(engine: Arc<dyn Engine>) {
    // `b` may lie in a bulk range of the engine, and `a` and `c` beside it.
    put(&engine, &[("a", Some("")), ("b", Some("")), ("ba", Some("")), ("c", Some("")), ("d", Some(""))])
        .await;
    use Direction::{Backward, Forward};
    assert_eq!(scan(&engine, between("a", "z", Forward, 9)).await, ["a", "b", "ba", "c", "d"]);
    assert_eq!(scan(&engine, between("a", "z", Backward, 9)).await, ["d", "c", "ba", "b", "a"]);
    assert_eq!(scan(&engine, between("b", "d", Forward, 9)).await, ["b", "ba", "c"]);
    assert_eq!(scan(&engine, between("b", "d", Backward, 9)).await, ["c", "ba", "b"]);
    assert_eq!(scan(&engine, between("b", "d", Forward, 2)).await, ["b", "ba"]);
    assert_eq!(scan(&engine, between("b", "d", Backward, 1)).await, ["c"]);
    assert!(scan(&engine, between("b", "d", Forward, 0)).await.is_empty());
    assert!(scan(&engine, between("x", "z", Forward, 9)).await.is_empty());
    let backwards = scan(&engine, between("d", "b", Forward, 9)).await;
    assert!(backwards.is_empty(), "a range that ends before it starts is empty");
}

pub async fn scans_stop_at_their_bounds(engine: Arc<dyn Engine>) {
    put(&engine, &[("b1", Some("1234")), ("b2", Some("1234")), ("b3", Some("1234"))]).await;
    let bounded = |max_bytes| Scan { max_bytes, ..between("a", "z", Direction::Forward, 9) };
    assert_eq!(scan(&engine, bounded(7)).await, ["b1", "b2"], "the entry that passes the bound is the last");
    assert_eq!(scan(&engine, bounded(0)).await, ["b1"], "never nothing");
    let snapshot = engine.snapshot().await.unwrap();
    let keys = snapshot.scan(Scan { content: Content::Keys, ..bounded(7) }).await.unwrap();
    assert_eq!(keys.len(), 3, "keys cost no bytes");
    assert!(keys.iter().all(|(_, value)| value.is_empty()));
    assert_eq!(snapshot.scan_all(key("a")..key("z")).await.unwrap().len(), 3);
}

pub async fn reads_stop_at_their_budget(engine: Arc<dyn Engine>) {
    put(&engine, &[("a", Some("1234")), ("b", Some("1234")), ("c", Some("1234"))]).await;
    let snapshot = engine.snapshot().await.unwrap();
    let wanted = || ["c", "x", "a", "b"].map(key).to_vec();
    let lengths =
        |values: Vec<Option<Bytes>>| values.iter().map(|value| value.as_ref().map(Bytes::len)).collect();
    let all: Vec<_> = lengths(snapshot.get_many(wanted(), usize::MAX).await.unwrap());
    assert_eq!(all, [Some(4), None, Some(4), Some(4)]);
    let some: Vec<_> = lengths(snapshot.get_many(wanted(), 7).await.unwrap());
    assert_eq!(some, [Some(4), None, Some(4)], "the value that passes the budget is the last one");
    assert_eq!(snapshot.get_many(wanted(), 0).await.unwrap().len(), 1, "never nothing");
    assert!(snapshot.get_many(Vec::new(), 9).await.unwrap().is_empty());
}

pub async fn a_conflict_writes_nothing(engine: Arc<dyn Engine>) {
    put(&engine, &[("a", Some("1"))]).await;
    for expected in [("a", Some("2"), "9"), ("a", None, "9"), ("h", Some(""), "9")] {
        let commit = Commit {
            heads: heads(&[expected]),
            writes: writes(&[("c", Some("9"))]),
            cleared: vec![key("a")..key("z")],
            ..Commit::default()
        };
        assert!(matches!(engine.commit(commit).await, Err(EngineError::Conflict)), "{expected:?}");
    }
    assert_eq!(get(&engine, "a").await.unwrap(), "1");
    let heads = heads(&[("a", Some("1"), "2"), ("h", None, "2")]);
    engine.commit(Commit { heads, writes: writes(&[("b", Some("2"))]), ..Commit::default() }).await.unwrap();
    for name in ["a", "b", "h"] {
        assert_eq!(get(&engine, name).await.unwrap(), "2");
    }
    assert_eq!(get(&engine, "c").await, None);
}

pub async fn racing_commits_lose_no_update(engine: Arc<dyn Engine>) {
    const TASKS: u64 = 4;
    const ROUNDS: u64 = 25;
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        let engine = Arc::clone(&engine);
        tasks.push(tokio::spawn(async move {
            let mut done = 0;
            while done < ROUNDS {
                let from = get(&engine, "h").await;
                let count = from
                    .as_ref()
                    .map_or(0, |count| std::str::from_utf8(count).unwrap().parse::<u64>().unwrap());
                let to = Some(value(&(count + 1).to_string()));
                let heads = BTreeMap::from([(key("h"), HeadChange { from, to })]);
                match engine.commit(Commit { heads, ..Commit::default() }).await {
                    Ok(()) => done += 1,
                    Err(EngineError::Conflict) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(get(&engine, "h").await.unwrap(), (TASKS * ROUNDS).to_string());
}

/// A head may be compared that is not there, and stays so.
pub async fn a_head_can_be_held_absent(engine: Arc<dyn Engine>) {
    let absent = || BTreeMap::from([(key("h"), HeadChange { from: None, to: None })]);
    engine
        .commit(Commit { heads: absent(), writes: writes(&[("a", Some("1"))]), ..Commit::default() })
        .await
        .unwrap();
    assert_eq!((get(&engine, "a").await.unwrap(), get(&engine, "h").await), (value("1"), None));
    put(&engine, &[("h", Some("1"))]).await;
    let late = Commit { heads: absent(), writes: writes(&[("a", Some("2"))]), ..Commit::default() };
    assert!(matches!(engine.commit(late).await, Err(EngineError::Conflict)));
    assert_eq!(
        (get(&engine, "a").await.unwrap(), get(&engine, "h").await.unwrap()),
        (value("1"), value("1"))
    );
}

/// Two commits that each rest on what the other changes: at most one may stand.
pub async fn write_skew_is_a_conflict(engine: Arc<dyn Engine>) {
    put(&engine, &[("h1", Some("0")), ("h2", Some("0"))]).await;
    let heads = |own, other| heads(&[(own, Some("0"), "1"), (other, Some("0"), "0")]);
    let commit = |own, other| Commit { heads: heads(own, other), ..Commit::default() };
    let (one, other) = tokio::join!(engine.commit(commit("h1", "h2")), engine.commit(commit("h2", "h1")));
    let outcomes = [one, other];
    assert!(outcomes.iter().any(Result::is_ok), "{outcomes:?}");
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(EngineError::Conflict))), "{outcomes:?}");
}

pub async fn collections_do_not_conflict(engine: Arc<dyn Engine>) {
    let mut tasks = Vec::new();
    for name in ["h1", "h2"] {
        let engine = Arc::clone(&engine);
        tasks.push(tokio::spawn(async move {
            for round in 0..25_u32 {
                let from = (round > 0).then(|| value(&round.to_string()));
                let to = Some(value(&(round + 1).to_string()));
                let heads = BTreeMap::from([(key(name), HeadChange { from, to })]);
                let writes = writes(&[(&format!("{name}-{round}"), Some("x"))]);
                // Never a conflict: no key is checked that the other one writes.
                engine.commit(Commit { heads, writes, ..Commit::default() }).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(scan(&engine, between("h1-", "h1.", Direction::Forward, 99)).await.len(), 25);
    assert_eq!(scan(&engine, between("h2-", "h2.", Direction::Forward, 99)).await.len(), 25);
}

/// A request of `max_content_length` as the store writes it: in parts, each as large as an engine must take.
pub async fn large_values_come_back(engine: Arc<dyn Engine>) {
    let part = |number: u8| Bytes::from(vec![number; crate::store::overlay::PART_BYTES]);
    let writes = (0..8).map(|number| (vec![b'b', number], Some(part(number)))).collect();
    engine.commit(Commit { writes, ..Commit::default() }).await.unwrap();
    let snapshot = engine.snapshot().await.unwrap();
    for number in 0..8 {
        assert_eq!(snapshot.get(vec![b'b', number]).await.unwrap().unwrap(), part(number));
    }
    assert_eq!(snapshot.scan_all(key("b")..key("c")).await.unwrap().len(), 8);
}

pub async fn ranges_are_cleared(engine: Arc<dyn Engine>) {
    put(&engine, &[("a", Some("")), ("b", Some("")), ("ba", Some("")), ("c", Some("")), ("d", Some(""))])
        .await;
    let commit = Commit {
        writes: writes(&[("ba", Some("new"))]),
        cleared: vec![key("b")..key("d")],
        ..Commit::default()
    };
    engine.commit(commit).await.unwrap();
    assert_eq!(scan(&engine, between("a", "z", Direction::Forward, 9)).await, ["a", "ba", "d"]);
    assert_eq!(get(&engine, "ba").await.unwrap(), "new", "writes come after clearing");
}

pub async fn big_batches_are_atomic(engine: Arc<dyn Engine>) {
    const COUNT: usize = 20_000;
    let batch = |value: &'static str| Commit {
        writes: (0..COUNT)
            .map(|n| (key(&format!("k{n:06}")), Some(Bytes::from_static(value.as_bytes()))))
            .collect(),
        ..Commit::default()
    };
    engine.commit(batch("1")).await.unwrap();
    let writer = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move { engine.commit(batch("2")).await.unwrap() }
    });
    loop {
        let is_over = writer.is_finished();
        let snapshot = engine.snapshot().await.unwrap();
        let [first, last] = [0, COUNT - 1].map(|n| key(&format!("k{n:06}")));
        let ends = snapshot.get_many(vec![first, last], usize::MAX).await.unwrap();
        assert_eq!(ends[0], ends[1], "a snapshot holds all of a commit or nothing");
        if is_over {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    assert_eq!(engine.snapshot().await.unwrap().scan_all(key("k")..key("l")).await.unwrap().len(), COUNT);
}

pub async fn commits_survive_reopening(open: &dyn Open) {
    let engine = open.open().await;
    put(&engine, &[("a", Some("1")), ("b", Some("2"))]).await;
    drop(engine);
    let engine = open.open().await;
    assert_eq!(get(&engine, "a").await.unwrap(), "1");
    assert_eq!(get(&engine, "b").await.unwrap(), "2");
}
