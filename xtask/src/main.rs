//! The project's own commands: `cargo xtask test` runs all tests, `cargo xtask lint` all checks of the code,
//! `cargo xtask latency` measures how long an upload takes to show, and `cargo xtask event 10000` prints a large event for
//! `mappings.example.toml`.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask <test | lint | latency | event MESSAGES>";

/// What no crate below core may bring in: core has no network, async runtime or clock of its own.
const NOT_BELOW_CORE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "mio",
    "socket2",
    "hyper",
    "reqwest",
    "ureq",
    "rustls",
    "futures-util",
    "chrono",
    "time",
    "jiff",
    "rand",
    "fastrand",
    "getrandom",
];

/// Which of our crates each of our crates may use. Dependencies run one way.
const MAY_USE: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("cloudflare", &["core"]),
    ("pipeline", &["core", "cloudflare"]),
    ("sandbox", &["core"]),
    ("aws", &["core", "cloudflare", "pipeline"]),
    ("lambda", &["core", "cloudflare", "pipeline", "aws"]),
    ("cli", &["core", "cloudflare", "pipeline", "aws", "sandbox"]),
];

type Step = Result<(), String>;

fn main() -> ExitCode {
    // Cargo's alias works in every folder of the workspace, and so do these commands.
    if let Some(root) = env::var_os("CARGO_MANIFEST_DIR").map(|own| PathBuf::from(own).join("..")) {
        let _ = env::set_current_dir(root);
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test(),
        ["lint"] => lint(),
        ["latency"] => latency(),
        ["event", messages] => event(messages),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            complain(&reason);
            ExitCode::FAILURE
        }
    }
}

fn test() -> Step {
    // It builds the programs, too.
    cargo(&["test", "--workspace", "--locked"])?;
    end_to_end(&["-m", "pytest", "tests/e2e"])
}

fn latency() -> Step {
    cargo(&["build", "--workspace", "--locked", "--bins"])?;
    end_to_end(&["tests/e2e/latency.py"])
}

/// Runs Python with the programs that the end-to-end tests need. `BOOTSTRAP` names another build of the function.
fn end_to_end(arguments: &[&str]) -> Step {
    let built = built()?;
    let bootstrap = env::var_os("BOOTSTRAP").map_or_else(|| built.join("bootstrap"), PathBuf::from);
    let mut command = Command::new(python()?);
    command.env("BOOTSTRAP", bootstrap).env("PURGE_ROUTER", built.join("purge-router"));
    run(command.env("PYTHONDONTWRITEBYTECODE", "1").args(arguments))
}

/// A Python with the packages of the end-to-end tests. Its environment is made anew where their list or Python changed.
fn python() -> Result<PathBuf, String> {
    let environment = built()?.join("e2e");
    let (python, stamp) = (environment.join("bin/python"), environment.join("requirements.txt"));
    let list = "tests/e2e/requirements.txt";
    let version = Command::new("python3").arg("--version").output();
    let version =
        version.map_err(|error| format!("python3: {error}; the end-to-end tests need Python 3.11 or later"))?;
    let wanted = fs::read_to_string(list).map_err(|error| format!("{list}: {error}"))?;
    let wanted = format!("# {}{wanted}", String::from_utf8_lossy(&version.stdout));
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))
            .map_err(|reason| format!("{reason}; Debian has it in the package python3-venv"))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement", list]))?;
        fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    }
    Ok(python)
}

/// The folder of the programs that were built: this one is among them.
fn built() -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    program.parent().map(PathBuf::from).ok_or_else(|| format!("{} is in no folder", program.display()))
}

fn lint() -> Step {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    one_way()?;
    for arguments in [&["check"][..], &["format", "--check"]] {
        run(Command::new(python()?).args(["-m", "ruff"]).args(arguments).arg("tests/e2e"))?;
    }
    cargo(&["deny", "--locked", "check", "bans", "licenses", "sources"])
        .map_err(|reason| format!("{reason}; `cargo install cargo-deny --locked` installs it"))
}

/// Dependencies run one way, and core has nothing below it that waits, listens or tells the time.
fn one_way() -> Step {
    for (name, may_use) in MAY_USE {
        let ours = tree(name, &["--depth", "1"])?;
        let ours = ours.iter().filter_map(|line| line.strip_prefix("purge-router-"));
        if let Some(wrong) = ours.filter(|other| other != name).find(|other| !may_use.contains(other)) {
            return Err(format!("crates/{name} uses crates/{wrong}, but may only use {may_use:?} of ours"));
        }
    }
    let below = tree("core", &[])?;
    match below.iter().find(|line| NOT_BELOW_CORE.contains(&line.as_str())) {
        Some(wrong) => Err(format!("crates/core brings in {wrong}; it must stay free of network, async and clock")),
        None => Ok(()),
    }
}

/// The names of a crate's dependencies, without those of its tests.
fn tree(name: &str, more: &[&str]) -> Result<Vec<String>, String> {
    let package = format!("purge-router-{name}");
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "tree",
        "--locked",
        "--package",
        &package,
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let output = command.args(more).output().map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

/// An SQS batch of this many messages. Every tenth repeats the object of the one before it, and every hundredth is of a
/// bucket that nobody maps; the others change objects of two teams in turn.
#[expect(clippy::print_stdout, reason = "this is what was asked for")]
fn event(messages: &str) -> Step {
    let messages: usize =
        messages.parse().map_err(|error| format!("`{messages}` is no number of messages: {error}"))?;
    let record = |nth: usize| {
        let object = if nth % 10 == 9 { nth - 1 } else { nth };
        let (bucket, key) = match (nth % 100 == 50, object % 2) {
            (true, _) => ("nobody-maps-this", format!("{object}.css")),
            (false, 0) => ("assets.website.com", format!("uk/css/{object}.css")),
            (false, _) => ("shared-media", format!("web/photos/{object}.jpg")),
        };
        let body = format!(
            r#"{{"Records":[{{"eventVersion":"2.6","eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-11-02T09:30:00.000Z","s3":{{"bucket":{{"name":"{bucket}"}},"object":{{"key":"{key}"}}}}}}]}}"#
        );
        let body = body.replace('"', r#"\""#);
        format!(r#"{{"messageId":"message-{nth}","eventSource":"aws:sqs","body":"{body}"}}"#)
    };
    let records: Vec<String> = (0..messages).map(record).collect();
    println!("{{\"Records\":[{}]}}", records.join(",\n"));
    Ok(())
}

fn cargo(arguments: &[&str]) -> Step {
    run(Command::new(env!("CARGO")).args(arguments))
}

fn run(command: &mut Command) -> Step {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let shown = words.join(" ");
    complain(&format!("$ {shown}"));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown}: {status}")),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

#[expect(clippy::print_stderr, reason = "this is a command for people")]
fn complain(text: &str) {
    eprintln!("{text}");
}
