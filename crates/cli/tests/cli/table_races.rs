//! Pushes that meet, and pushes that are killed.

use std::process::{Command, Output, Stdio};

use purge_router_dynamodb_local::Action;
use serde_json::json;

use crate::fixtures::{Answer, assert_answer};
use crate::table_fixture::{TableFixture, many};

const WRITE: &str = "TransactWriteItems";

fn push(fixture: &TableFixture, user: &str, file: &str) -> Command {
    let mut command = fixture.command(user);
    command.args(["mappings", "push", "--team", "web", "--yes", "--force", "--mappings", file]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn answer(output: Output) -> Answer {
    Answer::of(&["mappings", "push"], output)
}

async fn granted() -> TableFixture {
    let fixture = TableFixture::new().await;
    fixture.folder.write("mappings.toml", many(1, "*.css"));
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    fixture
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_pushes_at_the_same_time_the_second_learns_who_won() {
    for (count, what) in [(3, "one transaction each"), (150, "several transactions each")] {
        let fixture = granted().await;
        fixture.folder.write("a.toml", many(count, "*.css"));
        fixture.folder.write("b.toml", many(count, "*.js"));
        fixture.table.proxy.calls();
        fixture.table.proxy.on_write_from(0, Action::Hold);
        let pushes =
            [("alice", "a.toml"), ("bob", "b.toml")].map(|(user, file)| push(&fixture, user, file).spawn().unwrap());
        // Both have read the same.
        fixture.table.proxy.arrived(WRITE, 2).await;
        fixture.table.proxy.release();
        let mut answers = pushes.map(|push| answer(push.wait_with_output().unwrap()));
        answers.sort_by_key(|answer| answer.code);
        let [won, lost] = answers;
        assert_eq!((won.code, lost.code), (Some(0), Some(1)), "{what}: {won} {lost}");
        let include = fixture.table.get("TEAM#web", "MAPPING#assets.website.com/0001/").await["include"].clone();
        let (winner, wrote) = if include == json!(["*.css"]) { ("alice", "*.css") } else { ("bob", "*.js") };
        let winner = format!("by arn:aws:iam::123456789012:user/{winner}");
        assert!(lost.stderr.contains(&winner), "{what}: {lost}");
        let is_told = ["another push came first: revision 1", "is in progress or was interrupted"]
            .map(|it| lost.stderr.contains(it));
        assert_ne!(is_told[0], is_told[1], "{what}: {lost}");
        for sort in fixture.table.sorts("TEAM#web").await.iter().filter(|sort| sort.starts_with("MAPPING#")) {
            assert_eq!(fixture.table.get("TEAM#web", sort).await["include"], json!([wrote]));
        }
        let history = fixture.run(&["mappings", "history", "--team", "web", "--json"]).with_code(0).json();
        assert_eq!(history["revisions"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_is_interrupted_says_how_far_it_came() {
    let fixture = granted().await;
    fixture.folder.write("many.toml", many(250, "*.css"));
    fixture.table.proxy.calls();
    fixture.table.proxy.on_write_from(2, Action::Hang);
    let interrupted = push(&fixture, "alice", "many.toml").spawn().unwrap();
    fixture.table.proxy.arrived(WRITE, 3).await;
    let interrupt = Command::new("kill").args(["-s", "INT", &interrupted.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let stopped = answer(interrupted.wait_with_output().unwrap()).with_code(130);
    assert!(stopped.stderr.contains("stopped after 2 of "), "{stopped}");
    fixture.table.proxy.release();
    // What it left is pulled with a warning.
    for args in [&["pull", "--team", "web"][..], &["pull"]] {
        let pulled = fixture.run(&[&["mappings"], args].concat()).with_code(0);
        let warning =
            "warning: team web may be half-written: a push by arn:aws:iam::123456789012:user/alice, started at ";
        assert!(pulled.stderr.lines().any(|line| line.starts_with(warning)), "{pulled}");
    }
    let history = fixture.run(&["mappings", "history", "--team", "web", "--json"]).with_code(0).json();
    assert_eq!(history["pending"]["by"], "arn:aws:iam::123456789012:user/alice");
    // A push of something else is refused.
    fixture.folder.write("few.toml", many(1, "*.js"));
    let mut other = fixture.command("carol");
    other.args(["mappings", "push", "--team", "web", "--yes", "--mappings", "few.toml"]);
    let other = answer(other.output().unwrap()).with_code(1);
    assert!(other.stderr.contains("is in progress or was interrupted"), "{other}");
    answer(push(&fixture, "alice", "many.toml").output().unwrap()).with_code(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_of_many_teams_that_is_interrupted_says_which_are_written() {
    let fixture = TableFixture::new().await;
    // One more than are written side by side, so the last one is started when another one is written.
    let team = |index: usize| {
        format!(
            "[teams.team{index}]\nowns = [\"s3://bucket{index}/\"]\n[teams.team{index}.zones.\"site{index}.com\"]\n\
             zone_id = \"{index:032x}\"\nhostnames = [\"www.site{index}.com\"]\n"
        )
    };
    fixture.folder.write("mappings.toml", format!("version = 1\n{}", (0..9).map(team).collect::<String>()));
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    for is_json in [false, true] {
        fixture.table.proxy.calls();
        fixture.table.proxy.on_call(|call| {
            match call.operation == WRITE && call.body.to_string().contains("TEAM#team8") {
                true => Action::Hang,
                false => Action::Pass,
            }
        });
        let mut command = fixture.command("alice");
        command.args(["mappings", "push", "--yes"]).args(is_json.then_some("--json"));
        let push = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        fixture.table.proxy.arrived(WRITE, 9).await;
        assert!(Command::new("kill").args(["-s", "INT", &push.id().to_string()]).status().unwrap().success());
        let stopped = answer(push.wait_with_output().unwrap()).with_code(130);
        fixture.table.proxy.release();
        let reason = "stopped: `diff` shows whether it was written";
        assert!(stopped.stderr.lines().any(|line| line == format!("error: team team8: {reason}")), "{stopped}");
        if is_json {
            let edits = stopped.json()["edits"].as_array().unwrap().clone();
            assert!(edits.iter().any(|edit| edit["pushed"]["revision"] == 2), "{stopped}");
            assert_eq!(edits[8]["pushed"]["error"], reason);
        } else {
            assert!(stopped.stdout.contains(": revision 1\n"), "{stopped}");
        }
        let text = fixture.folder.read("mappings.toml");
        fixture.folder.write("mappings.toml", text.replace("[\"www.", "[\"cdn."));
        if !is_json {
            let mut rest = fixture.command("alice");
            let rest = rest.args(["mappings", "push", "--yes", "--mappings", "first.toml"]);
            fixture.folder.write("first.toml", text);
            answer(rest.output().unwrap()).with_code(0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_is_interrupted_is_completed_by_the_same_one() {
    let fixture = granted().await;
    fixture.folder.write("many.toml", many(150, "*.css"));
    fixture.folder.write("none.toml", "version = 1\n");
    answer(push(&fixture, "alice", "many.toml").output().unwrap()).with_code(0);
    fixture.table.proxy.calls();
    fixture.table.proxy.on_write_from(3, Action::Refuse(500, "InternalServerError", "gone"));
    answer(push(&fixture, "alice", "none.toml").output().unwrap()).with_code(1);
    fixture.table.proxy.release();
    assert_eq!(fixture.run(&["mappings", "pull", "--team", "web"]).with_code(0).stdout.matches("[[").count(), 0);
    answer(push(&fixture, "alice", "none.toml").output().unwrap()).with_code(0);
    assert_eq!(fixture.table.get("TEAM#web", "HEAD").await["pending"], json!(null));
    // Then there is nothing left to remove.
    let nothing = answer(push(&fixture, "alice", "none.toml").output().unwrap()).with_code(1);
    assert!(nothing.stderr.contains("team web not found in the file or in the table "), "{nothing}");
    let removal = ["grants", "push", "--team", "web", "--yes", "--force", "--mappings", "none.toml"];
    fixture.run(&removal).with_code(0);
    fixture.run(&removal).with_code(1);
    let mut head = fixture.table.get("GRANTS", "HEAD").await;
    head["pending"] = json!({ "push": "1", "by": "zoe", "at": "now", "summary": "all", "document": head["document"] });
    fixture.table.put("GRANTS", "HEAD", head).await;
    fixture.run(&removal).with_code(0);
    assert_eq!(fixture.table.get("GRANTS", "HEAD").await["pending"], json!(null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_is_killed_at_any_step_is_completed_by_a_second_one() {
    let mut index = 0;
    loop {
        let fixture = granted().await;
        fixture.folder.write("before.toml", many(120, "*.css"));
        fixture.folder.write("after.toml", many(130, "*.js"));
        answer(push(&fixture, "zoe", "before.toml").output().unwrap()).with_code(0);
        let diff = ["mappings", "diff", "--team", "web", "--mappings", "after.toml"];
        let approved = fixture.run(&[&diff[..], &["--json"]].concat()).with_code(0).json();
        let approved = approved["checksum"].as_str().unwrap();
        fixture.table.proxy.calls();
        fixture.table.proxy.on_write_from(index, Action::Hang);
        let mut killed = push(&fixture, "alice", "after.toml").spawn().unwrap();
        let is_over = tokio::select! {
            () = fixture.table.proxy.arrived(WRITE, index + 1) => false,
            () = async { while killed.try_wait().unwrap().is_none() { tokio::task::yield_now().await } } => true,
        };
        if is_over {
            assert!(index > 4, "only {index} transactions");
            break;
        }
        killed.kill().unwrap();
        killed.wait().unwrap();
        fixture.table.proxy.release();
        if index > 0 {
            let shown = fixture.run(&diff).with_code(0);
            assert!(shown.stdout.contains("unfinished: a push by arn:aws:iam::123456789012:user/alice"), "{shown}");
            let other = answer(push(&fixture, "carol", "before.toml").output().unwrap()).with_code(1);
            assert!(other.stderr.contains("user/alice, started at "), "{other}");
            if index == 2 {
                assert_answer("table_unfinished", &fixture.run(&["mappings", "history", "--team", "web"]).with_code(0));
            }
        }
        // What was approved at first is still what is asked for, but not once somebody has edited what there is.
        if index % 2 == 1 {
            let sorts = fixture.table.sorts("TEAM#web").await;
            let sort = sorts.iter().find(|sort| sort.starts_with("MAPPING#")).unwrap();
            let row = fixture.table.get("TEAM#web", sort).await;
            let mut edited = row.clone();
            edited["mode"] = json!("invalidate");
            fixture.table.put("TEAM#web", sort, edited).await;
            let mut push = push(&fixture, "bob", "after.toml");
            let refused = answer(push.args(["--expect", approved]).output().unwrap()).with_code(1);
            assert!(refused.stdout.contains("drift: rows were edited in the table since it stopped"), "{refused}");
            fixture.table.put("TEAM#web", sort, row).await;
        }
        let mut again = push(&fixture, "bob", "after.toml");
        let again = answer(again.args(["--expect", approved]).output().unwrap()).with_code(0);
        assert!(again.stdout.contains("team web: "), "{again}");
        let sorts = fixture.table.sorts("TEAM#web").await;
        let mappings: Vec<&String> = sorts.iter().filter(|sort| sort.starts_with("MAPPING#")).collect();
        assert_eq!(mappings.len(), 130);
        for sort in mappings {
            assert_eq!(fixture.table.get("TEAM#web", sort).await["include"], json!(["*.js"]));
        }
        let left = fixture.run(&diff).with_code(0).stdout;
        assert!(left.contains("(revision 2)") && left.contains("nothing to change"), "{left}");
        index += 1;
    }
}
