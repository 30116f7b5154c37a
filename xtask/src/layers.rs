//! Dependencies between our crates run one way, and core depends on nothing that waits, listens or reads a clock.

use std::process::Command;

use crate::process::{TaskResult, output};

/// Packages that must not be among core's dependencies: core has no network, async runtime or clock. `time` is allowed,
/// because core parses the times of events with it; core's `clippy.toml` forbids its functions that read the clock.
const FORBIDDEN_IN_CORE: &[&str] = &[
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

/// Our crates that each of our crates may depend on, tests apart.
const ALLOWED_DEPENDENCIES: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("config", &["core"]),
    ("http", &[]),
    ("cloudflare", &["core", "http"]),
    ("pipeline", &["core", "cloudflare"]),
    ("sandbox", &["core"]),
    ("test-support", &["core", "pipeline"]),
    ("aws", &["core", "config", "cloudflare", "http", "pipeline"]),
    ("deployment", &["aws", "cloudflare", "http"]),
    ("bench", &["core", "config"]),
    ("fuzz", &["core", "config", "cloudflare"]),
    ("lambda", &["core", "config", "cloudflare", "http", "pipeline", "aws"]),
    ("simulation", &["core", "config", "cloudflare", "pipeline", "aws", "lambda", "test-support"]),
    ("cli", &["core", "config", "cloudflare", "http", "pipeline", "aws", "deployment", "sandbox"]),
];

/// Checks the direction of dependencies between our crates, and what core may depend on.
pub(crate) fn check() -> TaskResult {
    for (name, allowed) in ALLOWED_DEPENDENCIES {
        let dependencies = dependencies(name, &["--depth", "1"])?;
        let ours = dependencies.iter().filter_map(|package| package.strip_prefix("purge-router-"));
        if let Some(wrong) = ours.filter(|other| other != name).find(|other| !allowed.contains(other)) {
            return Err(format!("crates/{name} depends on crates/{wrong}; of ours, it may depend on {allowed:?}"));
        }
    }
    let of_core = dependencies("core", &[])?;
    match of_core.iter().find(|package| FORBIDDEN_IN_CORE.contains(&package.as_str())) {
        Some(wrong) => Err(format!("crates/core depends on {wrong}; it must not have network, async or clock")),
        None => Ok(()),
    }
}

/// The names of a crate's dependencies, without those of its tests.
fn dependencies(name: &str, more: &[&str]) -> Result<Vec<String>, String> {
    // The command's package has the name of the project.
    let package = if name == "cli" { "purge-router".to_owned() } else { format!("purge-router-{name}") };
    let mut command = Command::new(env!("CARGO"));
    command.args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let lines = output(command.args(["--package", &package]).args(more))?;
    Ok(lines.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}
