//! `taxii-server import`: what it says of objects that failed, that may be there, and that were not sent.

use crate::process::{demo, program, run, stop};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

async fn import(data: &Path, file: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = program(data);
    command.arg("import").arg(file).args(["--collection", "c"]).args(more);
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn failures_that_are_not_named_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    run(&data, &["api-root", "add", "api"]).await;
    run(&data, &["collection", "add", "c"]).await;
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

/// Stands between the command line and a server, and hangs up instead of handing on the answer to that many additions
/// and all that follow.
async fn hang_up(data: &Path, additions: usize) {
    let path = data.join("control.json");
    let mut control: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    control.as_object_mut().unwrap().remove("socket");
    control["address"] = json!(listener.local_addr().unwrap());
    std::fs::write(&path, control.to_string()).unwrap();
    let socket = data.join("control.sock");
    let left = Arc::new(AtomicUsize::new(additions));
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = UnixStream::connect(&socket).await.unwrap();
            let left = left.clone();
            tokio::spawn(async move {
                let (mut question, mut answer) = (vec![0; 1 << 20], vec![0; 1 << 20]);
                let mut is_last = false;
                loop {
                    tokio::select! {
                        read = near.read(&mut question) => match read {
                            Ok(0) | Err(_) => break,
                            Ok(read) => {
                                if question.starts_with(b"POST /api") {
                                    let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                                    is_last = before.is_err();
                                }
                                far.write_all(&question[..read]).await.unwrap();
                            }
                        },
                        read = far.read(&mut answer) => match read {
                            Ok(0) | Err(_) => break,
                            Ok(_) if is_last => break,
                            Ok(read) => near.write_all(&answer[..read]).await.unwrap(),
                        },
                    }
                }
            });
        }
    });
}

#[tokio::test]
async fn what_left_without_an_answer_is_unknown() {
    crate::tls::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (child, _) = demo(&data).await;
    run(&data, &["collection", "add", "c"]).await;
    let control = std::fs::read(data.join("control.json")).unwrap();
    let file = folder.path().join("tools.json");
    let tools: Vec<_> = (0..2500).map(|number| crate::app::tool(number, 2001)).collect();
    let mut text = String::from("{\"type\": \"bundle\", \"objects\": [");
    text += &tools.iter().map(|tool| format!("\n{tool}")).collect::<Vec<_>>().join(",");
    std::fs::write(&file, text + "]}").unwrap();

    hang_up(&data, 1).await;
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

    hang_up(&data, 0).await;
    let (code, said, shown) = import(&data, &file, &[]).await;
    let last =
        "0 of 2500 objects are in the collection, 0 failed, 1000 with unknown outcome, 1500 not sent\n";
    assert_eq!((code, said.as_str()), (1, last), "{shown}");
    let file_name = file.to_str().unwrap();
    assert!(shown.contains(&format!("unknown  {file_name}:2:1  1000 objects  ")), "{shown}");
    assert!(shown.contains(&format!("not sent: what stands at {file_name}:1002:1 and behind it")), "{shown}");
    assert!(shown.contains("import again"), "{shown}");

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
