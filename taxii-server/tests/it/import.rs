//! `taxii-server import`: what it says of objects that failed, that may be there, and that were not sent.

use crate::process::{demo, program, run, stop};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::process::Child;
use tokio::sync::Notify;

async fn import(data: &Path, file: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = program(data);
    command.arg("import").arg(file).args(["--collection", "c"]).args(more);
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A data folder with the collection `c`, and no server.
async fn with_collection() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &["api-root", "add", "api"]).await;
    run(&data, &["collection", "add", "c"]).await;
    (folder, data)
}

/// A server over the demo.
struct Served {
    folder: TempDir,
    data: PathBuf,
    child: Child,
    /// The file by which the command line finds it.
    control: Vec<u8>,
}

async fn serve() -> Served {
    crate::tls::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (child, _) = demo(&data).await;
    let control = std::fs::read(data.join("control.json")).unwrap();
    Served { folder, data, child, control }
}

#[tokio::test]
async fn failures_that_are_not_named_are_counted() {
    let (folder, data) = with_collection().await;
    let file = folder.path().join("bad.jsonl");
    let request =
        |number, bad| format!("{}\n", crate::app::tool(number, 2001)) + &"{\"type\":\"tool\"}\n".repeat(bad);
    std::fs::write(&file, request(1, 999) + &request(2, 299)).unwrap();
    let (code, said, _) = import(&data, &file, &["--json"]).await;
    let outcome: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &outcome["failed"], &outcome["successes"]), (1, &json!(1298), &json!(2)));
    // Of each request, the server names a hundred.
    let named = outcome["failures"].as_array().unwrap().len();
    assert_eq!((named, &outcome["unnamed_failures"]), (200, &json!(1098)));
    let (code, said, rows) = import(&data, &file, &[]).await;
    assert_eq!((code, said.as_str()), (1, "2 of 1300 objects are in the collection, 1298 failed\n"));
    assert!(rows.contains("… and 1278 more; --json shows 180 of them"), "{rows}");
    assert_eq!(rows.lines().filter(|line| line.starts_with("failed  ")).count(), 20);
}

/// What becomes of a question.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered,
    /// The server gets it, and the connection is closed before the answer.
    Lost,
    /// There is no answer, and the connection stays.
    Held,
    /// This is the answer, with that status and that error code, and the server never gets the question.
    Said(u16, &'static str),
}

/// Stands between the command line and a server.
async fn between(data: &Path, fate: impl Fn(&[u8]) -> Fate + Send + Sync + 'static) {
    let path = data.join("control.json");
    let mut control: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    control.as_object_mut().unwrap().remove("socket");
    control["address"] = json!(listener.local_addr().unwrap());
    std::fs::write(&path, control.to_string()).unwrap();
    let socket = data.join("control.sock");
    let fate = Arc::new(fate);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = UnixStream::connect(&socket).await.unwrap();
            let fate = fate.clone();
            tokio::spawn(async move {
                let (mut question, mut answer) = (vec![0; 1 << 20], vec![0; 1 << 20]);
                let mut is_lost = false;
                loop {
                    tokio::select! {
                        read = near.read(&mut question) => match read {
                            Ok(0) | Err(_) => break,
                            Ok(read) => match fate(&question[..read]) {
                                Fate::Held => {}
                                Fate::Said(status, code) => {
                                    let body = format!(r#"{{"title":"T","error_code":"{code}"}}"#);
                                    let head = format!("HTTP/1.1 {status} X\r\nRetry-After: 0\r\nConnection: close");
                                    let length = body.len();
                                    let said = format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}");
                                    near.write_all(said.as_bytes()).await.unwrap();
                                    break;
                                }
                                fate => {
                                    is_lost |= matches!(fate, Fate::Lost);
                                    far.write_all(&question[..read]).await.unwrap();
                                }
                            },
                        },
                        read = far.read(&mut answer) => match read {
                            Ok(0) | Err(_) => break,
                            Ok(_) if is_lost => break,
                            Ok(read) => near.write_all(&answer[..read]).await.unwrap(),
                        },
                    }
                }
            });
        }
    });
}

