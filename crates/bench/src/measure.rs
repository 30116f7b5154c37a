//! Times and memory. The machine is shared, so a figure is the median of rounds in which the rivals take turns, and times
//! are the thread's own: they don't count while it waits for a processor.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::allocator::ALLOCATOR;

/// How often each rival has its turn.
pub(crate) const ROUNDS: usize = 9;

/// How many calls are made between two looks at the clock, which take most of a microsecond.
const CALLS_BETWEEN_CLOCKS: usize = 256;

/// How long a turn takes at least.
const TURN: Duration = Duration::from_millis(60);

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

/// Builds something.
pub(crate) fn build<T>(build: impl FnOnce() -> T) -> Built<T> {
    let before = ALLOCATOR.allocated();
    let start = thread_time();
    let value = build();
    let took = thread_time() - start;
    Built { value, took, bytes: ALLOCATOR.allocated().saturating_sub(before) }
}

/// Nanoseconds of one call. Inputs are taken in turn from where the last turn ended, so that a turn does not find in the
/// caches what the one before it left there.
pub(crate) fn turn<I>(inputs: &[I], position: &mut usize, mut call: impl FnMut(&I)) -> f64 {
    let (mut calls, start) = (0, thread_time());
    loop {
        for _ in 0..CALLS_BETWEEN_CLOCKS {
            call(black_box(&inputs[*position]));
            *position += 1;
            if *position == inputs.len() {
                *position = 0;
            }
        }
        calls += CALLS_BETWEEN_CLOCKS;
        let took = thread_time() - start;
        if took >= TURN {
            return took.as_secs_f64() * 1e9 / calls as f64;
        }
    }
}
