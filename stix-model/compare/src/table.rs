//! One line for each comparison: both rates and their ratio. Rates depend on the machine; the ratio is the point.

use crate::measure::{Work, in_turns};

/// How much is done in one round.
#[derive(Clone, Copy)]
pub enum Amount {
    /// Bytes of text, shown as MB/s.
    Bytes(usize),
    /// Things of this name, shown as thousands a second.
    Things(usize, &'static str),
}

impl Amount {
    #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^53")]
    fn rate(self, seconds: f64) -> String {
        match self {
            Self::Bytes(bytes) => format!("{:.0} MB/s", bytes as f64 / 1e6 / seconds),
            Self::Things(count, name) => format!("{:.2}k {name}/s", count as f64 / 1e3 / seconds),
        }
    }
}

/// What a row says before anything is measured.
pub struct Row<'a> {
    pub what: &'a str,
    pub peer: &'a str,
    pub amount: Amount,
    /// The ratio that we want to reach.
    pub goal: f64,
}

pub fn title() {
    println!(
        "{:<44} {:<26} {:>22} {:>22} {:>8} {:>7}",
        "what", "peer", "peer", "stix-model", "ratio", "goal"
    );
}

impl Row<'_> {
    /// Measures both sides in turns.
    pub fn run(&self, theirs: Work<'_>, ours: Work<'_>) {
        let [theirs, ours] = in_turns([theirs, ours]);
        self.print(theirs, ours);
    }

    /// For a peer that measured itself, in its own process.
    pub fn run_against(&self, theirs: f64, ours: Work<'_>) {
        self.print(theirs, in_turns([ours])[0]);
    }

    fn print(&self, theirs: f64, ours: f64) {
        let Self { what, peer, amount, goal } = self;
        let (ratio, theirs, ours) = (theirs / ours, amount.rate(theirs), amount.rate(ours));
        println!("{what:<44} {peer:<26} {theirs:>22} {ours:>22} {ratio:>8.2} {goal:>7.2}");
    }
}