/// Loses the answers to these additions, counted from 0.
async fn hang_up(data: &Path, lost: std::ops::Range<usize>) {
    let additions = AtomicUsize::new(0);
    between(data, move |question| {
        let is_addition = question.starts_with(b"POST /api");
        match is_addition && lost.contains(&additions.fetch_add(1, Ordering::SeqCst)) {
            true => Fate::Lost,
            false => Fate::Answered,
        }
    })
    .await;
}

#[tokio::test]
async fn what_left_without_an_answer_is_unknown() {
    let Served { folder, data, child, control } = serve().await;
    run(&data, &["collection", "add", "c"]).await;
    let file = folder.path().join("tools.json");
    let tools: Vec<_> = (0..2500).map(|number| crate::app::tool(number, 2001)).collect();
    let mut text = String::from("{\"type\": \"bundle\", \"objects\": [");
    text += &tools.iter().map(|tool| format!("\n{tool}")).collect::<Vec<_>>().join(",");
    std::fs::write(&file, text + "]}").unwrap();

    hang_up(&data, 1..usize::MAX).await;
    let (code, said, error) = import(&data, &file, &["--json"]).await;
    let outcome: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, 1, "{error}");
    let counts =
        ["total", "successes", "failed", "unknown", "not_sent"].map(|name| outcome[name].as_u64().unwrap());
    assert_eq!(counts, [2500, 1000, 0, 1000, 500], "{outcome}");
    assert_eq!(
        (&outcome["unknowns"][0]["line"], &outcome["unknowns"][0]["id"]),
        (&json!(1002), &json!("1000 objects"))
    );
    let error: Value = serde_json::from_str(error.lines().last().unwrap()).unwrap();
    let error = error["error"]["message"].as_str().unwrap();
    assert!(error.contains("it is not known whether it carried out the request"), "{error}");

    hang_up(&data, 0..usize::MAX).await;
    let (code, said, shown) = import(&data, &file, &[]).await;
    let last =
        "0 of 2500 objects are in the collection, 0 failed, 1000 with unknown outcome, 1500 not sent\n";
    assert_eq!((code, said.as_str()), (1, last), "{shown}");
    let file_name = file.to_str().unwrap();
    assert!(shown.contains(&format!("unknown  {file_name}:2:1  1000 objects  ")), "{shown}");
    assert!(shown.contains(&format!("not sent: what stands at {file_name}:1002:1 and behind it")), "{shown}");
    assert!(shown.contains("import again"), "{shown}");

    // A server that knows the key tells the outcome the second time.
    std::fs::write(data.join("control.json"), &control).unwrap();
    run(&data, &["collection", "add", "once"]).await;
    hang_up(&data, 1..2).await;
    let once = run(&data, &["import", file_name, "--collection", "once", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&once).unwrap()["successes"], 2500);

    // Imported again, all is there once.
    std::fs::write(data.join("control.json"), control).unwrap();
    let (code, said, error) = import(&data, &file, &["--json"]).await;
    assert_eq!(
        (code, &serde_json::from_str::<Value>(&said).unwrap()["successes"]),
        (0, &json!(2500)),
        "{error}"
    );
    assert_eq!(run(&data, &["export", "--collection", "c"]).await.lines().count(), 2500);
    stop(child).await;
}

