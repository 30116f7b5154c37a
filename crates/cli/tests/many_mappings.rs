//! Pushes 100,000 mappings, with a progress bar on a terminal; a second push has nothing to change.

#![allow(clippy::unwrap_used, reason = "clippy does not treat test helpers as tests")]

#[expect(dead_code, reason = "the scenarios are for other tests")]
mod support;

use std::process::{Command, Output};
use std::time::Duration;

use purge_router_dynamodb_local::Table;
use support::purge_router;

const MAPPINGS: usize = 100_000;

/// Longer than a push takes; ends a push that hangs.
const TIME: Duration = Duration::from_secs(1200);

/// How many of them are in one bucket: the maximum. Some of these have a folder each; the others share one.
const IN_A_BUCKET: usize = 10_000;
const FOLDERS: usize = 7_000;

/// A team with so many mappings.
fn file() -> String {
    let buckets: Vec<String> = (0..MAPPINGS / IN_A_BUCKET).map(|index| format!("s3://media-{index}/")).collect();
    let head = format!(
        "version = 1\n[teams.media]\nowns = {buckets:?}\n[teams.media.zones.\"media.com\"]\n\
         zone_id = \"023e105f4ecef8ad9ca31a8372d0c353\"\nhostnames = [\"www.media.com\"]\n"
    );
    let mapping = |index: usize| {
        let bucket = &buckets[index / IN_A_BUCKET];
        let (folder, include) = if index % IN_A_BUCKET < FOLDERS {
            (index.to_string(), "*.css".to_owned())
        } else {
            ("all".to_owned(), format!("{index}.css"))
        };
        format!(
            "[[teams.media.mappings]]\nsource = \"{bucket}{folder}/\"\nzones = [\"media.com\"]\n\
             include = [\"{include}\"]\n"
        )
    };
    head + &(0..MAPPINGS).map(mapping).collect::<String>()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_mappings_are_pushed_with_a_progress_bar() {
    let table = Table::new().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mappings.toml"), file()).unwrap();
    let in_table = |mut command: Command| -> Output {
        command.current_dir(folder.path()).env("MAPPINGS_TABLE", &table.name).env("AWS_ENDPOINT_URL", &table.proxy.url);
        command.env("AWS_REGION", "eu-west-1").env("AWS_ACCESS_KEY_ID", "alice").env("AWS_SECRET_ACCESS_KEY", "secret");
        assert_cmd::Command::from_std(command).timeout(TIME).output().unwrap()
    };
    let run = |args: &[&str]| {
        let mut command = purge_router();
        command.args(args);
        let output = in_table(command);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["grants", "push", "--yes"]);

    table.proxy.calls();
    let push = format!("{} mappings push --yes", env!("CARGO_BIN_EXE_purge-router"));
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--flush", "--command", &push, "/dev/null"]).env("TERM", "xterm");
    let output = in_table(terminal);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", &shown[shown.len().saturating_sub(2000)..]);
    let writes: Vec<_> =
        table.proxy.calls().into_iter().filter(|call| call.operation == "TransactWriteItems").collect();
    let steps = writes.len();
    assert!(steps > MAPPINGS / 100, "{steps}");
    assert!(shown.contains(&format!("/{steps} transactions")), "no progress was shown");
    let seen: Vec<usize> = (1..=9)
        .filter(|tenth| {
            (0..=steps / 10).any(|index| shown.contains(&format!(" {}/{steps} ", steps * tenth / 10 + index)))
        })
        .collect();
    assert!(seen.len() > 5, "the bar moved: {seen:?}");

    let again = run(&["mappings", "push", "--yes"]);
    assert!(again.contains("team media (revision 1)\n  nothing to change"), "{again:.2000}");
    let history = run(&["mappings", "history", "--team", "media"]);
    assert!(history.contains("100001 added"), "{history}");
    let pulled = run(&["mappings", "pull", "--team", "media"]);
    assert_eq!(pulled.matches("[[teams.media.mappings]]").count(), MAPPINGS);
}
