//! The command as a whole process, beside the same work in Python.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "what fails ends this program")]

#[path = "../../core/benches/way/corpus.rs"]
#[allow(dead_code, reason = "an event's whole way needs more kinds of events")]
mod corpus;
#[path = "../../core/benches/way/measure.rs"]
mod measure;
#[path = "../../core/benches/way/python.rs"]
#[allow(dead_code, reason = "an event's whole way needs a running interpreter")]
mod python;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::corpus::{Kind, event, mapping_file};
use crate::measure::{Times, print_machine, ratio, timed};

const ROUNDS: usize = 15;
const MILLISECOND: Duration = Duration::from_millis(1);
const RECORDS: usize = 10_000;
const MAPPINGS: usize = 1_000;
/// A mapping has four lines and a bucket three more: so many have a million lines.
const MAPPINGS_OF_A_MILLION_LINES: usize = 215_000;

/// What is measured: its name, our command, and Python's.
type Case<'c> = (&'c str, Command, Option<Command>, usize);

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let mappings = write("mappings.toml", &mapping_file(MAPPINGS));
    let event = write("event.json", &event(Kind::Sqs, RECORDS, MAPPINGS));
    let million = write("million.toml", &mapping_file(MAPPINGS_OF_A_MILLION_LINES));
    let lines = std::fs::read_to_string(&million).unwrap().lines().count();
    let plan = || {
        let mut command = purge_router("plan", &mappings);
        command.arg(&event);
        command
    };
    let mut plan_json = plan();
    plan_json.arg("--json");
    let mut start = Command::new(env!("CARGO_BIN_EXE_purge-router"));
    start.arg("--version");
    let mut python_start = Command::new("python3");
    python_start.args(["-c", "import json"]);
    let python_check = |path: &Path| {
        let mut command = Command::new("python3");
        command.args(["-c", "import sys, tomllib; tomllib.load(open(sys.argv[1], 'rb'))"]).arg(path);
        command
    };
    let name_of_plan = format!("`plan --json`, {RECORDS} records, {MAPPINGS} mappings");
    let cases: [Case<'_>; 5] = [
        ("start (`--version`; Python: `import json`)", start, Some(python_start), ROUNDS),
        (&name_of_plan, plan_json, Some(python::command(&mappings, &event)), ROUNDS),
        ("the same as text for people", plan(), None, ROUNDS),
        (
            "`check` of these mappings (Python: `tomllib.load`)",
            purge_router("check", &mappings),
            Some(python_check(&mappings)),
            ROUNDS,
        ),
        (
            &format!("`check` of {lines} lines (Python: `tomllib.load`)"),
            purge_router("check", &million),
            Some(python_check(&million)),
            3,
        ),
    ];
    print_machine();
    println!("| whole process | purge-router, ms | Python, ms | of Python's time |");
    println!("| --- | ---: | ---: | ---: |");
    cases.into_iter().for_each(print_row);
}

fn print_row((name, mut ours, mut python, rounds): Case<'_>) {
    let [mut times, mut times_of_python] = [(); 2].map(|()| Times::default());
    for _ in 0..rounds {
        times.push(run_once(&mut ours));
        python.iter_mut().for_each(|python| times_of_python.push(run_once(python)));
    }
    let ours = times.show(MILLISECOND, 1);
    match python {
        None => println!("| {name} | {ours} | | |"),
        Some(_) => {
            let python = times_of_python.show(MILLISECOND, 1);
            println!("| {name} | {ours} | {python} | {:.2} |", ratio(&times, &times_of_python));
        }
    }
}

fn purge_router(subcommand: &str, mappings: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purge-router"));
    command.arg(subcommand).arg("--mappings").arg(mappings);
    command
}

fn run_once(command: &mut Command) -> Duration {
    let output = || Stdio::from(File::create("/dev/null").unwrap());
    timed(|| assert!(command.stdout(output()).status().unwrap().success()))
}
