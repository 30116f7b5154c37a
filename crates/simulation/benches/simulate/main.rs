//! Runs many seeds and prints what was found, with the simulated hours per minute of CPU: `cargo xtask simulate`.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used, reason = "it is a command")]

mod arguments;
mod per_seed;
mod sum;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use purge_router_simulation::{Options, RunReport};

use crate::arguments::{Arguments, USAGE};
use crate::sum::Sum;

#[path = "../../tests/support/mod.rs"]
mod support;

/// How many failing seeds end it.
const MAX_FAILED: usize = 10;

fn main() -> ExitCode {
    let Some(arguments) = Arguments::read() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let (next, sum) = (AtomicU64::new(arguments.from), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| work(&arguments, &next, &sum));
        }
    });
    sum.into_inner().expect("no thread panicked").print()
}

/// Runs the next seed, again and again.
fn work(arguments: &Arguments, next: &AtomicU64, sum: &Mutex<Sum>) {
    let start = Instant::now();
    while start.elapsed() < arguments.longest {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= arguments.from.saturating_add(arguments.seeds) {
            return;
        }
        if arguments.trace {
            print_trace(seed);
        }
        let examined = support::replay(seed).and_then(|run| Ok((run, support::compare(seed)?)));
        let mut sum = sum.lock().expect("no thread panicked");
        match examined {
            Ok((run, compared)) => sum.add(&run, &compared),
            Err(what) => sum.fail(seed, what),
        }
        if sum.failed() >= MAX_FAILED {
            return;
        }
    }
}

fn print_trace(seed: u64) {
    let RunReport { trace, violations, .. } =
        support::run_seed(seed, Options { keep_trace: true, ..Options::default() });
    trace.iter().for_each(|entry| println!("{entry}"));
    violations.iter().for_each(|violation| println!("VIOLATION {violation}"));
}
