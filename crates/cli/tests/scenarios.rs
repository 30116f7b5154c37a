//! Every folder of `tests/scenarios` has mappings, an event and the expected plan. Each goes through core, `plan
//! --json`, `run --sandbox --json` and the function's handler. To add a scenario, add a folder.
//!
//! `UPDATE_SCENARIOS=1 cargo test -p purge-router --test scenarios` writes what `plan --json` prints into each
//! `expected.json`. Read the diff before you commit it: it is what the function will send. If `CI` is set, the variable
//! is refused.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy does not treat test helpers as tests")]

mod support;

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use assert_cmd::Command;
use purge_router_aws::SqsRetryQueue;
use purge_router_cloudflare::{ApiToken, Client, Credential};
use purge_router_core::{Zone, decode, plan};
use purge_router_lambda::{Function, InvocationError, MappingSource};
use purge_router_pipeline::{Clock, Executor, Freshness, Settings, TokenError, TokenStore};
use purge_router_sandbox::{Sandbox, zone_secret};
use serde_json::{Value, json};
use support::{purge_router, scenarios};

const FEWEST: usize = 25;
const FILES: [&str; 3] = ["mappings.toml", "event.json", "expected.json"];
const TIME: Duration = Duration::from_secs(60);
const THREADS: usize = 4;

/// One folder.
struct Scenario {
    name: String,
    folder: PathBuf,
}

