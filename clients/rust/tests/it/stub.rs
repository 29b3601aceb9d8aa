//! A TAXII server in this process, with one collection and any faults that a test asks for.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, MutexGuard};
use stix_model::Timestamp;
use stix_model::taxii::{DATE_ADDED_FIRST, DATE_ADDED_LAST, MEDIA_TYPE, write_envelope};
use taxii_client::{Client, Options, Retry, Url};

pub(crate) const COLLECTION: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
/// The collection of the API root `/other/`.
pub(crate) const OTHER: &str = "52892447-4d7e-4f70-b94d-d7f22742ff63";
/// Before the number of the request.
const STATUS: &str = "2d086da7-4bdc-4f91-900e-";

/// How pages follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Paging {
    /// By `next`.
    Next,
    /// By X-TAXII-Date-Added-Last.
    Dates,
    /// `more` without any way to go on.
    Nowhere,
    /// `next` of the third page leads back to the second.
    Circle,
    /// X-TAXII-Date-Added-Last never moves.
    SameDate,
    /// Empty pages for ever.
    Empty,
    /// By `next`, and no date headers at all.
    NextWithoutDates,
}

/// Headers of an answer.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// What the server has and does.
pub(crate) struct Behaviour {
    pub(crate) objects: Vec<String>,
    pub(crate) page: usize,
    pub(crate) paging: Paging,
    pub(crate) default: Option<&'static str>,
    pub(crate) api_roots: Vec<&'static str>,
    pub(crate) max_content_length: u64,
    /// Answers to the next requests, whatever they ask for.
    pub(crate) refusals: Vec<(u16, Headers, String)>,
    /// Object pages that are still given; after them, the server fails.
    pub(crate) pages_left: usize,
    /// After the last of `pages_left`, wait for ever instead.
    pub(crate) hangs: bool,
    /// Requests to add objects that are still taken.
    pub(crate) posts_left: usize,
    /// Requests to add objects that are carried out and never answered.
    pub(crate) silent_posts: usize,
    /// What is wrong with objects that are called "bad", as `x_concord_finding` without `index`.
    pub(crate) finding: Option<Value>,
    pub(crate) can_write: bool,
    /// How often a status is still pending.
    pub(crate) pending: usize,
    /// What was asked for: method and path with query.
    pub(crate) requests: Vec<String>,
    pub(crate) headers: Vec<HeaderMap>,
    pub(crate) bodies: Vec<Bytes>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            objects: (0..10).map(object).collect(),
            page: 3,
            paging: Paging::Next,
            default: None,
            api_roots: vec!["/root/"],
            max_content_length: 1 << 20,
            refusals: Vec::new(),
            pages_left: usize::MAX,
            hangs: false,
            posts_left: usize::MAX,
            silent_posts: 0,
            finding: None,
            can_write: true,
            pending: 0,
            requests: Vec::new(),
            headers: Vec::new(),
            bodies: Vec::new(),
        }
    }
}

/// An object whose text no JSON library would write like this.
pub(crate) fn object(number: usize) -> String {
    let name = if number.is_multiple_of(2) { "url" } else { "file" };
    format!(
        "{{ \"type\" : \"{name}\",\n  \"id\": \"{name}--7d45bfa7-9b83-5b0c-b5ae-{number:012x}\", \"z\": 1.50, \"a\": \"\\u0041\\n\" }}"
    )
}

/// A running server; it ends with the test process.
pub(crate) struct Stub {
    pub(crate) url: String,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Stub {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let behaviour = Arc::new(Mutex::new(behaviour));
        let router = Router::new().fallback(answer).with_state(behaviour.clone());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        // A thread of its own, because tests of the program block while it runs.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        Self { url, behaviour }
    }

    pub(crate) fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        self.client_at("")
    }

    /// A client for a path of the server, with little patience.
    pub(crate) fn client_at(&self, path: &str) -> Client {
        let wait = std::time::Duration::from_millis(1);
        let retry = Retry::default().attempts(4).first_wait(wait).longest_wait(50 * wait);
        Client::new(Options::new(format!("{}{path}", self.url)).retry(retry)).unwrap()
    }

    /// The program, talking to this server.
    pub(crate) fn command(&self) -> Command {
        let mut command = taxii();
        command.env("TAXII_URL", &self.url);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }
}

