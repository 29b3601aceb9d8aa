//! Times and sizes.

use openraft::{Config, ConfigError, SnapshotPolicy, StepDownPolicy};
use std::time::Duration;

/// How long nodes wait for each other, and how much of the log they keep. All nodes of a network have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Name of the network, for messages.
    pub network: String,
    /// Time between two signs of life of the leader.
    pub heartbeat: Duration,
    /// Shortest and longest time without one after which another node wants to lead.
    pub election: (Duration, Duration),
    /// Time for the answer to a message.
    pub answer: Duration,
    /// Time until a submission is given up on.
    pub submit: Duration,
    /// Time for the answer to a part of a snapshot, and for loading the whole of it after the last.
    pub snapshot: (Duration, Duration),
    /// Number of new entries after which older ones can be removed from the log.
    pub compact_after: u64,
    /// Number of applied entries that stay in the log for nodes that lag.
    pub keep: u64,
}

impl Settings {
    /// Nodes on different continents: another one leads within 15 s.
    pub fn wan() -> Self {
        Self {
            network: "concord".to_owned(),
            heartbeat: Duration::from_millis(500),
            election: (Duration::from_secs(3), Duration::from_secs(6)),
            answer: Duration::from_secs(2),
            submit: Duration::from_secs(20),
            snapshot: (Duration::from_secs(30), Duration::from_secs(3600)),
            compact_after: 10_000,
            keep: 10_000,
        }
    }

    /// Nodes in one building: another one leads within 2 s.
    pub fn lan() -> Self {
        Self {
            heartbeat: Duration::from_millis(100),
            election: (Duration::from_millis(400), Duration::from_millis(800)),
            answer: Duration::from_millis(500),
            submit: Duration::from_secs(5),
            ..Self::wan()
        }
    }

    /// Time after which the nodes should have a leader.
    pub(super) fn retry_after(&self) -> Duration {
        self.election.1
    }

    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (min, max) = (millis(self.election.0), millis(self.election.1));
        let config = Config {
            cluster_name: self.network.clone(),
            heartbeat_interval: millis(self.heartbeat),
            election_timeout_min: min,
            election_timeout_max: max,
            enable_pre_vote: Some(true),
            quorum_loss_probe_interval: Some(2 * max),
            removed_leader_step_down: StepDownPolicy::After(millis(self.heartbeat)),
            install_snapshot_timeout: millis(self.snapshot.1),
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.compact_after),
            max_in_snapshot_log_to_keep: self.keep,
            // A leader sends entries before its own disk has them. If it lost them in a crash and went on in the same term, it
            // would write others under the same numbers.
            enable_leader_restore: Some(false),
            // A node that lags gets entries as long as there are any.
            replication_lag_threshold: u64::MAX,
            api_channel_size: Some(4096),
            max_payload_entries: 1024,
            backoff: format!("{}ms ...{}ms", millis(self.heartbeat), max),
            ..Config::default()
        };
        config.validate()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::wan()
    }
}
