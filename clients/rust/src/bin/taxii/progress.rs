//! A progress bar on standard error, when that is a terminal.

use crate::out::Out;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::time::Duration;

/// Counts objects for somebody who waits.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Nobody knows how many will come.
    pub(crate) fn open_ended(out: &Out) -> Self {
        Self::new(out, ProgressBar::no_length(), "{spinner} {human_pos} objects  {rate}  {elapsed}")
    }

    /// So many in all.
    pub(crate) fn of(total: usize, out: &Out) -> Self {
        let template = "{wide_bar} {human_pos}/{human_len} objects  {rate}  {eta} left";
        Self::new(out, ProgressBar::new(total as u64), template)
    }

    fn new(out: &Out, bar: ProgressBar, template: &str) -> Self {
        if out.is_quiet() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template(template).expect("the templates above are well formed");
        bar.set_style(style.with_key("rate", rate));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// So many more.
    pub(crate) fn add(&self, objects: usize) {
        self.0.inc(objects as u64);
    }
}

fn rate(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // A progress line that cannot be written is not worth stopping for.
    let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
}

impl Drop for Progress {
    /// The line goes away, whether the work succeeded or not: what matters is told in words.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