/// The program, without a server.
pub(crate) fn taxii() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taxii"));
    for name in ["TAXII_URL", "TAXII_USER", "TAXII_PASSWORD", "TAXII_TOKEN", "TAXII_CA", "TAXII_PIN"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// When the object with this number was added.
pub(crate) fn date_added(number: usize) -> String {
    let micros = 1_500_000_000_000_000 + number as i64;
    Timestamp::from_micros(micros).unwrap().to_string()
}

async fn answer(
    State(behaviour): State<Arc<Mutex<Behaviour>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let response = {
        let mut behaviour = behaviour.lock().unwrap();
        behaviour.requests.push(format!("{method} {uri}"));
        behaviour.headers.push(headers);
        behaviour.answer(&method, &uri, body)
    };
    match response {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

impl Behaviour {
    fn answer(&mut self, method: &Method, uri: &Uri, body: Bytes) -> Option<Response> {
        if !self.refusals.is_empty() {
            let (status, headers, body) = self.refusals.remove(0);
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            return Some(response.body(Body::from(body)).unwrap());
        }
        let segments: Vec<_> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
        let collection =
            json!({ "id": COLLECTION, "title": "Stub", "can_read": true, "can_write": self.can_write });
        Some(match (method.as_str(), &segments[..]) {
            ("GET", ["taxii2"]) => {
                let mut discovery = json!({ "title": "A stub", "api_roots": self.api_roots });
                if let Some(default) = self.default {
                    discovery["default"] = default.into();
                }
                resource(200, &discovery)
            }
            ("GET", ["root"]) => {
                let max = self.max_content_length;
                let root = json!({ "title": "Root", "versions": [MEDIA_TYPE], "max_content_length": max });
                resource(200, &root)
            }
            ("GET", ["root", "collections"]) => resource(200, &json!({ "collections": [collection] })),
            ("GET", ["other", "collections"]) => {
                let collection = json!({ "id": OTHER, "title": "Other feed", "alias": "other",
                                         "can_read": true, "can_write": false });
                resource(200, &json!({ "collections": [collection] }))
            }
            ("GET", ["other", "collections", OTHER, "objects"]) => return self.page(uri),
            ("GET", ["empty", "collections"]) => resource(200, &json!({ "collections": [] })),
            ("GET", ["root", "collections", COLLECTION]) => resource(200, &collection),
            ("GET", ["root", "collections", COLLECTION, "objects"]) => return self.page(uri),
            ("GET", ["root", "collections", COLLECTION, "objects", id]) => self.object(id),
            ("GET", ["root", "collections", COLLECTION, "objects", _, "versions"]) => {
                resource(200, &json!({ "versions": [date_added(1), date_added(2)] }))
            }
            ("GET", ["root", "collections", COLLECTION, "manifest"]) => {
                let record = |(object, number): (&String, usize)| {
                    let object: Value = serde_json::from_str(object).unwrap();
                    json!({ "id": object["id"], "date_added": date_added(number), "version": date_added(0) })
                };
                resource(
                    200,
                    &json!({ "objects": self.objects.iter().zip(0..).map(record).collect::<Vec<_>>() }),
                )
            }
            ("DELETE", ["root", "collections", COLLECTION, "objects", _]) => Response::new(Body::empty()),
            ("POST", ["root", "collections", COLLECTION, "objects"]) => return self.add(body),
            ("GET", ["root", "status", id]) => {
                self.pending = self.pending.saturating_sub(1);
                resource(200, &self.status(id.strip_prefix(STATUS).unwrap().parse().unwrap()))
            }
            _ => refusal(404, "Nothing here"),
        })
    }

    fn page(&mut self, uri: &Uri) -> Option<Response> {
        if self.pages_left == 0 {
            return if self.hangs { None } else { Some(refusal(500, "Cut off")) };
        }
        self.pages_left -= 1;
        let url = Url::parse("http://stub/").unwrap().join(&uri.to_string()).unwrap();
        let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
        let after = query("added_after").map(|date| date.parse::<Timestamp>().unwrap());
        let types = query("match[type]");
        let ids = query("match[id]");
        let begin: usize = query("next").map_or(0, |next| next.trim_start_matches("at-").parse().unwrap());
        let is_asked = |number: &usize| {
            let date: Timestamp = date_added(*number).parse().unwrap();
            let named = |types: &str| {
                types.split(',').any(|name| self.objects[*number].contains(&format!("\"{name}\",")))
            };
            *number >= begin
                && after.as_ref().is_none_or(|after| date > *after)
                && types.as_deref().is_none_or(named)
                && ids
                    .as_deref()
                    .is_none_or(|ids| ids.split(',').any(|id| self.objects[*number].contains(id)))
        };
        let numbers: Vec<usize> = (0..self.objects.len()).filter(is_asked).collect();
        let (page, rest) = numbers.split_at(numbers.len().min(self.page));
        let mut more = !rest.is_empty();
        let mut next = rest.first().map(|number| format!("at-{number}"));
        let mut page = page.to_vec();
        match self.paging {
            Paging::Next | Paging::NextWithoutDates => {}
            Paging::Dates | Paging::Nowhere | Paging::SameDate => next = None,
            Paging::Circle if begin >= 2 * self.page => {
                more = true;
                next = Some(format!("at-{}", self.page));
            }
            Paging::Circle => {}
            Paging::Empty => {
                page.clear();
                more = true;
                next = Some(format!("at-{}", begin + 1));
            }
        }
        let texts = page.iter().map(|number| self.objects[*number].as_bytes());
        let body = match (more, &next) {
            // `write_envelope` would say that nothing more comes.
            (true, None) => {
                format!("{{\"more\":true,{}", &text(&write_envelope(None, texts))["{\"more\":false,".len()..])
                    .into()
            }
            _ => write_envelope(next.as_deref(), texts),
        };
        let mut response = Response::builder().header("content-type", MEDIA_TYPE);
        let has_dates = !matches!(self.paging, Paging::Nowhere | Paging::NextWithoutDates);
        if let (Some(first), Some(last), true) = (page.first(), page.last(), has_dates) {
            let last = if self.paging == Paging::SameDate { 0 } else { *last };
            response = response.header(DATE_ADDED_FIRST, date_added(*first));
            response = response.header(DATE_ADDED_LAST, date_added(last));
        }
        Some(response.body(Body::from(body)).unwrap())
    }

    fn object(&self, id: &str) -> Response {
        let Some(found) = self.objects.iter().find(|object| object.contains(id)) else {
            return refusal(404, "No such object");
        };
        let body = write_envelope(None, [found.as_bytes()]);
        Response::builder().header("content-type", MEDIA_TYPE).body(Body::from(body)).unwrap()
    }

    fn add(&mut self, body: Bytes) -> Option<Response> {
        if body.len() as u64 > self.max_content_length {
            return Some(refusal(413, "Too much"));
        }
        if self.posts_left == 0 {
            return Some(refusal(500, "Cut off"));
        }
        self.posts_left -= 1;
        self.bodies.push(body);
        if self.silent_posts > 0 {
            self.silent_posts -= 1;
            return None;
        }
        Some(resource(202, &self.status(self.bodies.len() - 1)))
    }

    /// Objects that are called "bad" fail.
    fn status(&self, request: usize) -> Value {
        let id = format!("{STATUS}{request:012}");
        let envelope: Value = serde_json::from_slice(&self.bodies[request]).unwrap();
        let objects = envelope["objects"].as_array().unwrap();
        let total = objects.len();
        if self.pending > 0 {
            return json!({ "id": id, "status": "pending", "total_count": total, "success_count": 0,
                           "failure_count": 0, "pending_count": total });
        }
        let bad = |(_, object): &(usize, &Value)| object["name"] == "bad";
        let detail = |(index, object): (usize, &Value)| {
            let mut row = json!({ "id": object["id"], "version": "v", "message": "it is bad" });
            if let Some(mut finding) = self.finding.clone() {
                finding["index"] = index.into();
                row["x_concord_finding"] = finding;
            }
            row
        };
        let failures: Vec<_> = objects.iter().enumerate().filter(bad).map(detail).collect();
        let mut status = json!({ "id": id, "status": "complete", "total_count": total,
            "success_count": total - failures.len(), "failure_count": failures.len(), "pending_count": 0 });
        if !failures.is_empty() {
            status["failures"] = failures.into();
        }
        status
    }
}

fn resource(status: u16, value: &Value) -> Response {
    let response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    response.header("content-type", MEDIA_TYPE).body(Body::from(value.to_string())).unwrap()
}

fn refusal(status: u16, title: &str) -> Response {
    let error = json!({ "title": title, "description": "Try something else.", "error_code": "stub",
                        "error_id": "e-1", "http_status": status });
    resource(status, &error)
}
