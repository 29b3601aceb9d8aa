//! Pages that are sent as they were sent before: never old, never above a clearance, on one process and on several.

use crate::app::{TestApp, tool, tool_id};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use taxii_server::config::Config;
use taxii_server::store::MemoryEngine;
use taxii_server::store::engine::Engine;

#[tokio::test]
async fn a_page_that_the_client_has_is_not_sent_again() {
    let (test, id) = TestApp::with_collection().await;
    let mut object = tool(1, 2001);
    object["description"] = json!("d".repeat(2_000));
    test.add(&id, &[object]).await;
    for part in [
        "objects/",
        "manifest/",
        &format!("objects/{}/", tool_id(1)),
        &format!("objects/{}/versions/", tool_id(1)),
    ] {
        let path = format!("/api/collections/{id}/{part}");
        let first = test.get(&path).send().await;
        let etag = first.header("etag").unwrap().to_owned();
        assert!(etag.starts_with('"'), "{etag} is a strong one");
        assert_eq!(first.header("cache-control"), Some("private, no-cache"));
        assert_eq!(first.header("vary"), Some("accept-encoding"));
        let again = test.get(&path).header("if-none-match", &format!("\"other\", {etag}")).send().await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
        for name in ["etag", "cache-control", "vary", "x-taxii-date-added-last"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
        let head = test.call(Method::HEAD, &path).send().await;
        assert_eq!((head.status, head.header("etag"), head.body.len()), (StatusCode::OK, Some(&*etag), 0));
        assert_eq!(head.header("content-length"), Some(&*first.body.len().to_string()));
        // Another form has another validator, and the client gets what it can read.
        let packed =
            test.get(&path).header("accept-encoding", "gzip").header("if-none-match", &etag).send().await;
        if packed.header("content-encoding").is_some() {
            assert_ne!(packed.header("etag"), Some(&*etag));
            assert_eq!(packed.status, StatusCode::OK);
        }
    }
    let path = format!("/api/collections/{id}/objects/");
    let before = test.get(&path).send().await;
    test.add(&id, &[tool(2, 2001)]).await;
    let after = test.get(&path).header("if-none-match", before.header("etag").unwrap()).send().await;
    assert_eq!((after.status, after.json()["objects"].as_array().unwrap().len()), (StatusCode::OK, 2));
}

/// Two processes over one store, with a collection.
async fn two_processes() -> ([TestApp; 2], String) {
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
    let first = TestApp::with(Config::default(), Arc::clone(&engine)).await;
    let id = first.collection("all").await;
    first.account("alice", json!({&id: {"can_read": true, "can_write": true}})).await;
    ([first, TestApp::over(Config::default(), engine).await], id)
}

#[tokio::test]
async fn each_page_has_what_was_there_when_it_was_asked_for_and_nothing_else() {
    let (processes, id) = two_processes().await;
    let mut held = BTreeSet::new();
    for round in 0..30_u64 {
        processes[round as usize % 2].add(&id, &[tool(round, 2001)]).await;
        held.insert(tool_id(round));
        if round % 5 == 4 {
            let gone = tool_id(round - 2);
            let path = format!("/api/collections/{id}/objects/{gone}/");
            assert_eq!(processes[0].call(Method::DELETE, &path).send().await.status, StatusCode::OK);
            held.remove(&gone);
        }
        for (process, part) in
            processes.iter().flat_map(|process| [(process, "objects/"), (process, "manifest/")])
        {
            let path = format!("/api/collections/{id}/{part}");
            let mut bodies = Vec::new();
            for encoding in ["identity", "identity", "gzip", "gzip"] {
                let answer = process.get(&path).header("accept-encoding", encoding).send().await;
                bodies.push(plain(&answer));
            }
            assert!(bodies.iter().all(|body| *body == bodies[0]), "every form says the same");
            let page: Value = serde_json::from_slice(&bodies[0]).unwrap();
            let objects = page["objects"].as_array().into_iter().flatten();
            let ids: BTreeSet<_> = objects.map(|object| object["id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(ids, held, "round {round}, {part}");
        }
    }
}

fn plain(answer: &crate::app::Answer) -> Vec<u8> {
    match answer.header("content-encoding") {
        None => answer.body.to_vec(),
        Some(coding) => {
            assert_eq!(coding, "gzip");
            let mut body = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&answer.body[..]), &mut body)
                .unwrap();
            body
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_of_another_process_loses_nothing_and_repeats_nothing() {
    const OBJECTS: u64 = 300;
    let (processes, id) = two_processes().await;
    let processes = Arc::new(processes);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut pollers = Vec::new();
    for number in 0..4 {
        let (processes, id, is_over) = (Arc::clone(&processes), id.clone(), Arc::clone(&is_over));
        pollers.push(tokio::spawn(async move {
            let (mut seen, mut query) = (BTreeMap::<String, u32>::new(), "limit=7".to_owned());
            loop {
                let was_over = is_over.load(Ordering::SeqCst);
                let path = format!("/api/collections/{id}/objects/?{query}");
                let answer = processes[number % 2].get(&path).send().await;
                let page = answer.json();
                for object in page["objects"].as_array().into_iter().flatten() {
                    *seen.entry(object["id"].as_str().unwrap().to_owned()).or_default() += 1;
                }
                match (page["next"].as_str(), answer.header("x-taxii-date-added-last")) {
                    (Some(next), _) if number < 2 => query = format!("limit=7&next={next}"),
                    (_, Some(last)) => query = format!("limit=7&added_after={last}"),
                    _ if was_over => return seen,
                    _ => tokio::task::yield_now().await,
                }
            }
        }));
    }
    for number in 0..OBJECTS {
        processes[number as usize % 2].add(&id, &[tool(number, 2001)]).await;
    }
    is_over.store(true, Ordering::SeqCst);
    for poller in pollers {
        let seen = poller.await.unwrap();
        assert_eq!(seen.len() as u64, OBJECTS);
        assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    }
}
