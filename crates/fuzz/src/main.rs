//! `cargo xtask fuzz`: runs targets and prints a table; or replays files.

use std::process::{ExitCode, exit};
use std::time::Duration;
use std::{env, fs, thread};

use purge_router_fuzz::memory;
use purge_router_fuzz::run::{CURRENT, Summary, check, run};
use purge_router_fuzz::target::{TARGETS, Target};

const USAGE: &str = "usage: cargo xtask fuzz [--target NAME] [--runs N] [--seconds N] [--seed N] [--replay FILE]";
/// An input that takes longer hangs.
const HANG: Duration = Duration::from_secs(10);

struct Options {
    target: Option<String>,
    runs: u64,
    longest: Duration,
    seed: u64,
    replay: Option<String>,
}

fn main() -> ExitCode {
    let failed = match options().and_then(|options| fuzz(&options)) {
        Ok(failed) => failed,
        Err(reason) => {
            print(&reason);
            true
        }
    };
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn options() -> Result<Options, String> {
    let mut options = Options { target: None, runs: 100_000, longest: Duration::MAX, seed: 1, replay: None };
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        let number = || value.parse().map_err(|error| format!("{name} {value}: {error}"));
        match name.as_str() {
            "--target" => options.target = Some(value),
            "--runs" => options.runs = number()?,
            "--seconds" => options.longest = Duration::from_secs(number()?),
            "--seed" => options.seed = number()?,
            "--replay" => options.replay = Some(value),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

/// Whether a target failed.
fn fuzz(options: &Options) -> Result<bool, String> {
    let is_wanted = |target: &Target| options.target.as_ref().is_none_or(|name| name == target.name);
    let targets: Vec<Target> = TARGETS.into_iter().filter(is_wanted).collect();
    if targets.is_empty() {
        return Err(format!("no such target; there are {}", TARGETS.map(|target| target.name).join(", ")));
    }
    let mut failed = false;
    print("| target | runs | seconds | runs/s | longest input, ms | most work, KiB | peak memory, MiB | failures |");
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for target in targets {
        watch(target);
        failed |= run_target(target, options)?;
    }
    Ok(failed)
}

fn run_target(target: Target, options: &Options) -> Result<bool, String> {
    let summary = if let Some(file) = &options.replay {
        let input = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        let mut summary = Summary { runs: 1, ..Summary::default() };
        summary.failure = check(target, &input, &mut summary).err().map(|reason| (input, reason));
        summary
    } else {
        let corpus = target.corpus().map_err(|error| format!("the corpus of {}: {error}", target.name))?;
        let inputs: Vec<Vec<u8>> = corpus.into_iter().map(|(_, input)| input).collect();
        run(target, &inputs, options.runs, options.longest, options.seed)
    };
    let seconds = summary.elapsed.as_secs_f64();
    print(&format!(
        "| {} | {} | {seconds:.1} | {:.0} | {:.1} | {} | {} | {} |",
        target.name,
        summary.runs,
        summary.runs as f64 / seconds.max(0.001),
        summary.longest.as_secs_f64() * 1000.0,
        summary.most_work / 1024,
        memory::peak() / 1024 / 1024,
        usize::from(summary.failure.is_some()),
    ));
    let Some((input, reason)) = summary.failure else { return Ok(false) };
    report(target, &input, &reason);
    Ok(true)
}

/// Ends the process when an input hangs.
fn watch(target: Target) {
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            let current = CURRENT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
            if let Some((since, input)) = current
                && since.elapsed() > HANG
            {
                report(target, &input, "it hangs");
                exit(1);
            }
        }
    });
}

/// Writes the input to a file, and prints how to replay it.
fn report(target: Target, input: &[u8], reason: &str) {
    let file = env::temp_dir().join(format!("purge-router-fuzz-{}", target.name));
    let written = fs::write(&file, input).map_or_else(|error| error.to_string(), |()| file.display().to_string());
    print(&format!("{}: {reason}\ncargo xtask fuzz --target {} --replay {written}", target.name, target.name));
}

#[expect(clippy::print_stdout, reason = "this is the result of the command")]
fn print(text: &str) {
    println!("{text}");
}
