//! The fuzz targets of `consensus/fuzz`, driven by random mutations of what a network says: the same laws, on stable and in
//! every test run.
//!
//! `SEED` repeats a run, `INPUTS` makes it longer. A failure prints both numbers that repeat it, and the input.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "elsewhere it is the root of a package")]
mod laws;

mod corpus;
mod memory;
mod mutation;

use fastrand::Rng;
use laws::Target;
use mutation::mutate;
use std::collections::BTreeSet;

/// How many mutated inputs each target gets, unless `INPUTS` says otherwise.
const INPUTS: u64 = 10_000;

/// Says what repeats a failure, when it is dropped in one.
struct Repeat<'a> {
    target: &'a str,
    /// None for the corpus as it is.
    seed: Option<u64>,
    input: &'a [u8],
}

impl Drop for Repeat<'_> {
    #[expect(clippy::print_stderr, reason = "a failing test says what repeats it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { target, seed, input } = self;
            let input = input.escape_ascii();
            match seed {
                Some(seed) => {
                    eprintln!("SEED={seed} INPUTS=1 repeats this failure of `{target}`, on {input}")
                }
                None => eprintln!("the corpus holds what `{target}` fails on: {input}"),
            }
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Runs the corpus as it is, then mutations of it. Input number n is the first one of seed + n.
fn drive(target: &str, law: Target) {
    let corpus = corpus::of(target);
    let seed = number("SEED").unwrap_or(1);
    let inputs = number("INPUTS").unwrap_or(INPUTS);
    assert!(!corpus.is_empty());
    if inputs > 1 {
        for input in &corpus {
            let _repeat = Repeat { target, seed: None, input };
            law(input);
        }
    }
    for seed in seed..seed + inputs {
        let input = mutate(&corpus, &mut Rng::with_seed(seed));
        let _repeat = Repeat { target, seed: Some(seed), input: &input };
        law(&input);
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                drive(stringify!($name), laws::$name);
            }
        )*

        #[test]
        fn every_target_is_driven() {
            let driven = BTreeSet::from([$(stringify!($name)),*]);
            assert_eq!(laws::TARGETS.map(|(name, _)| name).into_iter().collect::<BTreeSet<_>>(), driven);
            let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/Cargo.toml");
            let manifest = std::fs::read_to_string(manifest).unwrap();
            for name in driven {
                let path = format!("{}/fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
                assert!(std::fs::read_to_string(path).unwrap().contains(&format!("consensus_fuzz::{name}(data)")));
                assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")));
            }
        }
    };
}

targets! {
    dsse
    entry
    statement
    checkpoint
    proof
    policy
}
