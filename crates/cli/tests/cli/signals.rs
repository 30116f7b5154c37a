//! SIGINT and SIGTERM at each call of a push, and while purges are sent.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use purge_router_dynamodb_local::Action;
use purge_router_sandbox::{Fault, FaultKind};
use serde_json::json;

use crate::fixtures::{Answer, DOCS_ZONE, TOKEN, WorkFolder, both_teams, cloudflare};
use crate::table_fixture::{TableFixture, many};

const ROWS: usize = 210;

pub(crate) fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args(["-s", name, &process.to_string()]).status().unwrap().success());
}

fn spawn(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn answer(child: Child, args: &[&str]) -> Answer {
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    Answer::of(args, output)
}

/// Waits until the process has ended, or until this many calls have arrived: then it is `true`.
async fn arrives(calls: &AtomicUsize, count: usize, child: &mut Child) -> bool {
    loop {
        if calls.load(Ordering::SeqCst) >= count {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The arguments of the command that completes what was stopped.
fn completion(stopped: &Answer) -> Vec<String> {
    let line = stopped.stderr.lines().find_map(|line| line.strip_prefix("to complete it: purge-router "));
    line.unwrap_or_else(|| panic!("{stopped}")).split(' ').map(str::to_owned).collect()
}

const PUSH: [&str; 8] = ["mappings", "push", "--team", "web", "--yes", "--force", "--mappings", "after.toml"];

/// Stops a push at the call of this index, and completes it; whether the push made that call. `is_held`: the call is
/// carried out after the signal; else, it is never answered.
async fn stop_push(index: usize, name: &str, code: i32, is_held: bool) -> bool {
    let fixture = TableFixture::new().await;
    fixture.folder.write("mappings.toml", many(1, "*.css"));
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    fixture.folder.write("after.toml", many(ROWS, "*.js"));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    fixture.table.proxy.on_call(move |_| match counted.fetch_add(1, Ordering::SeqCst) == index {
        true if is_held => Action::Hold,
        true => Action::Hang,
        false => Action::Pass,
    });
    let mut command = fixture.command("alice");
    command.args(PUSH);
    let mut child = spawn(command);
    if !arrives(&calls, index + 1, &mut child).await {
        answer(child, &PUSH).await.with_code(0);
        return false;
    }
    signal(name, child.id());
    fixture.table.proxy.release();
    let stopped = answer(child, &PUSH).await;
    let case = format!("call {index}, {name}, held: {is_held}");
    // A push whose last write was under way is done.
    if stopped.code == Some(0) {
        assert!(is_held && stopped.stdout.contains("revision 1"), "{case}: {stopped}");
    } else {
        assert_eq!(stopped.code, Some(code), "{case}: {stopped}");
        assert!(stopped.stderr.contains("stopped"), "{case}: {stopped}");
        let completing = match stopped.stderr.contains("nothing was written") {
            true => PUSH.map(str::to_owned).to_vec(),
            false => completion(&stopped),
        };
        fixture.run(&completing.iter().map(String::as_str).collect::<Vec<_>>()).with_code(0);
    }
    assert_written_once(&fixture, &case).await;
    true
}

async fn assert_written_once(fixture: &TableFixture, case: &str) {
    let sorts = fixture.table.sorts("TEAM#web").await;
    let mappings: Vec<&String> = sorts.iter().filter(|sort| sort.starts_with("MAPPING#")).collect();
    assert_eq!(mappings.len(), ROWS, "{case}");
    let history = fixture.run(&["mappings", "history", "--team", "web", "--json"]).with_code(0).json();
    assert_eq!(history["revisions"].as_array().unwrap().len(), 1, "{case}");
    assert_eq!(fixture.table.get("TEAM#web", "HEAD").await["pending"], json!(null), "{case}");
    let mut files: Vec<_> =
        std::fs::read_dir(fixture.folder.path("")).unwrap().map(|it| it.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["after.toml", "mappings.toml"], "{case}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_push_that_gets_a_signal_at_any_call_finishes_the_call_and_is_completed_by_the_command_that_it_prints() {
    let mut index = 0;
    while stop_push(index, ["INT", "TERM"][index % 2], [130, 143][index % 2], true).await {
        index += 1;
    }
    assert!(index > 6, "only {index} calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_push_that_gets_a_signal_at_a_call_without_an_answer_stops_within_the_grace_period() {
    let mut index = 0;
    while stop_push(index, ["TERM", "INT"][index % 2], [143, 130][index % 2], false).await {
        index += 1;
    }
    assert!(index > 6, "only {index} calls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_ends_at_once_on_a_signal_and_reports_what_was_purged() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        for is_json in [false, true] {
            let sandbox = cloudflare().start().await.unwrap();
            let hang = Fault { zone_id: Some(DOCS_ZONE.to_owned()), ..Fault::new(FaultKind::Hang) };
            sandbox.add_fault(hang);
            let folder = WorkFolder::new();
            folder.write("event.json", both_teams());
            let mut command = folder.command();
            command.args(["run", "event.json"]).args(is_json.then_some("--json"));
            command.envs([("CLOUDFLARE_BASE_URL", sandbox.api_url().as_str()), ("CLOUDFLARE_API_TOKEN", TOKEN)]);
            command.env("RUST_LOG", "info");
            let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // The batch of team web is purged, and the other one was sent.
            let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
            let mut line = String::new();
            while !line.contains("batch") || sandbox.requests().len() < 2 {
                if !line.contains("batch") {
                    line.clear();
                    assert!(std::io::BufRead::read_line(&mut log, &mut line).unwrap() > 0, "it has ended");
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            signal(name, child.id());
            let report = answer(child, &["run"]).await.with_code(code);
            if is_json {
                let report = report.json();
                assert_eq!(report["outcomes"].as_array().unwrap().len(), 1, "{report}");
                assert_eq!(
                    (&report["outcomes"][0]["status"], &report["failed"]),
                    (&json!("purged"), &json!(["m-docs"]))
                );
            } else {
                assert!(report.stdout.contains("1 done, 1 stopped"), "{report}");
                assert!(report.stdout.ends_with("failed: message m-docs\n"), "{report}");
            }
        }
    }
}

#[test]
fn a_signal_ends_a_command_that_waits_for_its_standard_input() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let folder = WorkFolder::new();
        let mut command = folder.command();
        command.args(["plan", "-"]).env("RUST_LOG", "trace");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It handles signals once it has read the file; until then it is ended by the default action.
        let input = child.stdin.take();
        let start = std::time::Instant::now();
        while !handles_signals(child.id()) {
            assert!(start.elapsed() < Duration::from_secs(30), "it does not handle signals");
            std::thread::sleep(Duration::from_millis(2));
        }
        signal(name, child.id());
        let stopped = Answer::of(&["plan", "-"], child.wait_with_output().unwrap()).with_code(code);
        assert!(stopped.stderr.contains(&format!("error: stopped by SIG{name}; nothing was written\n")), "{stopped}");
        drop(input);
    }
}

/// Whether a process handles SIGINT (bit 1) and SIGTERM (bit 14), from the mask of its caught signals.
fn handles_signals(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    mask & (1 << 1) != 0 && mask & (1 << 14) != 0
}
