//! Malformed requests by the thousand, from a seed: none may be answered with anything but a proper refusal.

mod bodies;
mod heads;
mod queries;
mod random;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::client::TAXII;
use crate::options::Options;
use crate::shape;
use crate::suite::{Endpoint, Suite};
use crate::survey::{Unreachable, survey};
use crate::wire::{self, Answer, Head, Then};
use random::Random;

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The same seed and the same server give the same requests.
    pub seed: u64,
    /// How many cases.
    pub count: usize,
    /// One case only.
    pub only: Option<usize>,
    /// How many requests are under way at a time.
    pub concurrency: usize,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct HostileReport {
    /// The seed of the plan.
    pub seed: u64,
    /// How many requests were sent.
    pub sent: usize,
    /// In the order of the cases.
    pub failures: Vec<Failure>,
}

/// An answer that is not a proper refusal.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the case in its plan.
    pub case: usize,
    /// What kind of request it was.
    pub name: String,
    /// The first bytes of the request, escaped. Credentials are left out.
    pub request: String,
    /// What is wrong with the answer.
    pub problem: String,
}

/// What the generator needs to know of the server. `Suite` gives it; tests make one up.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) origin: String,
    pub(crate) api_root: String,
    pub(crate) collection: String,
    /// The `Authorization` header of the account.
    pub(crate) authorization: Option<String>,
    /// Whether the account may add objects; without that right every body is refused for another reason.
    pub(crate) can_write: bool,
    pub(crate) max_content_length: u64,
    /// A `next` that the server gave for `limit=1`, if it gave one.
    pub(crate) cursor: Option<String>,
}

/// A request with the answers it may get.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) statuses: &'static [u16],
    pub(crate) layer: Layer,
    pub(crate) then: Then,
}

/// Answers to a body that cannot be read as an envelope.
const BAD_BODY: &[u16] = &[400, 413, 422];

impl Case {
    /// Refused by the TAXII server, with an error resource.
    fn new(name: impl Into<String>, bytes: Vec<u8>, statuses: &'static [u16]) -> Self {
        Self { name: name.into(), bytes, statuses, layer: Layer::Taxii, then: Then::Wait }
    }

    /// The HTTP layer may be the one that refuses.
    fn http(self) -> Self {
        Self { layer: Layer::Http, ..self }
    }

    fn closing(self) -> Self {
        Self { then: Then::Close, ..self }
    }
}

impl Target {
    /// A head with everything a well-formed request needs; `path` follows the API root.
    fn head(&self, method: &str, path: &str) -> Head {
        let head = Head::new(method, &format!("{}{path}", self.api_root)).header("Accept", TAXII);
        match &self.authorization {
            Some(value) => head.header("Authorization", value),
            None => head,
        }
    }

    fn objects(&self) -> String {
        format!("collections/{}/objects/", self.collection)
    }
}

/// Who refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// The TAXII server: always with an error resource.
    Taxii,
    /// Perhaps the HTTP layer below it: also with an empty or foreign body, or by closing the connection.
    Http,
}

/// The case of a seed. Each has a generator of its own, so one can be repeated without the ones before it.
pub(crate) fn case(target: &Target, seed: u64, number: usize) -> Case {
    let mut random = Random::new(seed, number);
    match random.below(10) {
        0..=4 if target.can_write => bodies::case(target, &mut random),
        0..=6 => queries::case(target, &mut random),
        _ => heads::case(target, &mut random),
    }
}

/// Sends the cases of a plan.
///
/// # Errors
/// When there is no server to send them to.
pub async fn run(options: &Options, plan: &Plan) -> Result<HostileReport, Unreachable> {
    let suite = survey(options).await?;
    let target = Arc::new(target_of(&suite).await?);
    let numbers: Vec<usize> = plan.only.map_or_else(|| (0..plan.count).collect(), |number| vec![number]);
    let sent = numbers.len();
    let slots = Arc::new(Semaphore::new(plan.concurrency.max(1)));
    let mut tasks = JoinSet::new();
    for number in numbers {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
        let (target, seed, timeout) = (Arc::clone(&target), plan.seed, options.timeout);
        tasks.spawn(async move {
            let _slot = slot;
            let case = case(&target, seed, number);
            let problem = judge(&target, &case, timeout).await.err()?;
            let request = excerpt(&target, &case.bytes);
            Some(Failure { case: number, name: case.name, request, problem })
        });
    }
    let mut failures: Vec<Failure> = Vec::new();
    while let Some(done) = tasks.join_next().await {
        failures.extend(done.ok().flatten());
    }
    failures.sort_by_key(|failure| failure.case);
    failures.extend(still_alive(&suite, sent).await);
    Ok(HostileReport { seed: plan.seed, sent, failures })
}

async fn judge(target: &Target, case: &Case, timeout: Duration) -> Result<(), String> {
    let answer = match wire::send_then(&target.origin, &case.bytes, case.then, timeout).await {
        Ok(answer) => answer,
        Err(problem) if case.layer == Layer::Http && problem.starts_with("closed") => return Ok(()),
        Err(problem) => return Err(problem),
    };
    if answer.header(heads::INJECTED).is_some() {
        return Err("line breaks of the request became a header of the answer".into());
    }
    if !case.statuses.contains(&answer.status) {
        let body = crate::excerpt::excerpt(&String::from_utf8_lossy(&answer.body));
        return Err(format!("answered {}, expected one of {:?}: {body}", answer.status, case.statuses));
    }
    if case.layer == Layer::Taxii && answer.status >= 400 { is_error_resource(&answer) } else { Ok(()) }
}

