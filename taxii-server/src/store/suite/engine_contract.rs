use crate::store::engine::{Commit, Direction, Engine, EngineError, Key, Scan};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

fn writes(entries: &[(&str, Option<&str>)]) -> BTreeMap<Key, Option<Bytes>> {
    let owned = |(key, value): &(&str, Option<&str>)| {
        (key.as_bytes().to_vec(), value.map(|value| Bytes::copy_from_slice(value.as_bytes())))
    };
    entries.iter().map(owned).collect()
}

async fn put(engine: &Arc<dyn Engine>, entries: &[(&str, Option<&str>)]) {
    engine.commit(Commit { writes: writes(entries), ..Commit::default() }).await.unwrap();
}

async fn keys(engine: &Arc<dyn Engine>, range: [&str; 2], direction: Direction, limit: usize) -> Vec<String> {
    let [start, end] = range.map(|key| key.as_bytes().to_vec());
    let snapshot = engine.snapshot().await.unwrap();
    let entries = snapshot.scan(Scan { range: start..end, direction, limit }).await.unwrap();
    entries.into_iter().map(|(key, _)| String::from_utf8(key.to_vec()).unwrap()).collect()
}

pub(super) async fn snapshots_do_not_change(engine: Arc<dyn Engine>) {
    put(&engine, &[("a", Some("1")), ("b", Some("2"))]).await;
    let before = engine.snapshot().await.unwrap();
    put(&engine, &[("a", Some("9")), ("b", None), ("c", Some("3"))]).await;
    assert_eq!(before.get(b"a".to_vec()).await.unwrap().unwrap(), "1");
    assert_eq!(before.get(b"b".to_vec()).await.unwrap().unwrap(), "2");
    assert_eq!(before.get(b"c".to_vec()).await.unwrap(), None);
    let after = engine.snapshot().await.unwrap();
    assert_eq!(after.get(b"a".to_vec()).await.unwrap().unwrap(), "9");
    assert_eq!(after.get(b"b".to_vec()).await.unwrap(), None);
}

pub(super) async fn scans_go_both_ways(engine: Arc<dyn Engine>) {
    put(&engine, &[("a", Some("")), ("b", Some("")), ("ba", Some("")), ("c", Some("")), ("d", Some(""))])
        .await;
    use Direction::{Backward, Forward};
    assert_eq!(keys(&engine, ["b", "d"], Forward, 9).await, ["b", "ba", "c"]);
    assert_eq!(keys(&engine, ["b", "d"], Backward, 9).await, ["c", "ba", "b"]);
    assert_eq!(keys(&engine, ["b", "d"], Forward, 2).await, ["b", "ba"]);
    assert_eq!(keys(&engine, ["b", "d"], Backward, 1).await, ["c"]);
    assert!(keys(&engine, ["b", "d"], Forward, 0).await.is_empty());
    assert!(keys(&engine, ["x", "z"], Forward, 9).await.is_empty());
    assert!(
        keys(&engine, ["d", "b"], Forward, 9).await.is_empty(),
        "a range that ends before it starts is empty"
    );
}

pub(super) async fn reads_stop_at_their_budget(engine: Arc<dyn Engine>) {
    put(&engine, &[("a", Some("1234")), ("b", Some("1234")), ("c", Some("1234"))]).await;
    let snapshot = engine.snapshot().await.unwrap();
    let wanted = || ["c", "x", "a", "b"].map(|key| key.as_bytes().to_vec()).to_vec();
    let lengths =
        |values: Vec<Option<Bytes>>| values.iter().map(|value| value.as_ref().map(Bytes::len)).collect();
    let all: Vec<_> = lengths(snapshot.get_many(wanted(), usize::MAX).await.unwrap());
    assert_eq!(all, [Some(4), None, Some(4), Some(4)]);
    let some: Vec<_> = lengths(snapshot.get_many(wanted(), 7).await.unwrap());
    assert_eq!(some, [Some(4), None, Some(4)], "the value that passes the budget is the last one");
    assert_eq!(snapshot.get_many(wanted(), 0).await.unwrap().len(), 1, "never nothing");
    assert!(snapshot.get_many(Vec::new(), 9).await.unwrap().is_empty());
}

pub(super) async fn a_conflict_writes_nothing(engine: Arc<dyn Engine>) {
    put(&engine, &[("a", Some("1"))]).await;
    for expected in [[("a", Some("2"))], [("a", None)], [("b", Some(""))]] {
        let commit =
            Commit { expected: writes(&expected), writes: writes(&[("a", Some("9")), ("c", Some("9"))]) };
        assert!(matches!(engine.commit(commit).await, Err(EngineError::Conflict)), "{expected:?}");
    }
    let expected = writes(&[("a", Some("1")), ("b", None)]);
    engine.commit(Commit { expected, writes: writes(&[("a", None), ("b", Some("2"))]) }).await.unwrap();
    let snapshot = engine.snapshot().await.unwrap();
    assert_eq!(snapshot.get(b"a".to_vec()).await.unwrap(), None);
    assert_eq!(snapshot.get(b"b".to_vec()).await.unwrap().unwrap(), "2");
    assert_eq!(snapshot.get(b"c".to_vec()).await.unwrap(), None);
}
