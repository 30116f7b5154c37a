//! The command as a whole process, beside the same work in Python.

use std::env;
use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measure::{Spread, machine, wall_timed};
use crate::way::events::{Kind, event, mapping_file};
use crate::way::python;

const ROUNDS: usize = 15;
const RECORDS: usize = 10_000;
const MAPPINGS: usize = 1_000;
/// A mapping has four lines and a bucket three more: so many have a million lines.
const MAPPINGS_OF_A_MILLION_LINES: usize = 215_000;

/// What is measured: its name, our command, and Python's.
type Case<'c> = (&'c str, Command, Option<Command>, usize);

/// Measures the build of the command that `PURGE_ROUTER` names, and returns a table.
pub(crate) fn run() -> String {
    let program = PathBuf::from(env::var_os("PURGE_ROUTER").expect("PURGE_ROUTER names the program: use cargo xtask"));
    let program = &program;
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
        let mut command = purge_router(program, "plan", &mappings);
        command.arg(&event);
        command
    };
    let mut plan_json = plan();
    plan_json.arg("--json");
    let mut start = Command::new(program);
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
            purge_router(program, "check", &mappings),
            Some(python_check(&mappings)),
            ROUNDS,
        ),
        (
            &format!("`check` of {lines} lines (Python: `tomllib.load`)"),
            purge_router(program, "check", &million),
            Some(python_check(&million)),
            3,
        ),
    ];
    let mut table = format!("{}:\n\n| whole process | purge-router, ms | Python, ms | of Python's time |\n", machine());
    table.push_str("| --- | ---: | ---: | ---: |\n");
    table.extend(cases.into_iter().map(row));
    table
}

fn row((name, mut ours, mut python, rounds): Case<'_>) -> String {
    let (mut times, mut times_of_python) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        times.push(run_once(&mut ours));
        times_of_python.extend(python.as_mut().map(run_once));
    }
    let ours = Spread::of(times);
    let mut row = format!("| {name} | {} |", ours.show());
    match python.map(|_| Spread::of(times_of_python)) {
        None => row.push_str(" | |\n"),
        Some(python) => _ = writeln!(row, " {} | {:.2} |", python.show(), ours.median / python.median),
    }
    row
}

fn purge_router(program: &Path, subcommand: &str, mappings: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(subcommand).arg("--mappings").arg(mappings);
    command
}

/// Milliseconds from its start to its end.
fn run_once(command: &mut Command) -> f64 {
    let output = || Stdio::from(File::create("/dev/null").unwrap());
    let took = wall_timed(|| assert!(command.stdout(output()).stderr(output()).status().unwrap().success()));
    took.as_secs_f64() * 1e3
}
