//! CPU time of this thread, taken in turns, so that what disturbs one side disturbs the other as well.

use rustix::time::{ClockId, clock_gettime};

/// Rounds of each side; the median counts.
const ROUNDS: usize = 9;

/// Work that can be repeated.
pub type Work<'a> = Box<dyn FnMut() + 'a>;

/// Median CPU seconds of each side, after a round that does not count.
pub fn in_turns<const SIDES: usize>(mut sides: [Work<'_>; SIDES]) -> [f64; SIDES] {
    let mut times = [const { Vec::new() }; SIDES];
    for _ in 0..=ROUNDS {
        for (side, times) in sides.iter_mut().zip(&mut times) {
            let start = cpu_seconds();
            side();
            times.push(cpu_seconds() - start);
        }
    }
    times.map(|mut times| {
        let counted = &mut times[1..];
        counted.sort_by(f64::total_cmp);
        counted[ROUNDS / 2]
    })
}

#[expect(clippy::cast_precision_loss, reason = "seconds of CPU time are far below 2^53")]
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
