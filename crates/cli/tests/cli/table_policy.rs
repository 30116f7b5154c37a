//! Pushes that are refused, or that need an approval: stale files, large changes, and other differences than were
//! approved.

use std::process::Command;

use purge_router_dynamodb_local::Action;
use serde_json::json;

use crate::fixtures::{MAPPINGS, assert_answer};
use crate::table_fixture::{TableFixture, many};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_older_than_the_table_is_refused() {
    let fixture = TableFixture::pushed().await;
    for (kind, place, from, to, other) in [
        ("mappings", "in [teams.web]", "*.{css,js,html}", "*.{css,js}", "*.svg"),
        (
            "grants",
            "at the top",
            "s3://assets.website.com/\"]",
            "s3://assets.website.com/\", \"s3://media/\"]",
            "s3://assets.website.com/\", \"s3://more/\"]",
        ),
    ] {
        let pull = |user: &str| fixture.run_as(user, &[kind, "pull"]).with_code(0).stdout;
        let push = |user: &str, file: &str| fixture.run_as(user, &[kind, "push", "--yes", "--mappings", file]);
        for user in ["alice", "bob"] {
            let pulled = pull(user);
            assert!(pulled.contains(from), "{pulled}");
            fixture
                .folder
                .write(&format!("{user}.toml"), pulled.replace(from, if user == "alice" { to } else { other }));
        }
        push("alice", "alice.toml").with_code(0);
        // The same file may be pushed again, changed or not.
        push("alice", "alice.toml").with_code(0);
        let again = fixture.folder.read("alice.toml").replace(to, from);
        fixture.folder.write("alice.toml", &again);
        push("alice", "alice.toml").with_code(0);
        fixture.folder.write("alice.toml", again.replace(from, to));
        push("alice", "alice.toml").with_code(0);
        // An older one may not.
        let diff = ["diff", "--mappings", "bob.toml"];
        assert_answer(&format!("{kind}_stale"), &fixture.run(&[&[kind], &diff[..]].concat()).with_code(0));
        let json = fixture.run(&[&[kind], &diff[..], &["--json"]].concat()).with_code(0).json();
        let since = json["edits"].as_array().unwrap().last().unwrap()["pushed_since"].as_str().unwrap();
        assert!(since.starts_with("your file is based on revision 1; the table is at 4 (pushed by "), "{since}");
        for args in [&[][..], &["--force"]] {
            let push = [&[kind, "push", "--yes", "--mappings", "bob.toml"], args].concat();
            let answer = fixture.run_as("bob", &push).with_code(1);
            let way_out = format!("pull again and redo your edit, or delete the `pulled` line {place} to overwrite");
            assert!(answer.stderr.contains(&way_out) && answer.stderr.contains("user/alice at "), "{answer}");
        }
        assert!(pull("bob").contains(to));
        let mine: Vec<String> = fixture
            .folder
            .read("bob.toml")
            .lines()
            .filter(|line| !line.starts_with("pulled"))
            .map(str::to_owned)
            .collect();
        fixture.folder.write("bob.toml", mine.join("\n"));
        push("bob", "bob.toml").with_code(0);
        assert!(pull("alice").contains(other));
        // Now Alice's file is stale, and so it is after a rollback.
        push("alice", "alice.toml").with_code(1);
        fixture.folder.write("alice.toml", pull("alice"));
        let team: &[&str] = if kind == "mappings" { &["--team", "web"] } else { &[] };
        fixture.run(&[&[kind, "rollback", "1", "--yes"], team].concat()).with_code(0);
        push("alice", "alice.toml").with_code(1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_not_pulled_from_this_table_is_refused() {
    let fixture = TableFixture::pushed().await;
    // A table that was restored is at an earlier revision than the file.
    let later = fixture.run(&["mappings", "pull", "--team", "web"]).with_code(0).stdout;
    fixture
        .folder
        .write("later.toml", later.replace("pulled = \"", "pulled = \"9").replace("*.{css,js,html}", "*.gif"));
    let answer = fixture.run(&["mappings", "push", "--yes", "--mappings", "later.toml"]).with_code(1);
    assert!(
        answer.stderr.contains("your file is based on revision 9") && answer.stderr.contains("; the table is at "),
        "{answer}"
    );
    // What a team pulled says of its grant what the team may write.
    fixture.folder.write("team.toml", later);
    let answer = fixture.run(&["grants", "push", "--yes", "--force", "--mappings", "team.toml"]).with_code(1);
    let reason = "error: the file has a `pulled` line in [teams.web] and none at the top, as from `mappings pull --team \
                  web`, which has only the team's own copy of its grant: pull with `purge-router grants pull`, and push \
                  that, or delete all `pulled` lines to overwrite";
    assert!(answer.stderr.lines().any(|line| line == reason), "{answer}");
    // So does a file of all teams without its first `pulled` line.
    let all = fixture.run(&["mappings", "pull"]).with_code(0).stdout;
    let mut lines: Vec<&str> = all.lines().collect();
    lines.remove(lines.iter().position(|line| line.starts_with("pulled")).unwrap());
    fixture.folder.write("all.toml", lines.join("\n"));
    let push = ["grants", "push", "--yes", "--mappings", "all.toml"];
    let answer = fixture.run(&push).with_code(1);
    assert!(answer.stderr.contains(" in [teams.docs] and none at the top, as from "), "{answer}");
    lines.retain(|line| !line.starts_with("pulled"));
    fixture.folder.write("all.toml", lines.join("\n"));
    fixture.run(&push).with_code(0);
    let bad = MAPPINGS.replace("version = 1", "version = 1\npulled = \"7\"");
    let bad = bad.replace("[teams.web]", "[teams.web]\npulled = \"8-1234567G\"");
    fixture.folder.write("bad.toml", bad);
    let answer = fixture.run(&["mappings", "push", "--yes", "--mappings", "bad.toml"]).with_code(1);
    assert_answer("bad_pulled", &answer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shown_before_a_push_of_many_teams_is_completed_under_its_checksum() {
    let fixture = TableFixture::new().await;
    // The third team was pushed before, and has nothing to write now. Of the fourth, the table was edited as the file.
    let team = |name: &str, digit: char| {
        format!(
            "[teams.{name}]\nowns = [\"s3://{name}/\"]\n[teams.{name}.zones.\"{name}.com\"]\nzone_id = \"{}\"\n\
             hostnames = [\"www.{name}.com\"]\n[[teams.{name}.mappings]]\nsource = \"s3://{name}/\"\n\
             zones = [\"{name}.com\"]\n",
            digit.to_string().repeat(32)
        )
    };
    fixture.folder.write("mappings.toml", format!("{MAPPINGS}{}{}", team("blog", '1'), team("news", '2')));
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    fixture.run(&["mappings", "push", "--yes"]).with_code(0);
    fixture.edit("exclude = [\"drafts/\"]", "exclude = [\"drafts/\", \"old/\"]");
    let mut row = fixture.table.get("TEAM#news", "MAPPING#news/").await;
    row["mode"] = json!("invalidate");
    fixture.table.put("TEAM#news", "MAPPING#news/", row).await;
    fixture.edit("source = \"s3://news/\"\n", "source = \"s3://news/\"\nmode = \"invalidate\"\n");
    let new = "[[teams.docs.mappings]]\nsource = \"s3://docs-site/new/\"\nzones = [\"website.dev\"]\n";
    fixture.edit("[teams.web]", &format!("{new}\n[teams.web]"));
    let approved = fixture.checksum(&[]);
    // The first team is written, and the second is not.
    fixture.table.proxy.on_call(|call| {
        let is_docs = call.operation == "TransactWriteItems" && call.body.to_string().contains("TEAM#docs");
        if is_docs { Action::Refuse(500, "InternalServerError", "gone") } else { Action::Pass }
    });
    let push = ["mappings", "push", "--yes", "--expect", &approved];
    let broken = fixture.run(&push).with_code(1);
    assert!(
        broken.stdout.contains("team web: revision 2") && broken.stdout.contains("team news: revision 2"),
        "{broken}"
    );
    assert!(broken.stderr.contains("team docs: DynamoDB does not answer"), "{broken}");
    fixture.table.proxy.release();
    // An edit in between is another difference.
    let row = fixture.table.get("TEAM#web", "MAPPING#assets.website.com/").await;
    let mut edited = row.clone();
    edited["mode"] = json!("invalidate");
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", edited).await;
    fixture.run(&push).with_code(1);
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", row).await;
    let again = fixture.run(&push).with_code(0);
    assert!(again.stdout.contains("team docs: revision 2"), "{again}");
    fixture.run(&push).with_code(0);
    assert!(fixture.table.sorts("TEAM#docs").await.contains(&"MAPPING#docs-site/new/".to_owned()));
    fixture.run(&["mappings", "push", "--yes", "--expect", "0123"]).with_code(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_changes_are_refused_and_nothing_is_written() {
    let fixture = TableFixture::new().await;
    fixture.folder.write("mappings.toml", many(10, "*.css"));
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    fixture.run(&["mappings", "push", "--yes", "--team", "web"]).with_code(0);
    let before = fixture.table.sorts("TEAM#web").await;
    for (text, touched) in [(many(6, "*.css"), 4), (many(10, "*.js"), 10), (many(0, ""), 10)] {
        fixture.folder.write("mappings.toml", text);
        let answer = fixture.run(&["mappings", "push", "--yes", "--team", "web"]).with_code(1);
        let reason = format!(
            "error: team web: {touched} of 10 mappings would be changed or removed, more than 30 %: add --force if you mean that"
        );
        assert!(answer.stderr.lines().any(|line| line == reason), "{answer}");
        assert_eq!(fixture.table.sorts("TEAM#web").await, before);
    }
    fixture.folder.write("mappings.toml", many(7, "*.css"));
    fixture.run(&["mappings", "push", "--yes", "--team", "web"]).with_code(0);
    // A team that the file does not name loses what it has, and is asked about it.
    fixture.folder.write("mappings.toml", "version = 1\n[teams.docs]\nowns = [\"s3://docs-site/\"]\n");
    let answer = fixture.run(&["mappings", "push", "--yes", "--team", "web"]).with_code(1);
    assert!(answer.stderr.contains("team web is not in the file, so this push would remove all its rows"), "{answer}");
    let answer = fixture.run(&["mappings", "push", "--yes", "--team", "nobody"]).with_code(1);
    assert!(answer.stderr.contains("team nobody not found in the file or in the table "), "{answer}");
    fixture.run(&["mappings", "push", "--yes", "--team", "web", "--force"]).with_code(0);
    let left = fixture.table.sorts("TEAM#web").await;
    assert!(left.iter().all(|sort| !sort.starts_with("MAPPING#") && !sort.starts_with("ZONE#")), "{left:?}");
    fixture.run(&["mappings", "push", "--yes"]).with_code(0);
    assert_eq!(fixture.table.sorts("TEAM#web").await, left, "other teams are left as they are");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_can_not_be_read_removes_no_team() {
    let fixture = TableFixture::pushed().await;
    let rows = async || [fixture.table.sorts("GRANTS").await, fixture.table.sorts("TEAM#web").await];
    let before = rows().await;
    for (text, code) in [
        (MAPPINGS.replace("version = 1", "version = 2"), "unknown-version"),
        (MAPPINGS.replace("[teams.", "[team."), "unknown-field"),
        ("version = 1\nteams = 3\n".to_owned(), "wrong-type"),
        ("teams = {}\n".to_owned(), "missing-field"),
    ] {
        fixture.folder.write("mappings.toml", text);
        for kind in ["grants", "mappings"] {
            for team in ["web", "nobody"] {
                let answer = fixture.run(&[kind, "push", "--yes", "--force", "--team", team]).with_code(1);
                assert!(answer.stderr.contains(&format!("[{code}]")), "{kind}: {answer}");
            }
        }
        assert_eq!(rows().await, before, "{code}");
    }
    // A file without teams removes those that are asked for.
    fixture.folder.write("mappings.toml", "version = 1\n");
    for kind in ["mappings", "grants"] {
        fixture.run(&[kind, "push", "--yes", "--force"]).with_code(1);
        fixture.run(&[kind, "push", "--yes", "--force", "--team", "web"]).with_code(0);
    }
    let [grants, web] = rows().await;
    assert!(!grants.contains(&"web".to_owned()) && grants.contains(&"docs".to_owned()), "{grants:?}");
    assert!(!web.iter().any(|sort| sort.starts_with("MAPPING#") || sort == "GRANT"), "{web:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_difference_that_was_approved_is_written() {
    let fixture = TableFixture::pushed().await;
    fixture.edit("exclude = [\"drafts/\"]", "exclude = [\"drafts/\", \"old/\"]");
    let approved = fixture.checksum(&["--team", "web"]);
    let shown = fixture.run(&["mappings", "diff", "--team", "web"]).with_code(0).stdout;
    assert!(shown.contains(&format!("checksum {approved}")), "{shown}");
    let push = |expected: &str| fixture.run(&["mappings", "push", "--team", "web", "--yes", "--expect", expected]);
    fixture.edit("\"old/\"]", "\"older/\"]");
    let answer = push(&approved).with_code(1);
    let other = fixture.checksum(&["--team", "web"]);
    let reason = format!("error: the difference is now {other}, but {approved} was expected: review it again");
    assert!(answer.stderr.lines().any(|line| line == reason), "{answer}");
    fixture.edit("\"older/\"]", "\"old/\"]");
    // Somebody else's edit in between is another difference, too.
    let row = fixture.table.get("TEAM#web", "MAPPING#assets.website.com/").await;
    let mut edited = row.clone();
    edited["include"] = json!(["*.css"]);
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", edited).await;
    push(&approved).with_code(1);
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", row).await;
    push(&approved).with_code(0);
    push(&approved).with_code(0);
    let written = fixture.table.get("TEAM#web", "MAPPING#assets.website.com/").await;
    let mut edited = written.clone();
    edited["include"] = json!(["*.css"]);
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", edited).await;
    push(&approved).with_code(1);
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", written).await;
    let again = push(&other).with_code(1);
    assert!(again.stderr.contains(&format!("nothing to change, but the difference {other} was expected")), "{again}");
    let row = fixture.table.get("TEAM#web", "MAPPING#assets.website.com/").await;
    assert_eq!(row["exclude"], json!(["drafts/", "old/"]));
    // An approval serves once: not again after a rollback, and not in another table.
    fixture.run(&["mappings", "rollback", "1", "--team", "web", "--yes"]).with_code(0);
    push(&approved).with_code(1);
    let elsewhere = TableFixture::pushed().await;
    elsewhere.edit("exclude = [\"drafts/\"]", "exclude = [\"drafts/\", \"old/\"]");
    let diffs = [&fixture, &elsewhere].map(|it| it.run(&["mappings", "diff", "--team", "web", "--json"]).json());
    assert_eq!(diffs[0]["edits"][0]["changed"], diffs[1]["edits"][0]["changed"]);
    elsewhere.run(&["mappings", "push", "--team", "web", "--yes", "--expect", &approved]).with_code(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_unless_somebody_agrees() {
    let fixture = TableFixture::new().await;
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    let unasked = fixture.run(&["mappings", "push"]).with_code(2);
    assert!(unasked.stderr.ends_with("not a terminal, so I can't ask; add --yes\n"), "{unasked}");
    for (answer, args, code, is_written) in
        [("n", "", 1, false), ("n", " --json", 1, false), ("", "", 1, false), ("y", "", 0, true)]
    {
        let mut command = Command::new("script");
        let purge_router = env!("CARGO_BIN_EXE_purge-router");
        let asked = format!("{purge_router} mappings push --team web{args}");
        command.args(["--quiet", "--return", "--flush", "--command", &asked, "/dev/null"]);
        command.current_dir(fixture.folder.path("")).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.envs(fixture.variables("alice")).env("TERM", "xterm");
        let mut command = assert_cmd::Command::from_std(command);
        let output = command.write_stdin(format!("{answer}\n")).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{shown}");
        assert!(shown.contains(&format!("Write this to the table {}?", fixture.table.name)), "{shown}");
        // Who wants JSON is shown what there is to agree to, and not as JSON.
        assert!(shown.contains("+ zone website.com"), "{shown}");
        let is_there = fixture.table.sorts("TEAM#web").await.iter().any(|sort| sort.starts_with("MAPPING#"));
        assert_eq!(is_there, is_written, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_in_the_file_is_drawn_and_nothing_is_written() {
    let fixture = TableFixture::pushed().await;
    let before = fixture.table.sorts("TEAM#web").await;
    // The file says that the team owns more than it was granted.
    fixture.edit("owns = [\"s3://assets.website.com/\"]", "owns = [\"s3://assets.website.com/\", \"s3://docs-site/\"]");
    fixture.edit("source = \"s3://assets.website.com/img/\"", "source = \"s3://docs-site/img/\"");
    assert_answer("table_not_granted", &fixture.run(&["mappings", "push", "--team", "web", "--yes"]).with_code(1));
    assert_eq!(fixture.table.sorts("TEAM#web").await, before);
    // What is wrong with another team is no reason.
    fixture.run(&["mappings", "push", "--team", "docs", "--yes"]).with_code(0);
    fixture.folder.write("mappings.toml", "version = 1\n[teams");
    fixture.run(&["mappings", "push", "--team", "docs", "--yes"]).with_code(1);
    let answer = fixture.run(&["mappings", "push", "--mappings", "none.toml", "--yes"]).expect_misuse();
    assert!(answer.stderr.contains("can't read the mapping file none.toml"), "{answer}");
}
