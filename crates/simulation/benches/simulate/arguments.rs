//! The command's arguments.

use std::time::Duration;

pub(crate) const USAGE: &str = "\
usage: cargo xtask simulate [--seeds N] [--from SEED] [--seed SEED] [--seconds N] [--threads N] [--trace]

  --seeds N      how many seeds; 10,000 without it
  --from SEED    the first of them; 0 without it
  --seed SEED    only this one
  --seconds N    begin no seed after this time
  --threads N    on how many cores; all without it
  --trace        print every event of the first run of each seed";

pub(crate) struct Arguments {
    pub(crate) from: u64,
    pub(crate) seeds: u64,
    pub(crate) threads: usize,
    /// After which time no seed begins.
    pub(crate) longest: Duration,
    /// Whether the traces are printed.
    pub(crate) trace: bool,
}

impl Arguments {
    /// `None` if they can't be read.
    pub(crate) fn read() -> Option<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut arguments = Self { from: 0, seeds: 10_000, threads, longest: Duration::MAX, trace: false };
        // Cargo adds `--bench`.
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            match word.as_str() {
                "--from" => arguments.from = words.next()?.parse().ok()?,
                "--seeds" => arguments.seeds = words.next()?.parse().ok()?,
                "--seed" => (arguments.from, arguments.seeds) = (words.next()?.parse().ok()?, 1),
                "--seconds" => arguments.longest = Duration::from_secs(words.next()?.parse().ok()?),
                "--threads" => arguments.threads = words.next()?.parse().ok()?,
                "--trace" => arguments.trace = true,
                _ => return None,
            }
        }
        Some(arguments)
    }
}
