//! Many runs of one target, with what they took.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::memory;
use crate::mutate::mutated;
use crate::target::Target;

/// The most bytes that an input may allocate in all: work that is bounded on any machine. A constant and a factor of its
/// length.
pub const WORK: usize = 64 * 1024 * 1024;
/// See [`WORK`].
pub const WORK_PER_BYTE: usize = 64 * 1024;

/// What many runs took.
#[derive(Debug, Default)]
pub struct Summary {
    /// Inputs that were checked, the failing one included.
    pub runs: u64,
    /// The time of all.
    pub elapsed: Duration,
    /// The longest time of one input.
    pub longest: Duration,
    /// The most bytes that one input allocated in all.
    pub most_work: usize,
    /// The input that failed, and why. Nothing runs after it.
    pub failure: Option<(Vec<u8>, String)>,
}

/// The input under way and since when, for a thread that looks for hangs.
pub static CURRENT: Mutex<Option<(Instant, Vec<u8>)>> = Mutex::new(None);

/// Runs the corpus, then mutated inputs, and begins none after the longest time.
pub fn run(target: Target, corpus: &[Vec<u8>], runs: u64, longest: Duration, seed: u64) -> Summary {
    let mut rng = Rng::with_seed(seed);
    let (mut summary, start) = (Summary::default(), Instant::now());
    let inputs = corpus.iter().cloned().chain(std::iter::repeat_with(|| mutated(&mut rng, corpus)));
    for input in inputs.take(usize::try_from(runs).unwrap_or(usize::MAX)) {
        if start.elapsed() >= longest {
            break;
        }
        summary.runs += 1;
        if let Err(reason) = check(target, &input, &mut summary) {
            summary.failure = Some((input, reason));
            break;
        }
    }
    summary.elapsed = start.elapsed();
    summary
}

/// Checks one input, and notes what it took.
///
/// # Errors
/// Why it failed.
pub fn check(target: Target, input: &[u8], summary: &mut Summary) -> Result<(), String> {
    let (start, before) = (Instant::now(), memory::total());
    set_current(Some((start, input.to_vec())));
    let result = catch_unwind(AssertUnwindSafe(|| (target.check)(input)));
    set_current(None);
    let work = memory::total() - before;
    summary.longest = summary.longest.max(start.elapsed());
    summary.most_work = summary.most_work.max(work);
    if let Err(panic) = result {
        let text = panic.downcast_ref::<String>().cloned();
        return Err(text.or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned())).unwrap_or_default());
    }
    if memory::peak() > memory::LIMIT {
        return Err(format!("{} bytes of memory", memory::peak()));
    }
    if work > WORK + WORK_PER_BYTE * input.len() {
        return Err(format!("it allocated {work} bytes in all"));
    }
    Ok(())
}

fn set_current(input: Option<(Instant, Vec<u8>)>) {
    *CURRENT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = input;
}
