//! Times and memory. The machine is shared, so a figure is the median of rounds in which the rivals take turns, and times
//! are the thread's own: they don't count while it waits for a processor.

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use allocation_counter::{AllocationInfo, measure};
use rustix::time::{ClockId, clock_gettime};
use time::UtcDateTime;

/// How often each rival has its turn.
pub(crate) const ROUNDS: usize = 9;

/// How many inputs a call gets: the clock is read between two calls, which takes most of a microsecond.
const INPUTS_OF_CALL: usize = 128;

/// How long a turn takes at least.
const TURN: Duration = Duration::from_millis(40);

/// The median of some rounds, and the least and greatest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { median: values[values.len() / 2], least: values[0], most: values[values.len() - 1] }
    }

    /// All three, with at least three digits of each.
    pub(crate) fn show(self) -> String {
        let [median, least, most] = [self.median, self.least, self.most].map(|value| match value {
            ..10.0 => format!("{value:.2}"),
            ..100.0 => format!("{value:.1}"),
            _ => format!("{value:.0}"),
        });
        format!("{median} ({least}–{most})")
    }
}

/// What was built, how long it took, and how many bytes it keeps.
pub(crate) struct Built<T> {
    pub(crate) value: T,
    pub(crate) took: Duration,
    pub(crate) bytes: usize,
}

/// How long the thread has run.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How long the thread runs for some work.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = thread_time();
    black_box(work());
    thread_time() - start
}

/// How long a child process or something else takes that is not of this thread.
pub(crate) fn wall_timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

/// What some work allocates.
pub(crate) fn allocations<T>(work: impl FnOnce() -> T) -> AllocationInfo {
    measure(|| drop(black_box(work())))
}

/// Builds something.
pub(crate) fn build<T>(build: impl FnOnce() -> T) -> Built<T> {
    let (mut built, mut took) = (None, Duration::ZERO);
    let allocated = measure(|| took = timed(|| built = Some(build())));
    Built { value: built.unwrap(), took, bytes: usize::try_from(allocated.bytes_current).unwrap_or(0) }
}

/// Nanoseconds of one input of calls with many. Inputs are taken in turn from where the last turn ended, so that a turn does not find in the
/// caches what the one before it left there. `touch` brings the next inputs into the caches, and is not measured: in an event,
/// they were decoded a moment before.
pub(crate) fn turn<I>(inputs: &[I], position: &mut usize, touch: impl Fn(&I), mut call: impl FnMut(&[I])) -> f64 {
    let (mut inputs_done, mut took) = (0, Duration::ZERO);
    while took < TURN {
        let end = (*position + INPUTS_OF_CALL).min(inputs.len());
        let next = &inputs[*position..end];
        next.iter().for_each(&touch);
        took += timed(|| call(black_box(next)));
        inputs_done += next.len();
        *position = if end == inputs.len() { 0 } else { end };
    }
    took.as_secs_f64() * 1e9 / inputs_done as f64
}

/// The machine and the day, for a table's caption.
pub(crate) fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1)).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let mut machine = format!("{}, {cores} cores, {}", model.trim(), std::env::consts::ARCH);
    let _ = write!(machine, ", on {}", UtcDateTime::now().date());
    machine
}