#[tokio::test]
async fn what_the_server_says_of_a_request_is_believed() {
    let Served { folder, data, child, control } = serve().await;
    run(&data, &["collection", "add", "c"]).await;
    let file = folder.path().join("tool.json");
    std::fs::write(&file, crate::app::tool(1, 2001).to_string()).unwrap();
    const BUSY: Fate = Fate::Said(503, "unavailable");
    const OPEN: Fate = Fate::Said(503, "outcome_unknown");
    // The counts of failed, unknown, and not sent.
    for (fates, expected) in [
        ([BUSY, BUSY, BUSY], [0, 0, 1]),
        ([BUSY, Fate::Said(403, "forbidden"), BUSY], [1, 0, 0]),
        ([OPEN, OPEN, OPEN], [0, 1, 0]),
        ([OPEN, BUSY, BUSY], [0, 1, 0]),
        ([OPEN, Fate::Said(403, "forbidden"), BUSY], [0, 1, 0]),
        // The content was refused as it was with each attempt.
        ([OPEN, Fate::Lost, Fate::Said(400, "bad")], [1, 0, 0]),
        ([OPEN, Fate::Said(413, "too_large"), BUSY], [1, 0, 0]),
        ([OPEN, Fate::Said(415, "media"), BUSY], [1, 0, 0]),
        ([OPEN, Fate::Said(422, "unprocessable"), BUSY], [1, 0, 0]),
        ([OPEN, BUSY, Fate::Answered], [0, 0, 0]),
    ] {
        std::fs::write(data.join("control.json"), &control).unwrap();
        let additions = AtomicUsize::new(0);
        between(&data, move |question| match question.starts_with(b"POST /api") {
            true => fates[additions.fetch_add(1, Ordering::SeqCst)],
            false => Fate::Answered,
        })
        .await;
        let (_, said, error) = import(&data, &file, &["--json"]).await;
        let outcome: Value = serde_json::from_str(&said).unwrap();
        let counts = ["failed", "unknown", "not_sent"].map(|name| outcome[name].as_u64().unwrap());
        assert_eq!(counts, expected, "{fates:?} {error}");
    }
    std::fs::write(data.join("control.json"), control).unwrap();
    stop(child).await;
}

#[tokio::test]
async fn names_of_files_are_looked_at_before_anything_is_sent() {
    use std::os::unix::ffi::OsStrExt;
    let (folder, data) = with_collection().await;
    let file = folder.path().join(std::ffi::OsStr::from_bytes(b"f\xff.jsonl"));
    std::fs::write(&file, crate::app::tool(1, 2001).to_string()).unwrap();
    for wrong in [folder.path().join("missing"), folder.path().to_owned()] {
        let (code, said, error) = import(&data, &file, &[wrong.to_str().unwrap()]).await;
        assert_eq!((code, said.as_str()), (1, ""), "{error}");
        assert!(error.contains(&format!("cannot read {}: ", wrong.display())), "{error}");
    }
    assert_eq!(run(&data, &["export", "--collection", "c"]).await, "");
    let (code, said, error) = import(&data, &file, &[]).await;
    assert_eq!((code, said.as_str()), (0, "1 of 1 objects are in the collection, 0 failed\n"), "{error}");
}

#[tokio::test]
async fn an_export_that_is_interrupted_leaves_nothing() {
    let Served { folder, data, child: server, control } = serve().await;
    let backups = folder.path().join("backups");
    std::fs::create_dir(&backups).unwrap();
    let is_asked = Arc::new(Notify::new());
    let asked = is_asked.clone();
    between(&data, move |question| {
        if !String::from_utf8_lossy(question).contains("/records/") {
            return Fate::Answered;
        }
        asked.notify_one();
        Fate::Held
    })
    .await;
    let mut export = program(&data);
    export.args(["export", "--collection", "ics-attack", "-o"]).arg(backups.join("x.jsonl.gz"));
    let child = export.spawn().unwrap();
    is_asked.notified().await;
    assert_eq!(std::fs::read_dir(&backups).unwrap().count(), 1);
    let id = child.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("interrupted; nothing was written"), "{said}");
    assert_eq!(std::fs::read_dir(&backups).unwrap().count(), 0);
    std::fs::write(data.join("control.json"), control).unwrap();
    stop(server).await;
}
