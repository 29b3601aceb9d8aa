//! The programs of `examples/`, as they stand there.

use crate::stub::{Behaviour, COLLECTION, Stub, object};
use taxii_client::Options;

#[path = "../../examples/pull.rs"]
#[allow(dead_code, reason = "a test has a main function of its own")]
mod pull;

#[tokio::test]
async fn a_pull_fetches_what_is_new() {
    let stub = Stub::start(Behaviour::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("objects.jsonl");
    let file = file.to_str().unwrap();
    for count in [10, 10, 12] {
        stub.behaviour().objects = (0..count).map(object).collect();
        pull::pull(Options::new(stub.url.as_str()), COLLECTION, file).await.unwrap();
        let lines = std::fs::read_to_string(file).unwrap();
        let expected: String = (0..count).map(|number| object(number).replace('\n', " ") + "\n").collect();
        assert_eq!(lines, expected);
    }
}
