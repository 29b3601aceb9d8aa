//! What evaluation may cost at most.

/// Bounds for compiling and matching a pattern.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MatchLimits {
    /// Steps of one search for a match. A step is a small amount of work: a test of a value, a member of an object
    /// that is looked at, an observation that is tried; some nanoseconds each, so the default ends within seconds.
    /// Default: 100,000,000.
    pub steps: u64,
    /// Bytes of memory for the automata of all regular expressions together, more or less. Default: 16 MiB.
    pub regex_bytes: usize,
}

setters!(MatchLimits { steps: u64, regex_bytes: usize });

impl Default for MatchLimits {
    fn default() -> Self {
        Self { steps: 100_000_000, regex_bytes: 16 << 20 }
    }
}

/// The search was given up, so nobody knows whether there is a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {limit} steps; allow more, or give fewer observations at a time")]
pub struct BudgetExceeded {
    limit: u64,
}

/// The steps that are left.
pub(super) struct Budget {
    limit: u64,
    left: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, left: limit }
    }

    #[inline]
    pub(super) fn spend(&mut self, steps: u64) -> Result<(), BudgetExceeded> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(BudgetExceeded { limit: self.limit }),
        }
    }
}
