//! What an object takes in the store: the table of the page on growth is measured here.

use crate::app::TestApp;
use flate2::read::GzDecoder;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use taxii_server::config::Config;
use taxii_server::store::MemoryEngine;
use taxii_server::store::engine::{Engine, Scan};

const SAMPLE: &[u8] = include_bytes!("../../demo/ics-attack-18.1.json.gz");
/// Objects of one request.
const ENVELOPE: usize = 100;
/// What the first letter of a key says, in the order of the table. Few objects of the sample have others.
const KINDS: [(u8, &str); 6] = [
    (b'b', "text of the object"),
    (b'o', "facts of the object"),
    (b'i', "each version, by object"),
    (b'a', "timeline of all versions"),
    (b'l', "timeline of the latest"),
    (b't', "the same, by type"),
];

/// Bytes that TiKV and the configuration put before each key: the keyspace (API v2), the prefix of the deployment and its end.
const PREFIX: usize = 4 + "concord".len() + 1;
/// Longest value that TiKV keeps in the record of the commit itself.
const SHORT: usize = 255;

#[derive(Default)]
struct Sum {
    keys: usize,
    key_bytes: usize,
    value_bytes: usize,
    in_tikv: usize,
}

/// Bytes of one version of a key in TiKV, before compression: the record of its commit and, when it is long, the value beside it.
fn in_tikv(key: usize, value: usize) -> usize {
    // Eight bytes and a mark for each group, and the time of the version.
    let encoded = ((key + PREFIX) / 8 + 1) * 9 + 8;
    // Its kind, and the time at which the transaction began.
    let record = encoded + 1 + 9;
    if value <= SHORT { record + 2 + value } else { record + encoded + value }
}

#[tokio::test]
async fn the_page_on_growth_has_the_sizes_of_the_sample() {
    let engine = Arc::new(MemoryEngine::default());
    let test = TestApp::with(Config::default(), Arc::clone(&engine) as Arc<dyn Engine>).await;
    let id = test.collection("sample").await;
    test.account("alice", json!({&id: {"can_read": true, "can_write": true}})).await;
    let mut text = String::new();
    GzDecoder::new(SAMPLE).read_to_string(&mut text).unwrap();
    let bundle: BTreeMap<&str, &RawValue> = serde_json::from_str(&text).unwrap();
    let objects: Vec<&RawValue> = serde_json::from_str(bundle["objects"].get()).unwrap();
    for part in objects.chunks(ENVELOPE) {
        let texts: Vec<_> = part.iter().map(|object| object.get()).collect();
        let body = format!("{{\"objects\":[{}]}}", texts.join(","));
        let path = format!("/api/collections/{id}/objects/");
        let status = test.post(&path, body).send().await.json();
        assert_eq!(status["failure_count"], 0, "{status}");
    }
    let mut sums: BTreeMap<u8, Sum> = BTreeMap::new();
    let all = Scan { max_bytes: usize::MAX, ..Scan::forward(vec![0]..vec![0xFF], usize::MAX) };
    for (key, value) in engine.snapshot().await.unwrap().scan(all).await.unwrap() {
        let sum = sums.entry(key[0]).or_default();
        sum.keys += 1;
        sum.key_bytes += key.len();
        sum.value_bytes += value.len();
        sum.in_tikv += in_tikv(key.len(), value.len());
    }
    let each = |count: usize| count as f64 / objects.len() as f64;
    let mut table = String::new();
    let mut total = Sum::default();
    for (letter, meaning) in KINDS {
        let sum = &sums[&letter];
        total.keys += sum.keys;
        total.key_bytes += sum.key_bytes;
        total.value_bytes += sum.value_bytes;
        total.in_tikv += sum.in_tikv;
        table += &row(&format!("`{}`: {meaning}", char::from(letter)), sum, each);
    }
    table += &row("together", &total, each);
    let page = std::fs::read_to_string("../deploy/scale.md").unwrap();
    let count = format!("{} objects", objects.len());
    assert!(page.contains(&table) && page.contains(&count), "{count}\n{table}");
}

fn row(name: &str, sum: &Sum, each: impl Fn(usize) -> f64) -> String {
    let Sum { keys, key_bytes, value_bytes, in_tikv } = sum;
    let [key, value, tikv] = [*key_bytes, *value_bytes, *in_tikv].map(|bytes| each(bytes).round());
    format!("| {name} | {:.2} | {key} | {value} | {tikv} |\n", each(*keys))
}
