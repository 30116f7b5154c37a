//! `test`, and the measurements.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measured::measured;
use crate::pages;
use crate::process::{TaskResult, cargo, cargo_build_release, run};
use crate::tools::install::{build_folder, once, read_text};
use crate::tools::{dynamodb_local, node, python};

pub(crate) fn all() -> TaskResult {
    dynamodb_local::install()?;
    // This builds the programs too. The tests of encoders run Node.js.
    run(Command::new(env!("CARGO")).args(["test", "--workspace", "--locked"]).env("NODE", node::find()?.program()))?;
    check_commands()?;
    iam_policies()?;
    end_to_end(&["-m", "pytest", "tests/e2e", "--numprocesses", "2", "--dist", "worksteal"])
}

/// Builds the command, and checks that pages show only what it has.
pub(crate) fn commands() -> TaskResult {
    build_programs()?;
    check_commands()
}

/// Builds the programs as the tests do. Without what only tests need, the AWS SDKs have other features, and would be built twice.
fn build_programs() -> TaskResult {
    cargo(&["test", "--workspace", "--locked", "--no-run"])
}

fn check_commands() -> TaskResult {
    pages::check_commands(&build_folder()?.join("purge-router"))
}

/// Measures how long an upload takes to be visible.
pub(crate) fn latency() -> TaskResult {
    build_programs()?;
    end_to_end(&["tests/e2e/latency.py"])
}

/// Measures what reading the mappings of a bucket costs.
pub(crate) fn lookups() -> TaskResult {
    dynamodb_local::install()?;
    run(Command::new(env!("CARGO"))
        .args(["bench", "--package", "purge-router-aws", "--bench", "lookups", "--locked"])
        .env("DYNAMODB_LOCAL", dynamodb_local::folder()?))
}

/// Measures core beside rivals, and the command as it is built for a release. The benchmarks are built as for `instructions`,
/// without LTO, which takes minutes.
pub(crate) fn bench(arguments: &[&str]) -> TaskResult {
    let release = build_folder()?.with_file_name("release");
    if matches!(arguments, [] | ["command", ..]) {
        cargo_build_release(&["--package", "purge-router"])?;
    }
    cargo(&["build", "--profile", "bench", "--package", "purge-router-bench", "--locked"])?;
    run(Command::new(release.join("bench")).args(arguments).env("PURGE_ROUTER", release.join("purge-router")))
}

/// Measures cold starts of the release beside rivals. `BOOTSTRAP` names another build of the function.
pub(crate) fn cold_start() -> TaskResult {
    let release = build_folder()?.with_file_name("release");
    cargo_build_release(&["--bins", "--example", "hello", "--package", "purge-router-lambda"])?;
    let node = node::find()?;
    let rivals = Path::new("tests/e2e/cold_start_rivals");
    // Without the packages of Node.js, its rival is left out.
    let _ = once(
        &rivals.join("node_modules/installed"),
        &read_text("tests/e2e/cold_start_rivals/package-lock.json")?,
        || run(node.npm(rivals)?.args(["ci", "--silent", "--no-audit", "--no-fund"])),
    );
    let bootstrap = env::var_os("BOOTSTRAP").map_or_else(|| release.join("bootstrap"), PathBuf::from);
    let modules = rivals.join("node_modules");
    let modules = modules.canonicalize().unwrap_or(modules);
    let mut command = Command::new(python::with_test_packages()?);
    command.env("BOOTSTRAP", bootstrap).env("HELLO", release.join("examples/hello"));
    command.env("NODE", node.program()).env("NODE_PATH", modules);
    run(command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", "tests/e2e").arg("tests/e2e/cold_start.py"))
}

/// Measures how long healthy teams wait for their purges while others are sick. `BOOTSTRAP` names another build of the
/// function.
pub(crate) fn isolation(arguments: &[&str]) -> TaskResult {
    measured("isolation", arguments, benchmark("purge-router-lambda", "isolation"))
}

/// Runs seeds of the simulation.
pub(crate) fn simulate(arguments: &[&str]) -> TaskResult {
    measured("simulate", arguments, benchmark("purge-router-simulation", "simulate"))
}

/// Uploads under faults, on real parts. `BOOTSTRAP` names another build of the function.
pub(crate) fn soak(arguments: &[&str]) -> TaskResult {
    build_programs()?;
    let mut command = python_with_programs()?;
    command.args(["-m", "soak"]);
    measured("soak", arguments, command)
}

/// Measures how long many URLs take, compared with the least time that the limits allow, and how long new messages do.
pub(crate) fn drain(arguments: &[&str]) -> TaskResult {
    measured("drain", arguments, benchmark("purge-router-simulation", "drain"))
}

/// Checks many mutated inputs of each target. The profile is that of tests, which checks overflows, but what the targets
/// spend their time in is optimized.
pub(crate) fn fuzz(arguments: &[&str]) -> TaskResult {
    let mut command = Command::new(env!("CARGO"));
    for package in ["aho-corasick", "globset", "regex-automata", "regex-syntax", "toml", "toml_parser", "winnow"] {
        command.args(["--config", &format!("profile.dev.package.{package}.opt-level=3")]);
    }
    command.args(["run", "--package", "purge-router-fuzz", "--locked", "--"]);
    measured("fuzz", arguments, command)
}

/// Changes the pipeline in one place after the other, and runs a few seeds of the simulation each time.
pub(crate) fn mutants(arguments: &[&str]) -> TaskResult {
    let mut command = Command::new("python3");
    command.args(["-m", "mutants"]).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", "tests");
    measured("mutants", arguments, command)
}

fn benchmark(package: &str, name: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["bench", "--package", package, "--bench", name, "--locked", "--"]);
    command
}

/// Evaluates the IAM policies of the templates.
pub(crate) fn iam_policies() -> TaskResult {
    let folder = Path::new("tests/iam");
    let node = node::find()?;
    let lock_file = read_text("tests/iam/package-lock.json")?;
    once(&folder.join("node_modules/installed"), &lock_file, || {
        run(node.npm(folder)?.args(["ci", "--silent", "--no-audit", "--no-fund"]))
    })?;
    run(node.node(folder)?.arg("--test"))
}

/// Runs Python with the programs that the end-to-end tests need.
fn end_to_end(arguments: &[&str]) -> TaskResult {
    run(python_with_programs()?.args(arguments))
}

/// Python with the programs that the end-to-end tests need. `BOOTSTRAP` names another build of the function.
fn python_with_programs() -> Result<Command, String> {
    let built = build_folder()?;
    let bootstrap = env::var_os("BOOTSTRAP").map_or_else(|| built.join("bootstrap"), PathBuf::from);
    let mut command = Command::new(python::with_test_packages()?);
    command.env("BOOTSTRAP", bootstrap).env("PURGE_ROUTER", built.join("purge-router"));
    command.env("XTASK", built.join("xtask"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", "tests/e2e");
    Ok(command)
}