#[test]
fn every_scenario_leads_to_its_plan() {
    let update = is_set("UPDATE_SCENARIOS");
    assert!(!(update && is_set("CI")), "UPDATE_SCENARIOS would make every scenario pass: it is not for CI");
    let all = all();
    assert!(all.len() >= FEWEST, "only {} scenarios are in {}", all.len(), scenarios().display());
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(scenario) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let problems = scenario.problems(update);
                    wrong.lock().unwrap().extend(problems.into_iter().map(|it| format!("{}: {it}", scenario.name)));
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(wrong.is_empty(), "{} mismatches\n\n{}", wrong.len(), wrong.join("\n\n"));
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

fn all() -> Vec<Scenario> {
    let entries = fs::read_dir(scenarios()).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<Scenario> = entries
        .filter(|path| path.is_dir())
        .map(|folder| Scenario { name: folder.file_name().unwrap().to_string_lossy().into_owned(), folder })
        .collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

impl Scenario {
    /// All mismatches.
    fn problems(&self, update: bool) -> Vec<String> {
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !self.name.chars().all(kebab) {
            return vec!["the folder's name is not kebab-case".to_owned()];
        }
        let (planned, planned_well) = self.command("plan", &[]);
        if let (true, Ok(printed)) = (update, &planned) {
            fs::write(self.file("expected.json"), printed).unwrap();
        }
        if let Some(missing) = FILES.iter().find(|name| !self.file(name).is_file()) {
            return vec![format!("{missing} is missing")];
        }
        let (mappings, expected_text) = (self.text("mappings.toml"), self.text("expected.json"));
        let expected: Value = match serde_json::from_str(&expected_text) {
            Ok(expected) => expected,
            Err(error) => return vec![format!("expected.json: {error}")],
        };
        let mut problems = Vec::new();
        if !mappings.starts_with("# ") {
            problems.push("mappings.toml does not begin with a comment that says the point".to_owned());
        }
        problems.extend(through_core(&mappings, &fs::read(self.file("event.json")).unwrap(), &expected).err());
        match planned {
            Err(problem) => problems.push(format!("plan: {problem}")),
            Ok(printed) if printed != expected_text => {
                problems.push(format!("plan --json prints otherwise\n{}", difference(&expected_text, &printed)));
            }
            Ok(_) => {}
        }
        let fails = !failed(&expected).is_empty();
        if planned_well == fails {
            problems.push(format!("plan: exit code 0 is {planned_well}, though something fails: {fails}"));
        }
        problems.extend(self.through_a_sandbox(&expected).err().map(|problem| format!("run --sandbox: {problem}")));
        let event = fs::read(self.file("event.json")).unwrap();
        problems.extend(through_the_function(&mappings, &event, &expected).err().map(|it| format!("function: {it}")));
        problems
    }

    /// `run --sandbox` sends exactly the planned batches, and fails only what was rejected. The second purges, for which it
    /// would wait, are tested by themselves.
    fn through_a_sandbox(&self, expected: &Value) -> Result<(), String> {
        let (printed, done) = self.command("run", &["--sandbox", "--once"]);
        let report: Value = serde_json::from_str(&printed?).map_err(|error| format!("no JSON: {error}"))?;
        same("batches", &expected["batches"], &report["batches"])?;
        let batches = expected["batches"].as_array().map_or(0, Vec::len);
        let outcome = |index| json!({ "batch": index, "status": "purged", "attempts": 1 });
        let seen: Vec<Value> = report["outcomes"].as_array().into_iter().flatten().map(without_ray).collect();
        same("outcomes", &(0..batches).map(outcome).collect(), &Value::Array(seen))?;
        let failed = failed(expected);
        same("failed", &json!(failed), &report["failed"])?;
        match done == failed.is_empty() {
            true => Ok(()),
            false => Err(format!("exit code 0 is {done}, with {} failed origins", failed.len())),
        }
    }

    /// What a command prints for this scenario with `--json`, and whether it ended with 0. Anything on standard error
    /// but these notes is a problem.
    fn command(&self, name: &str, more: &[&str]) -> (Result<String, String>, bool) {
        let mut command = Command::from_std(purge_router());
        command.timeout(TIME).arg(name).arg(self.file("event.json")).arg("--json").args(more);
        let output = command.arg("--mappings").arg(self.file("mappings.toml")).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout), String::from_utf8_lossy(&output.stderr));
        let notes = ["mappings: ", "sandbox: nothing leaves this machine", "warning: `run` does not verify: "];
        let is_expected = |line: &str| notes.iter().any(|note| line.starts_with(note));
        let well = stderr.lines().all(is_expected);
        let printed = match (stdout, well, output.status.code()) {
            (Ok(stdout), true, Some(0 | 1)) => Ok(stdout),
            (_, _, code) => Err(format!("exit code {code:?}, on standard error:\n{stderr}")),
        };
        (printed, output.status.success())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn text(&self, name: &str) -> String {
        read(&self.file(name))
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn through_core(mappings: &str, event: &[u8], expected: &Value) -> Result<(), String> {
    let mappings =
        purge_router_config::from_toml(mappings).map_err(|problems| format!("mappings.toml: {problems:#?}"))?;
    let event = decode(event).map_err(|error| format!("event.json: {error}"))?;
    same("core's plan", expected, &serde_json::to_value(plan(&mappings, event)).unwrap())
}

/// The origins that fail, each once: those of what is rejected and not unpurgeable.
fn failed(expected: &Value) -> Vec<&Value> {
    let mut failed: Vec<&Value> = Vec::new();
    for rejected in expected["rejected"].as_array().into_iter().flatten() {
        if rejected["kind"] != "unpurgeable" && !failed.contains(&&rejected["origin"]) {
            failed.push(&rejected["origin"]);
        }
    }
    failed
}

/// The function's handler, over HTTP: what a sandbox received is the planned batches, and the response names what
/// failed.
#[tokio::main(flavor = "current_thread")]
async fn through_the_function(mappings: &str, event: &[u8], expected: &Value) -> Result<(), String> {
    let mappings =
        purge_router_config::from_toml(mappings).map_err(|problems| format!("mappings.toml: {problems:#?}"))?;
    let sandbox = Sandbox::builder().mappings(&mappings).start().await.unwrap();
    let tokens = mappings.zones().map(|zone| (zone.token.to_string(), zone_secret(zone))).collect();
    let client = Client::new(&sandbox.api_url()).unwrap();
    let executor = Executor::new(client, Tokens(tokens), Settings::default(), Clock::system());
    let function = Function::<_, _, SqsRetryQueue>::new(MappingSource::File(mappings), executor, None);
    let response = function.handle(event, function.clock().now() + TIME).await;

    let sent = sandbox.requests().into_iter().map(|request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        (format!("{} {body}", request.path), request.status)
    });
    let mut sent: Vec<(String, Option<u16>)> = sent.collect();
    let planned = expected["batches"].as_array().into_iter().flatten().map(|batch| {
        let [zone_id, mode] = ["zone_id", "mode"].map(|field| batch[field].as_str().unwrap_or_default());
        let environment = batch["environment"].as_str().map(|id| format!("/environments/{id}")).unwrap_or_default();
        (format!("/client/v4/zones/{zone_id}{environment}/{mode}_cache {}", batch["body"]), Some(200))
    });
    let mut planned: Vec<(String, Option<u16>)> = planned.collect();
    // Zones are served side by side.
    sent.sort();
    planned.sort();
    same("requests", &json!(planned), &json!(sent))?;

    match (response, &failed(expected)[..]) {
        (Err(InvocationError::NotPurged(_)), [Value::String(origin)]) if origin == "invocation" => Ok(()),
        (Err(error), _) => Err(format!("fails as a whole: {error}")),
        (Ok(response), failed) => {
            let failures: Vec<Value> = failed.iter().map(|id| json!({ "itemIdentifier": id })).collect();
            same("response", &json!({ "batchItemFailures": failures }), &serde_json::to_value(response).unwrap())
        }
    }
}

/// Tokens by parameter.
struct Tokens(HashMap<String, String>);

impl TokenStore for Tokens {
    async fn token(&self, zone: &Zone, _: Freshness) -> Result<Credential, TokenError> {
        Ok(ApiToken::parse(&self.0[zone.token.as_str()]).unwrap().into())
    }
}

fn without_ray(outcome: &Value) -> Value {
    let mut outcome = outcome.clone();
    outcome.as_object_mut().and_then(|fields| fields.remove("ray"));
    outcome
}

fn same(what: &str, expected: &Value, seen: &Value) -> Result<(), String> {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    match expected == seen {
        true => Ok(()),
        false => Err(format!("{what} differ\n{}", difference(&pretty(expected), &pretty(seen)))),
    }
}

/// The lines from the first to the last that differ, `-` as expected and `+` as seen.
fn difference(expected: &str, seen: &str) -> String {
    let (expected, seen): (Vec<&str>, Vec<&str>) = (expected.split('\n').collect(), seen.split('\n').collect());
    let same_start = expected.iter().zip(&seen).take_while(|(one, other)| one == other).count();
    let (expected, seen) = (&expected[same_start..], &seen[same_start..]);
    let same_end = expected.iter().rev().zip(seen.iter().rev()).take_while(|(one, other)| one == other).count();
    let mut text = format!("  from line {}:", same_start + 1);
    for (sign, lines) in [('-', expected), ('+', seen)] {
        lines[..lines.len() - same_end].iter().for_each(|line| write!(text, "\n  {sign} {line}").unwrap());
    }
    text
}

#[test]
fn a_difference_shows_only_what_differs() {
    assert_eq!(difference("a\nb\nc\nd", "a\nx\ny\nd"), "  from line 2:\n  - b\n  - c\n  + x\n  + y");
    assert_eq!(difference("a\n", "a"), "  from line 2:\n  - ");
}
