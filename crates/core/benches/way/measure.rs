//! Times of many rounds, and how they are printed.

use std::time::{Duration, Instant};

/// The times of one way to do the work.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn median(&self) -> Duration {
        self.at(50)
    }

    /// The time that so many percent of the rounds are below.
    fn at(&self, percent: usize) -> Duration {
        let mut times = self.0.clone();
        times.sort_unstable();
        times[(times.len() - 1) * percent / 100]
    }

    /// The median, and what the middle four fifths of the rounds are between, in a unit, for one of so many parts.
    pub(crate) fn show(&self, unit: Duration, parts: usize) -> String {
        let [low, median, high] = [10, 50, 90].map(|percent| {
            let value = self.at(percent).as_secs_f64() / unit.as_secs_f64() / parts as f64;
            if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
        });
        format!("{median} ({low}–{high})")
    }
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}

/// How often one time is of another.
pub(crate) fn ratio(times: &Times, of: &Times) -> f64 {
    times.median().as_secs_f64() / of.median().as_secs_f64()
}

/// The machine and the day, for a table's caption.
pub(crate) fn print_machine() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1)).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let today = time::UtcDateTime::now().date();
    println!("{}, {cores} cores, {}, {today}\n", model.trim(), std::env::consts::ARCH);
}
