//! The project's own commands: `cargo xtask test` runs all tests, `cargo xtask lint` all checks of the code, `cargo xtask
//! fetch` brings what tests of the table need, so that `cargo test` works alone. `cargo xtask latency` measures how long an
//! upload takes to show, `cargo xtask lookups` what the mappings of a bucket cost, `cargo xtask release` builds the package that
//! Lambda gets, and `cargo xtask event 10000` prints a large event for `mappings.example.toml`.

mod release;
mod tools;

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::tools::{built, python};

const USAGE: &str = "usage: cargo xtask <test | lint | fetch | latency | lookups | release [--arm64] [--include FILE…] | event MESSAGES>";

/// What no crate below core may bring in: core has no network, async runtime or clock of its own. `time` is allowed, because
/// core parses the times of events with it; `crates/core/clippy.toml` forbids the functions of it that read the clock.
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
    "jiff",
    "rand",
    "fastrand",
    "getrandom",
];

/// Which of our crates each of our crates may use. Dependencies run one way.
const MAY_USE: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("config", &["core"]),
    ("cloudflare", &["core"]),
    ("pipeline", &["core", "cloudflare"]),
    ("sandbox", &["core"]),
    ("aws", &["core", "config", "cloudflare", "pipeline"]),
    ("lambda", &["core", "config", "cloudflare", "pipeline", "aws"]),
    ("cli", &["core", "config", "cloudflare", "pipeline", "aws", "sandbox"]),
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
        ["fetch"] => tools::dynamodb_local(),
        ["latency"] => latency(),
        ["lookups"] => lookups(),
        ["release", ref arguments @ ..] => release::release(arguments),
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
    tools::dynamodb_local()?;
    // It builds the programs, too.
    cargo(&["test", "--workspace", "--locked"])?;
    tools::iam()?;
    end_to_end(&["-m", "pytest", "tests/e2e"])
}

fn latency() -> Step {
    cargo(&["build", "--workspace", "--locked", "--bins"])?;
    end_to_end(&["tests/e2e/latency.py"])
}

fn lookups() -> Step {
    tools::dynamodb_local()?;
    run(Command::new(env!("CARGO"))
        .args(["bench", "--package", "purge-router-aws", "--bench", "lookups", "--locked"])
        .env("DYNAMODB_LOCAL", built()?.join("dynamodb-local")))
}

/// Runs Python with the programs that the end-to-end tests need. `BOOTSTRAP` names another build of the function.
fn end_to_end(arguments: &[&str]) -> Step {
    let built = built()?;
    let bootstrap = env::var_os("BOOTSTRAP").map_or_else(|| built.join("bootstrap"), PathBuf::from);
    let mut command = Command::new(python()?);
    command.env("BOOTSTRAP", bootstrap).env("PURGE_ROUTER", built.join("purge-router"));
    run(command.env("PYTHONDONTWRITEBYTECODE", "1").args(arguments))
}

fn lint() -> Step {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    one_way()?;
    for arguments in [&["check"][..], &["format", "--check"]] {
        for place in [&["tests/e2e"][..], &["--config", "tests/e2e/ruff.toml", "docs"]] {
            run(Command::new(python()?).args(["-m", "ruff"]).args(arguments).args(place))?;
        }
    }
    let sam = tools::environment("sam", "xtask/sam-requirements.txt", "SAM comes by it")?.join("bin/sam");
    let mut validate = Command::new(sam);
    validate.args(["validate", "--lint", "--region", "eu-west-1", "--template", "infra/template.yaml"]);
    run(validate.env("SAM_CLI_TELEMETRY", "0"))?;
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
    // The command has the name of the project.
    let package = if name == "cli" { "purge-router".to_owned() } else { format!("purge-router-{name}") };
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
