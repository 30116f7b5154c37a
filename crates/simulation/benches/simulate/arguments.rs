//! The command's arguments.

pub(crate) const USAGE: &str = "\
usage: cargo xtask simulate [--seeds N] [--from SEED] [--seed SEED] [--threads N] [--trace]

  --seeds N      how many seeds; 10,000 without it
  --from SEED    the first of them; 0 without it
  --seed SEED    only this one
  --threads N    on how many cores; all without it
  --trace        print every event of the first run of each seed";

pub(crate) struct Arguments {
    pub(crate) from: u64,
    pub(crate) seeds: u64,
    pub(crate) threads: usize,
    /// Whether the traces are printed.
    pub(crate) trace: bool,
}

impl Arguments {
    /// `None` if they can't be read.
    pub(crate) fn read() -> Option<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut arguments = Self { from: 0, seeds: 10_000, threads, trace: false };
        // Cargo adds `--bench`.
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            match word.as_str() {
                "--from" => arguments.from = words.next()?.parse().ok()?,
                "--seeds" => arguments.seeds = words.next()?.parse().ok()?,
                "--seed" => (arguments.from, arguments.seeds) = (words.next()?.parse().ok()?, 1),
                "--threads" => arguments.threads = words.next()?.parse().ok()?,
                "--trace" => arguments.trace = true,
                _ => return None,
            }
        }
        Some(arguments)
    }
}
