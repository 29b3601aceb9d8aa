//! Counters and histograms, in the text format of OpenMetrics.

use crate::store::{NetworkSummary, Store};
use axum::http::Method;
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stix_model::taxii::Status;

/// Content type of [`Metrics::text`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// The label of a method. Clients can invent methods, and a label is never removed.
pub(crate) fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// The metrics of a server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    objects: Family<OutcomeLabels, Counter>,
    replaced: Counter,
    network: Network,
}

/// A gauge that is there for members of a network only.
type NetworkGauge = Family<Vec<(String, String)>, Gauge<f64, AtomicU64>>;

/// What operators watch of a network.
#[derive(Default)]
struct Network {
    index: NetworkGauge,
    age: NetworkGauge,
    decisions: NetworkGauge,
    open: NetworkGauge,
    oldest_open: NetworkGauge,
    node: NodeMetrics,
}

/// What operators watch of the node of this server, and of the others.
#[derive(Default)]
struct NodeMetrics {
    leads: NetworkGauge,
    term: NetworkGauge,
    last: NetworkGauge,
    committed: NetworkGauge,
    applied: NetworkGauge,
    purged: NetworkGauge,
    nodes: NetworkGauge,
    lag: NetworkGauge,
    fenced: NetworkGauge,
    differences: NetworkGauge,
    commits: NetworkGauge,
    commit_seconds: NetworkGauge,
}

impl NodeMetrics {
    fn register(&self, registry: &mut Registry) {
        let metrics = [
            ("network_node_leads", "Whether the node of this server leads", &self.leads),
            ("network_node_term", "The term of the node", &self.term),
            ("network_log_last_index", "The last entry in the log of the node", &self.last),
            (
                "network_log_committed_index",
                "The last entry that a majority of the nodes has",
                &self.committed,
            ),
            ("network_log_applied_index", "The last entry that the node has applied", &self.applied),
            (
                "network_log_purged_index",
                "The last entry that the node has removed from its log",
                &self.purged,
            ),
            ("network_nodes", "Nodes, by what they do for the log: voter or learner", &self.nodes),
            ("network_node_lag", "Entries that another node lacks, where this one leads", &self.lag),
            (
                "network_fenced",
                "Whether this server does not serve its network, because most nodes differ",
                &self.fenced,
            ),
            (
                "network_differences",
                "Differences to other nodes that were seen since the start",
                &self.differences,
            ),
            (
                "network_apply_commits",
                "Commits in which the node applied entries since the start",
                &self.commits,
            ),
            ("network_apply_seconds", "Seconds that these commits took together", &self.commit_seconds),
        ];
        for (name, help, gauge) in metrics {
            registry.register(name, help, gauge.clone());
        }
    }

    fn set(&self, store: &Store) {
        let put = |gauge: &NetworkGauge, labels: &[(&str, String)], value: f64| {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            gauge.get_or_create(&labels).set(value);
        };
        if store.membership().is_none_or(|membership| membership.node.is_none()) {
            return;
        }
        put(&self.fenced, &[], f64::from(u8::from(store.check_fence().is_err())));
        put(&self.differences, &[], store.differences() as f64);
        let Some(node) = store.node() else { return };
        let status = node.status();
        let (commits, seconds) = node.machine().applied_in();
        let values = [
            (&self.leads, f64::from(u8::from(status.leader == Some(status.node)))),
            (&self.term, status.term as f64),
            (&self.last, status.last as f64),
            (&self.committed, status.committed as f64),
            (&self.applied, status.applied as f64),
            (&self.purged, status.purged as f64),
            (&self.commits, commits as f64),
            (&self.commit_seconds, seconds.as_secs_f64()),
        ];
        values.into_iter().for_each(|(gauge, value)| put(gauge, &[], value));
        let voters = status.voters.len();
        let roles = [("voter", voters), ("learner", status.nodes.len().saturating_sub(voters))];
        for (role, count) in roles {
            put(&self.nodes, &[("role", role.to_owned())], count as f64);
        }
        self.lag.clear();
        for (node, matched) in &status.matched {
            put(&self.lag, &[("node", node.to_string())], status.last.saturating_sub(*matched) as f64);
        }
    }
}

impl Network {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "network_applied_index",
            "Last entry of the log that was applied",
            self.index.clone(),
        );
        let help = "Seconds between the time of that entry and the clock of this server";
        registry.register("network_entry_age_seconds", help, self.age.clone());
        registry.register("network_decisions", "Decisions in the transparency log", self.decisions.clone());
        registry.register("network_open_proposals", "Proposals that await votes", self.open.clone());
        let help = "Age of the oldest proposal that awaits votes";
        registry.register("network_oldest_open_seconds", help, self.oldest_open.clone());
        self.node.register(registry);
    }

    fn set(&self, summary: &NetworkSummary) {
        let NetworkSummary { index, age_micros, decisions, open, oldest_open_micros } = *summary;
        let seconds = |micros: i64| micros as f64 / 1e6;
        let values = [
            (&self.index, index as f64),
            (&self.age, seconds(age_micros)),
            (&self.decisions, decisions as f64),
            (&self.open, open as f64),
            (&self.oldest_open, seconds(oldest_open_micros)),
        ];
        for (gauge, value) in values {
            gauge.get_or_create(&Vec::new()).set(value);
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("concord");
        let requests = Family::<RequestLabels, Counter>::default();
        let buckets = || Histogram::new(exponential_buckets(0.0001, 4.0, 9));
        let seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        let objects = Family::<OutcomeLabels, Counter>::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time until the answer began", seconds.clone());
        registry.register("objects_added", "Objects of add requests, by outcome", objects.clone());
        let replaced = Counter::default();
        let help = "Stored versions whose content was replaced, in collections that mirror a source";
        registry.register("versions_replaced", help, replaced.clone());
        let network = Network::default();
        network.register(&mut registry);
        Self { registry, requests, seconds, objects, replaced, network }
    }
}

impl Metrics {
    /// Returns all metrics as text, with what the store has counted.
    pub(crate) async fn text(&self, store: &Store) -> String {
        match store.network_summary().await {
            Ok(Some(summary)) => self.network.set(&summary),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the network cannot be read for metrics"),
        }
        self.network.node.set(store);
        self.replaced.inner().store(store.replaced(), Ordering::Relaxed);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes every write");
        text
    }

    /// Counts and times a request by its route. Paths are no labels: they name collections and objects.
    pub(crate) fn count_request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = RouteLabels { method, route: route.into() };
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { method, route: labels.route, status }).inc();
    }

    /// Counts the objects of an add request by their outcome.
    pub(crate) fn count_added(&self, status: &Status) {
        let counts = [
            ("success", status.success_count),
            ("failure", status.failure_count),
            ("pending", status.pending_count),
        ];
        for (outcome, count) in counts {
            self.objects.get_or_create(&OutcomeLabels { outcome }).inc_by(count);
        }
    }
}
