//! Runs many seeds and prints what was found, with the simulated hours per minute of CPU: `cargo xtask simulate`.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used, reason = "it is a command")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use purge_router_simulation::{Figures, HealthyTimes, Options, RunReport};

#[path = "../tests/support/mod.rs"]
mod support;

const USAGE: &str = "usage: cargo xtask simulate [--seeds N] [--from SEED] [--threads N] [--trace]";

/// How many failing seeds end it.
const MAX_FAILED: usize = 10;

struct Arguments {
    from: u64,
    seeds: u64,
    threads: usize,
    /// Whether the traces are printed.
    trace: bool,
}

/// What all seeds add up to.
#[derive(Default)]
struct Sum {
    seeds: u64,
    events: usize,
    simulated: Duration,
    figures: Figures,
    with_sick: HealthyTimes,
    without_sick: HealthyTimes,
    failed: Vec<(u64, String)>,
}

fn main() -> ExitCode {
    let Some(arguments) = Arguments::read() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let (start, next, sum) = (Instant::now(), AtomicU64::new(arguments.from), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| work(&arguments, &next, &sum));
        }
    });
    let sum = sum.into_inner().expect("no thread panicked");
    report(sum, &arguments, start.elapsed())
}

impl Arguments {
    fn read() -> Option<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut arguments = Self { from: 0, seeds: 1000, threads, trace: false };
        // Cargo adds `--bench`.
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            match word.as_str() {
                "--from" => arguments.from = words.next()?.parse().ok()?,
                "--seeds" => arguments.seeds = words.next()?.parse().ok()?,
                "--threads" => arguments.threads = words.next()?.parse().ok()?,
                "--trace" => arguments.trace = true,
                _ => return None,
            }
        }
        Some(arguments)
    }
}

fn work(arguments: &Arguments, next: &AtomicU64, sum: &Mutex<Sum>) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= arguments.from + arguments.seeds {
            return;
        }
        if arguments.trace {
            print_trace(seed);
        }
        let examined = support::replay(seed).and_then(|run| Ok((run, support::compare(seed)?)));
        let mut sum = sum.lock().expect("no thread panicked");
        sum.seeds += 1;
        match examined {
            Ok((run, (with_sick, without_sick))) => sum.add(&run, &with_sick, &without_sick),
            Err(what) => sum.fail(seed, what),
        }
        if sum.failed.len() >= MAX_FAILED {
            return;
        }
    }
}

impl Sum {
    fn add(&mut self, run: &RunReport, with_sick: &RunReport, without_sick: &RunReport) {
        // The first one ran twice.
        for run in [run, run, with_sick, without_sick] {
            self.simulated += run.simulated;
            self.events += run.events;
            self.figures.add(&run.figures);
        }
        self.with_sick.add(with_sick);
        self.without_sick.add(without_sick);
    }

    fn fail(&mut self, seed: u64, what: String) {
        eprintln!("seed {seed}: {what}\n  cargo xtask simulate --from {seed} --seeds 1 --trace");
        self.failed.push((seed, what));
    }
}

fn print_trace(seed: u64) {
    let RunReport { trace, violations, .. } =
        support::run_seed(seed, Options { keep_trace: true, ..Options::default() });
    trace.iter().for_each(|entry| println!("{entry}"));
    violations.iter().for_each(|violation| println!("VIOLATION {violation}"));
}

fn report(mut sum: Sum, arguments: &Arguments, took: Duration) -> ExitCode {
    let cpu = cpu_time().unwrap_or(took * arguments.threads as u32);
    let hours = sum.simulated.as_secs_f64() / 3600.0;
    let Figures { changes, invocations, instances, killed, accepted, refused, dead_letters, raced_fetches } =
        sum.figures;
    println!("seeds                         {}, each run four times", sum.seeds);
    println!("simulated hours               {hours:.0}");
    println!("CPU time                      {:.1} s", cpu.as_secs_f64());
    println!("simulated hours a CPU minute  {:.0}", hours / cpu.as_secs_f64() * 60.0);
    println!("events                        {}", sum.events);
    println!("changes                       {changes}");
    println!("invocations                   {invocations}, {instances} instances, {killed} of them killed");
    println!("requests                      {accepted} accepted, {refused} not");
    println!("dead letters                  {dead_letters}, all of them what no retry can purge");
    println!("old answers of raced fetches  {raced_fetches}");
    for (name, times) in [("with sick teams ", &mut sum.with_sick), ("without sick teams", &mut sum.without_sick)] {
        let (p50, p99) = (times.percentile(0.5), times.percentile(0.99));
        println!("healthy teams, {name:<18}  p50 {p50:?}, p99 {p99:?}");
    }
    let isolation = sum.with_sick.are_isolated_as(&mut sum.without_sick);
    if let Err(what) = &isolation {
        println!("FAILED {what}");
    }
    for (seed, what) in &sum.failed {
        println!("FAILED seed {seed}: {what}");
    }
    match sum.failed.is_empty() && isolation.is_ok() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The CPU time of this process, on Linux.
fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    // A tick is a hundredth of a second.
    Some(Duration::from_millis(ticks * 10))
}
