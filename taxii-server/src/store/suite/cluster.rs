//! A cluster for tests: the one that `CONCORD_TIKV_PD` names, else the test store, one for all tests of a process.

use super::{Open, Opening};
use crate::store::engine::PrefixedEngine;
use crate::store::{TikvAddress, TikvEngine, TikvTls, bulk_ranges};
use data_encoding::HEXLOWER;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// Starts a program that ends with the standard input of its shell, that is with this process.
const UNTIL_END_OF_INPUT: &str = r#""$0" "$@" & cat; kill $!"#;

/// A part of the cluster that is used by one test.
pub(crate) struct Tikv(Vec<u8>);

impl Default for Tikv {
    fn default() -> Self {
        Self(format!("test/{}/", Uuid::new_v4()).into())
    }
}

impl Open for Tikv {
    fn open(&self) -> Opening<'_> {
        Box::pin(async {
            let engine = TikvEngine::connect(address(), &bulk_ranges()).await.unwrap();
            Arc::new(PrefixedEngine::new(Arc::new(engine), &self.0)) as _
        })
    }
}

/// The cluster of this process.
pub(crate) fn address() -> TikvAddress {
    static ADDRESS: OnceLock<TikvAddress> = OnceLock::new();
    ADDRESS.get_or_init(|| named().unwrap_or_else(start)).clone()
}

fn named() -> Option<TikvAddress> {
    let variable = |name: &str| env::var(format!("CONCORD_TIKV_{name}")).ok();
    let pd = variable("PD")?.split(',').map(str::to_owned).collect();
    let file = |name| variable(name).map(PathBuf::from);
    let tls = file("CA").map(|ca| TikvTls { ca, cert: file("CERT").unwrap(), key: file("KEY").unwrap() });
    Some(TikvAddress { pd, keyspace: variable("KEYSPACE"), tls })
}

fn start() -> TikvAddress {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tikv-testd");
    let program = env::var_os("CONCORD_TIKV_TESTD").map_or_else(|| built.into(), PathBuf::from);
    assert!(
        program.is_file(),
        "no test store at {}: build it with conformance/tikv-testd.sh, or name a cluster in CONCORD_TIKV_PD",
        program.display()
    );
    let data = tempfile::tempdir().unwrap().keep();
    let stores = ["127.0.0.1:0"; 3].join(",");
    // Regions end in the middle of the keys of tests, as in a cluster that has been in use.
    let splits = ["test/2", "test/5", "test/8", "test/b", "test/e"]
        .map(|key| HEXLOWER.encode(key.as_bytes()))
        .join(",");
    let mut shell = Command::new("sh")
        .args(["-c", UNTIL_END_OF_INPUT])
        .arg(&program)
        .args(["-pd", "127.0.0.1:0", "-stores", &stores, "-split", &splits, "-data"])
        .arg(&data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let pd = ready.split_whitespace().find_map(|word| word.strip_prefix("pd=")).expect(&ready);
    // Its input ends with this process.
    std::mem::forget(shell);
    TikvAddress { pd: vec![pd.to_owned()], keyspace: None, tls: None }
}