fn is_error_resource(answer: &Answer) -> Result<(), String> {
    let kind = answer.header("content-type").unwrap_or("");
    if kind.to_ascii_lowercase().replace([' ', '"'], "") != TAXII {
        return Err(format!("{} with the content type {kind:?}", answer.status));
    }
    let json = crate::ijson::read(&answer.body).map_err(|problem| format!("{}: {problem}", answer.status))?;
    if let Some(breach) = shape::ERROR.breaches(&json).first() {
        return Err(format!("{}: {} {}", answer.status, breach.pointer, breach.detail));
    }
    match json.get("http_status").and_then(serde_json::Value::as_str) {
        Some(said) if said != answer.status.to_string() => {
            Err(format!("{}: http_status says {said:?}", answer.status))
        }
        _ => Ok(()),
    }
}

/// The last question of a run: a plain request is still answered.
async fn still_alive(suite: &Suite, number: usize) -> Option<Failure> {
    let problem = match suite.get(Endpoint::Collections, &[]).await {
        Ok(answer) if answer.is_success() => return None,
        Ok(answer) => format!("answered {}", answer.status),
        Err(_) => "no answer".into(),
    };
    let request = format!("GET {}", suite.url(Endpoint::Collections));
    Some(Failure { case: number, name: "a plain request after all others".into(), request, problem })
}

async fn target_of(suite: &Suite) -> Result<Target, Unreachable> {
    let wanted = suite.options.collection.is_some();
    let first = if wanted {
        suite.readable.as_ref()
    } else {
        suite.writable.as_ref().ok().or(suite.readable.as_ref())
    };
    let Some(collection) = first else {
        return Err(Unreachable("this account can read no collection of the API root".into()));
    };
    let root = suite.get(Endpoint::ApiRoot, &[]).await?;
    let page = suite.get(Endpoint::Objects(&collection.id), &[("limit", "1")]).await?;
    Ok(Target {
        origin: suite.origin.clone(),
        api_root: suite.api_root.clone(),
        collection: collection.id.clone(),
        authorization: suite.options.auth.header(),
        can_write: collection.can_write,
        max_content_length: root.count("max_content_length").unwrap_or(u64::MAX),
        cursor: page.next().ok().flatten().map(str::to_owned),
    })
}

fn excerpt(target: &Target, bytes: &[u8]) -> String {
    let text = bytes[..bytes.len().min(700)].escape_ascii().to_string();
    match &target.authorization {
        Some(secret) => text.replace(secret.as_str(), "…"),
        None => text,
    }
}

impl HostileReport {
    /// For people: the seed, and for each failure the command that repeats it.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(&self, out: &mut dyn Write, command: &str) -> io::Result<()> {
        for failure in &self.failures {
            writeln!(out, "FAIL  case {}, {}: {}", failure.case, failure.name, failure.problem)?;
            writeln!(out, "      {}", failure.request)?;
            writeln!(out, "      again: {command} --case {}", failure.case)?;
        }
        let (seed, sent, failed) = (self.seed, self.sent, self.failures.len());
        writeln!(out, "seed {seed}: {sent} malformed requests, {failed} without a proper refusal")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{BAD_BODY, Layer, Target, case};

    fn target() -> Target {
        Target {
            origin: "http://127.0.0.1:1".into(),
            api_root: "http://127.0.0.1:1/api1/".into(),
            collection: "91a7b528-80eb-42ed-a74d-c6fbd5a26116".into(),
            authorization: Some("Bearer secret".into()),
            can_write: true,
            max_content_length: 1 << 20,
            cursor: Some("abc".into()),
        }
    }

    #[test]
    fn a_seed_means_the_same_requests_for_ever() {
        for number in 0..300 {
            let (one, two) = (case(&target(), 7, number), case(&target(), 7, number));
            assert_eq!(one.bytes, two.bytes, "case {number}");
        }
        // Written down, so that a change of the generator does not go unnoticed.
        let names: Vec<String> = (0..3).map(|number| case(&target(), 7, number).name).collect();
        let expected = ["wrong type {\"objects\":true}", "a header of 1 MiB", "objects ?limit=%EF%BC%91"];
        assert_eq!(names, expected);
    }

    #[test]
    fn seeds_and_cases_differ() {
        let bytes: BTreeSet<Vec<u8>> = (0..300).map(|number| case(&target(), 7, number).bytes).collect();
        assert!(bytes.len() > 200, "{} different requests of 300", bytes.len());
        assert_ne!(case(&target(), 7, 1).bytes, case(&target(), 8, 1).bytes);
    }

    #[test]
    fn no_malformed_body_may_be_accepted() {
        let cases = (0..2000).map(|number| case(&target(), 1, number));
        let posts: Vec<_> =
            cases.filter(|c| c.bytes.starts_with(b"POST") && c.statuses == BAD_BODY).collect();
        assert!(posts.len() > 500);
        // Nesting is a limit and not a mistake; a reader without that limit finds an envelope there.
        for case in posts.iter().filter(|case| !case.name.ends_with(" deep")) {
            assert_eq!(case.layer, Layer::Taxii, "{}", case.name);
            let head_end = case.bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
            let envelope = crate::ijson::read(&case.bytes[head_end + 4..]);
            let is_good = envelope.is_ok_and(|json| {
                json["objects"].as_array().is_some_and(|list| list.iter().all(|o| o["id"].is_string()))
            });
            assert!(!is_good, "{} is a good envelope", case.name);
        }
    }

    #[test]
    fn a_reader_without_write_access_sends_no_bodies() {
        let reader = Target { can_write: false, ..target() };
        for number in 0..500 {
            let case = case(&reader, 3, number);
            assert!(
                !case.bytes.starts_with(b"POST") || case.name.ends_with("on collections"),
                "{}",
                case.name
            );
        }
    }
}
