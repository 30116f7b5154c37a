//! What all seeds add up to, as Markdown tables.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use purge_router_simulation::{Figures, HealthyTimes, RunReport};

use crate::per_seed::PerSeed;
use crate::support::Compared;

/// What all seeds add up to.
pub(crate) struct Sum {
    start: Instant,
    seeds: u64,
    simulated: Duration,
    events: usize,
    figures: Figures,
    with_sick: HealthyTimes,
    without_sick: HealthyTimes,
    /// With the sick teams, compared with without them.
    with_to_without: PerSeed,
    /// Without them, compared with other noise.
    other_noise: PerSeed,
    /// Failed seeds and what is wrong with them.
    failed: Vec<(u64, String)>,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            seeds: 0,
            simulated: Duration::ZERO,
            events: 0,
            figures: Figures::default(),
            with_sick: HealthyTimes::default(),
            without_sick: HealthyTimes::default(),
            with_to_without: PerSeed::default(),
            other_noise: PerSeed::default(),
            failed: Vec::new(),
        }
    }
}

impl Sum {
    /// Adds the runs of a seed. The first one ran twice.
    pub(crate) fn add(&mut self, run: &RunReport, compared: &Compared) {
        self.seeds += 1;
        let Compared { with_sick, without_sick, other_noise } = compared;
        for run in [run, run, with_sick, without_sick, other_noise] {
            self.simulated += run.simulated;
            self.events += run.events;
            self.figures.add(&run.figures);
        }
        self.with_sick.add(with_sick);
        self.without_sick.add(without_sick);
        self.with_to_without.add(with_sick, without_sick);
        self.other_noise.add(other_noise, without_sick);
    }

    /// Adds a failed seed, and prints how to replay it.
    pub(crate) fn fail(&mut self, seed: u64, what: String) {
        self.seeds += 1;
        eprintln!("seed {seed}: {what}\n  cargo xtask simulate --seed {seed} --trace");
        self.failed.push((seed, what));
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed.len()
    }

    /// Prints all of it, and whether that is a success.
    pub(crate) fn print(mut self) -> ExitCode {
        self.print_figures();
        println!("\n| fault | injected |\n| --- | ---: |");
        for (fault, count) in &self.figures.faults {
            println!("| {} | {} |", fault.name(), grouped(*count));
        }
        println!("\n| healthy teams, from message to purge | p50, s | p99, s |\n| --- | ---: | ---: |");
        for (name, times) in [("with sick teams", &mut self.with_sick), ("without them", &mut self.without_sick)] {
            let [p50, p99] = [0.5, 0.99].map(|part| times.percentile(part).as_secs_f64());
            println!("| {name} | {p50:.3} | {p99:.3} |");
        }
        println!(
            "\n| of one seed, compared with the run without sick teams | percentile | slower by more than a tenth | and by more than 50 ms | and by more than 100 ms | longest, s |\n| --- | --- | ---: | ---: | ---: | ---: |"
        );
        let rows = [("with sick teams", &self.with_to_without), ("without them, other noise", &self.other_noise)];
        rows.into_iter().flat_map(|(name, seeds)| seeds.rows(name)).for_each(|row| println!("{row}"));
        let isolation = self.with_sick.are_isolated_as(&mut self.without_sick);
        if let Err(what) = &isolation {
            println!("\nFAILED {what}");
        }
        for (seed, what) in &self.failed {
            println!("\nFAILED seed {seed}: {what}\n`cargo xtask simulate --seed {seed} --trace` shows it");
        }
        match self.failed.is_empty() && isolation.is_ok() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }

    fn print_figures(&self) {
        let took = self.start.elapsed();
        let cpu = cpu_time().unwrap_or(took);
        let hours = self.simulated.as_secs_f64() / 3600.0;
        let figures = &self.figures;
        println!("| what | figure |\n| --- | ---: |");
        for (name, figure) in [
            ("seeds, each run five times", self.seeds as usize),
            ("simulated hours", hours as usize),
            ("CPU time, s", cpu.as_secs() as usize),
            ("simulated hours per minute of CPU", (hours / cpu.as_secs_f64() * 60.0) as usize),
            ("events", self.events),
            ("changes", figures.changes),
            ("invocations", figures.invocations),
            ("instances", figures.instances),
            ("purge requests, accepted", figures.accepted),
            ("purge requests, not accepted", figures.refused),
            ("messages deferred to the retry queue", figures.deferred),
            ("dead letters, all of what no retry can purge", figures.dead_letters),
            ("changes that were not purged, because the same content was purged last", figures.unchanged),
            ("old answers of fetches that were under way during a purge", figures.raced_fetches),
            ("seeds with a violation", self.failed.len()),
        ] {
            println!("| {name} | {} |", grouped(figure));
        }
    }
}

/// A number with commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The CPU time of this process, on Linux.
fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    // A tick is a hundredth of a second.
    Some(Duration::from_millis(ticks * 10))
}
