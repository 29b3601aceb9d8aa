//! A server of which each answer is written down, for what no TAXII server would do on purpose.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// Status, further headers, body. Status 0 closes the connection instead.
pub(crate) type Reply = (u16, &'static str, String);

pub(crate) const JSON: &str = "Content-Type: application/taxii+json;version=2.1\r\n";

/// A server and what it was asked; it ends with the test process.
pub(crate) struct Script {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Script {
    pub(crate) fn start(answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        Self::start_with(None, answer)
    }

    /// The same behind TLS, when there is a configuration of it.
    pub(crate) fn start_with(
        tls: Option<Arc<ServerConfig>>,
        mut answer: impl FnMut(&Request) -> Reply + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/root/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut stream: Box<dyn Stream> = match &tls {
                    Some(tls) => {
                        Box::new(StreamOwned::new(ServerConnection::new(tls.clone()).unwrap(), stream))
                    }
                    None => Box::new(stream),
                };
                let Some(request) = read(&mut stream) else { continue };
                log.lock().unwrap().push(request.clone());
                let (status, headers, body) = answer(&request);
                if status != 0 {
                    let length = body.len();
                    let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n");
                    // The client may be gone.
                    let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes());
                }
            }
        });
        Self { url, requests }
    }

    /// A collection with any `objects`, whose additions are answered so.
    pub(crate) fn of_posts(mut answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        Self::start(move |request| match request.method.as_str() {
            "POST" => answer(request),
            _ if request.path.ends_with("/collections/") => (200, JSON, "{}".to_owned()),
            _ if request.path.contains("/collections/") => {
                let collection = r#"{"id":"c","title":"C","can_read":false,"can_write":true}"#;
                (200, JSON, collection.to_owned())
            }
            _ => (404, "", String::new()),
        })
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn posts(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.method == "POST").collect()
    }
}

fn read(stream: &mut impl Read) -> Option<Request> {
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if text.len() >= end + 4 + length.unwrap_or(0) {
                let mut words = head.split(' ').map(str::to_owned);
                let (method, path) = (words.next()?, words.next()?);
                let body = String::from_utf8_lossy(&text[end + 4..]).into_owned();
                return Some(Request { method, path, head, body });
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(count) => text.extend_from_slice(&chunk[..count]),
        }
    }
}
