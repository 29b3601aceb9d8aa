//! What runs did, for Prometheus.

use super::scheduler::Shared;
use anyhow::Context;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::sync::Arc;
use taxii_feeds::{Report, State};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFeed {
    feed: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    feed: String,
    outcome: &'static str,
}

/// Counters and gauges of a process.
pub(super) struct Metrics {
    registry: Registry,
    records: Family<OfFeed, Counter>,
    objects: Family<Outcome, Counter>,
    fetched: Family<OfFeed, Counter>,
    failures: Family<OfFeed, Counter>,
    lag: Family<OfFeed, Gauge>,
    success: Family<OfFeed, Gauge>,
    waiting: Gauge,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("taxii_feeds"),
            records: Family::default(),
            objects: Family::default(),
            fetched: Family::default(),
            failures: Family::default(),
            lag: Family::default(),
            success: Family::default(),
            waiting: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("records", "Records that were read", metrics.records.clone());
        registry.register(
            "objects",
            "Objects by outcome: new, updated, unchanged, revoked, rejected (records), accepted, pending, refused",
            metrics.objects.clone(),
        );
        registry.register("fetched_bytes", "Bytes that were fetched", metrics.fetched.clone());
        registry.register("failures", "Runs that did not come to their end", metrics.failures.clone());
        registry.register("lag_seconds", "Age of the latest record of the last run", metrics.lag.clone());
        registry.register("last_success_seconds", "When a run last came to its end", metrics.success.clone());
        registry.register("waiting_objects", "Objects that wait for the server", metrics.waiting.clone());
        metrics
    }

    pub(super) fn note(&self, report: &Report) {
        let Report { feed, at, fetched, staged, delivered, lag } = report;
        let of_feed = OfFeed { feed: feed.clone() };
        self.records.get_or_create(&of_feed).inc_by(staged.records);
        self.fetched.get_or_create(&of_feed).inc_by(*fetched);
        self.success.get_or_create(&of_feed).set(at.micros() / 1_000_000);
        if let Some(lag) = lag {
            self.lag.get_or_create(&of_feed).set(*lag);
        }
        let outcomes = [
            ("new", staged.new),
            ("updated", staged.updated),
            ("unchanged", staged.unchanged),
            ("revoked", staged.revoked),
            ("rejected", staged.rejected.values().sum()),
            ("accepted", delivered.accepted),
            ("pending", delivered.pending),
            ("refused", delivered.refused),
        ];
        for (outcome, count) in outcomes {
            self.objects.get_or_create(&Outcome { feed: feed.clone(), outcome }).inc_by(count);
        }
    }

    pub(super) fn note_failure(&self, feed: &str) {
        self.failures.get_or_create(&OfFeed { feed: feed.to_owned() }).inc();
    }

    pub(super) fn note_waiting(&self, state: &State) {
        if let Ok(waiting) = state.waiting() {
            self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        }
    }
}

/// Serves the metrics at an address, until the process ends.
pub(super) async fn serve(shared: Arc<Shared>, address: SocketAddr) -> anyhow::Result<()> {
    let listener =
        tokio::net::TcpListener::bind(address).await.with_context(|| format!("metrics at {address}"))?;
    tracing::info!(address = %listener.local_addr()?, "metrics are at /metrics");
    let answer = move || {
        let shared = Arc::clone(&shared);
        async move {
            let mut text = String::new();
            // Writing to a string cannot fail.
            let _ = encode(&mut text, &shared.metrics.registry);
            ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
                .into_response()
        }
    };
    let router = Router::new().route("/metrics", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(())
}
