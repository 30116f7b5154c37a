//! `mappings` and `grants` on AWS's own DynamoDB engine: what is shown, asked and written.

use std::process::Command;

use purge_router_dynamodb_local::{Action, Table};
use serde_json::{Value, json};

use crate::fixtures::{Answer, MAPPINGS, WorkFolder, assert_answer, both_teams};

/// A folder with a mapping file, and a table behind a proxy.
pub(crate) struct TableFixture {
    pub(crate) folder: WorkFolder,
    pub(crate) table: Table,
}

impl TableFixture {
    pub(crate) async fn new() -> Self {
        Self { folder: WorkFolder::new(), table: Table::new().await }
    }

    /// With grants and mappings of both teams in the table.
    pub(crate) async fn pushed() -> Self {
        let fixture = Self::new().await;
        fixture.run(&["grants", "push", "--yes"]).with_code(0);
        fixture.run(&["mappings", "push", "--yes"]).with_code(0);
        fixture
    }

    /// Runs as the user alice.
    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        self.run_as("alice", args)
    }

    pub(crate) fn run_as(&self, user: &str, args: &[&str]) -> Answer {
        self.folder.run_with(args, &self.variables(user), b"")
    }

    pub(crate) fn variables<'v>(&'v self, user: &'v str) -> [(&'v str, &'v str); 5] {
        [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", user),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &self.table.proxy.url),
            ("MAPPINGS_TABLE", &self.table.name),
        ]
    }

    pub(crate) fn command(&self, user: &str) -> Command {
        let mut command = self.folder.command();
        command.envs(self.variables(user));
        command
    }

    /// Changes the mapping file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = self.folder.read("mappings.toml");
        assert!(text.contains(from), "{text}");
        self.folder.write("mappings.toml", text.replace(from, to));
    }

    pub(crate) fn checksum(&self, args: &[&str]) -> String {
        let diff = self.run(&[&["mappings", "diff", "--json"], args].concat()).with_code(0).json();
        diff["checksum"].as_str().unwrap().to_owned()
    }
}

/// So many mappings of team web, each of a folder of its own.
pub(crate) fn many(count: usize, include: &str) -> String {
    let head = MAPPINGS.split("[[teams.web.mappings]]").next().unwrap();
    let mapping = |index: usize| {
        format!(
            "[[teams.web.mappings]]\nsource = \"s3://assets.website.com/{index:04}/\"\nzones = [\"website.com\"]\n\
             include = [\"{include}\"]\n"
        )
    };
    format!("{head}{}", (0..count).map(mapping).collect::<String>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_is_brought_on_board() {
    let fixture = TableFixture::new().await;
    assert_answer("table_empty", &fixture.run(&["grants", "pull"]).with_code(0));
    assert_answer("table_no_grant", &fixture.run(&["mappings", "diff", "--team", "web"]).with_code(1));
    assert_answer("table_grants_push", &fixture.run(&["grants", "push", "--yes"]).with_code(0));
    assert_answer("table_diff", &fixture.run(&["mappings", "diff"]).with_code(0));
    let push = ["mappings", "push", "--team", "web", "--yes", "--message", "the first mappings"];
    assert_answer("table_push", &fixture.run(&push).with_code(0));
    assert_answer("table_history", &fixture.run_as("bob", &["mappings", "history", "--team", "web"]).with_code(0));
    assert_answer("table_pull", &fixture.run(&["mappings", "pull", "--team", "web"]).with_code(0));
    assert_answer("table_nothing_to_change", &fixture.run(&push).with_code(0));
    assert_eq!(fixture.table.sorts("TEAM#docs").await, ["GRANT"], "the other team was not pushed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pulled_is_what_was_pushed() {
    let fixture = TableFixture::pushed().await;
    let pulled = fixture.run(&["mappings", "pull"]).with_code(0).stdout;
    fixture.folder.write("mappings.toml", &pulled);
    let diff = fixture.run(&["mappings", "diff", "--json"]).with_code(0).json();
    for edit in diff["edits"].as_array().unwrap() {
        assert_eq!([&edit["added"], &edit["changed"], &edit["removed"]], [&json!([]); 3], "{edit}");
    }
    fixture.folder.write("event.json", both_teams());
    let planned = |args: &[&str]| fixture.run(&[&["plan", "event.json", "--json"], args].concat()).with_code(0).json();
    fixture.folder.write("first.toml", MAPPINGS);
    let of_file = planned(&["--mappings", "first.toml"]);
    assert_eq!(planned(&["--mappings", "mappings.toml"]), of_file);
    assert_eq!(planned(&["--table", &fixture.table.name]), of_file);
    let grants = fixture.run(&["grants", "pull"]).with_code(0).stdout;
    let (before, after) = grants.split_once("pulled = \"1-").unwrap();
    let grants = format!("{before}{}", &after[10..]);
    assert_eq!(
        grants,
        "version = 1\n\n[teams.docs]\nowns = [\"s3://docs-site/\"]\n\n[teams.web]\nowns = [\"s3://assets.website.com/\"]\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_shown_by_field_and_kept_in_the_history() {
    let fixture = TableFixture::pushed().await;
    fixture.edit("include = [\"*.{css,js,html}\"]", "include = [\"*.{css,js}\"]\nmode = \"invalidate\"");
    fixture.edit("exclude = [\"drafts/\"]\n", "");
    fixture.edit("source = \"s3://assets.website.com/img/\"", "source = \"s3://assets.website.com/images/\"");
    fixture.edit("\"cdn.website.com\"]\nplan = \"pro\"", "\"cdn.website.com\"]\nplan = \"business\"");
    let diff = ["mappings", "diff", "--team", "web"];
    assert_answer("table_edit", &fixture.run(&diff).with_code(0));
    assert_answer("table_edit_json", &fixture.run(&[&diff[..], &["--json"]].concat()).with_code(0));
    let refused = fixture.run_as("bob", &["mappings", "push", "--team", "web", "--yes"]).with_code(1);
    assert!(
        refused.stderr.contains("team web: 2 of 2 mappings would be changed or removed, more than 30 %: add --force"),
        "{refused}"
    );
    let pushed =
        fixture.run_as("bob", &["mappings", "push", "--team", "web", "--yes", "--force", "--json"]).with_code(0);
    assert_eq!(pushed.json()["edits"][0]["pushed"], json!({ "revision": 2 }));
    let row = fixture.table.get("TEAM#web", "MAPPING#assets.website.com/").await;
    assert_eq!(
        row,
        json!({ "version": 1, "bucket": "assets.website.com", "prefix": "", "zones": ["website.com"],
            "include": ["*.{css,js}"], "mode": "invalidate" })
    );
    let shown = fixture.run(&["mappings", "history", "--team", "web", "--show", "2"]).with_code(0);
    assert_answer("table_history_show", &shown);
    let json = fixture.run(&["mappings", "history", "--team", "web", "--show", "1", "--json"]).with_code(0).json();
    let changes = ["added", "changed", "removed"].map(|name| json["changes"][name].as_array().unwrap().len());
    assert_eq!((changes, &json["revision"]), ([3, 0, 0], &json!(1)));
    let none = fixture.run(&["mappings", "history", "--team", "web", "--show", "7"]).with_code(1);
    assert!(none.stderr.contains("there is no revision 7 of TEAM#web"), "{none}");
    let history = fixture.run(&["mappings", "history", "--team", "web", "--json"]).with_code(0).json();
    let pushes: Vec<String> = history["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {} {}", it["revision"], it["by"].as_str().unwrap(), it["summary"].as_str().unwrap()))
        .collect();
    assert_eq!(
        pushes,
        [
            "2 arn:aws:iam::123456789012:user/bob 1 added, 2 changed, 1 removed",
            "1 arn:aws:iam::123456789012:user/alice 3 added"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_is_a_push_of_an_earlier_document() {
    let fixture = TableFixture::pushed().await;
    let first = fixture.run(&["mappings", "pull", "--team", "web"]).with_code(0).stdout;
    fixture.edit("include = [\"*.{css,js,html}\"]", "include = [\"*.svg\"]");
    fixture.run(&["mappings", "push", "--team", "web", "--yes"]).with_code(0);
    let rollback = ["mappings", "rollback", "1", "--team", "web"];
    assert_answer(
        "table_rollback",
        &fixture.run(&[&rollback[..], &["--yes", "-m", "svg was wrong"]].concat()).with_code(0),
    );
    let without_copy = |text: &str| -> String { text.lines().filter(|line| !line.starts_with("pulled = ")).collect() };
    let now = fixture.run(&["mappings", "pull", "--team", "web"]).with_code(0).stdout;
    assert_eq!(without_copy(&now), without_copy(&first));
    assert_answer("table_rollback_history", &fixture.run(&["mappings", "history", "--team", "web"]).with_code(0));
    let second = fixture.run(&["mappings", "pull", "--team", "web", "--revision", "2"]).with_code(0).stdout;
    assert!(second.contains("*.svg") && !second.contains("pulled"), "{second}");
    for args in [
        &["mappings", "rollback", "9", "--team", "web", "--yes"][..],
        &["mappings", "pull", "--team", "web", "--revision", "9"],
    ] {
        let answer = fixture.run(args).with_code(1);
        assert!(
            answer.stderr.contains("there is no revision 9 of TEAM#web; `history` lists all revisions"),
            "{answer}"
        );
    }
    fixture.run(&["mappings", "rollback", "1", "--yes"]).expect_misuse();
    // What the team is not granted any more does not come back.
    fixture.edit("owns = [\"s3://assets.website.com/\"]", "owns = [\"s3://assets.website.com/images/\"]");
    fixture.folder.write("grants.toml", "version = 1\n[teams.web]\nowns = [\"s3://assets.website.com/images/\"]\n");
    fixture.run(&["grants", "push", "--mappings", "grants.toml", "--yes"]).with_code(0);
    let answer = fixture.run(&[&rollback[..], &["--yes"]].concat()).with_code(1);
    assert!(answer.stderr.contains("source-not-owned"), "{answer}");
    assert!(answer.stderr.contains("revision 1 is not valid under the present grant of team web"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_edited_in_the_console_is_drift() {
    let fixture = TableFixture::pushed().await;
    let mut row = fixture.table.get("TEAM#web", "MAPPING#assets.website.com/").await;
    row["include"] = json!(["*.css"]);
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", row).await;
    fixture.table.delete("TEAM#web", "MAPPING#assets.website.com/img/").await;
    let new = json!({ "bucket": "assets.website.com", "prefix": "fonts/", "zones": ["website.com"] });
    fixture.table.put("TEAM#web", "MAPPING#by-hand", new).await;
    assert_answer("table_drift", &fixture.run(&["mappings", "diff", "--team", "web"]).with_code(0));
    fixture.run(&["mappings", "diff", "--team", "web", "--exit-code"]).with_code(1);
    fixture.run(&["mappings", "diff", "--team", "docs", "--exit-code"]).with_code(0);
    let json = fixture.run(&["mappings", "diff", "--team", "web", "--json"]).with_code(0).json();
    let drift = &json["edits"][0]["drift"];
    assert_eq!(drift["changed"][0]["fields"]["include"], json!({ "before": ["*.{css,js,html}"], "after": ["*.css"] }));
    assert_eq!(drift["added"][0]["row"], "MAPPING#by-hand");
    assert_eq!(drift["removed"][0]["row"], "MAPPING#assets.website.com/img/");
    // Who pulls takes it in, and a push of that makes it a revision.
    let pulled = fixture.run(&["mappings", "pull", "--team", "web"]).with_code(0).stdout;
    fixture.folder.write("mappings.toml", pulled);
    assert_answer("table_drift_taken_in", &fixture.run(&["mappings", "push", "--team", "web", "--yes"]).with_code(0));
    let json = fixture.run(&["mappings", "diff", "--team", "web", "--json"]).with_code(0).json();
    assert_eq!(json["edits"][0]["drift"], json!({ "added": [], "changed": [], "removed": [] }));
    let history = fixture.run(&["mappings", "history", "--team", "web", "--json"]).with_code(0).json();
    assert_eq!(history["revisions"][0]["summary"], "keeps 3 edits made in the table");
    // Without a document, that there are edits is known, and not which.
    let mut row = fixture.table.get("TEAM#web", "MAPPING#by-hand").await;
    row["include"] = json!(["*.woff2"]);
    fixture.table.put("TEAM#web", "MAPPING#by-hand", row).await;
    let document = "DOCUMENT#0000000002#0000";
    fixture.table.put("TEAM#web", document, json!({ "data": "text" })).await;
    let unknown = fixture.run(&["mappings", "diff", "--team", "web", "--exit-code"]).with_code(1);
    let warning = "warning: rows of TEAM#web were edited since revision 2, but it is unknown which, because its \
                   document can't be read: ";
    assert!(unknown.stderr.contains(warning), "{unknown}");
    fixture.table.delete("TEAM#web", document).await;
    let unknown = fixture.run(&["mappings", "push", "--team", "web", "--yes"]).with_code(0);
    assert!(unknown.stderr.contains(&format!("{warning}it does not exist")), "{unknown}");
    fixture.run(&["mappings", "diff", "--team", "web", "--exit-code"]).with_code(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_older_than_the_table_is_refused() {
    let fixture = TableFixture::pushed().await;
    for (kind, from, to, other) in [
        ("mappings", "*.{css,js,html}", "*.{css,js}", "*.svg"),
        (
            "grants",
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
            let way_out = "pull again and redo your edit, or delete the `pulled` line to overwrite";
            assert!(answer.stderr.contains(way_out) && answer.stderr.contains("user/alice at "), "{answer}");
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
    let reason = "error: this file is from `mappings pull --team web`, so its grant is the team's own copy: pull with \
                  `purge-router grants pull`, and push that";
    assert!(answer.stderr.lines().any(|line| line == reason), "{answer}");
    let bad = MAPPINGS.replace("version = 1", "version = 1\npulled = \"7\"");
    let bad = bad.replace("[teams.web]", "[teams.web]\npulled = \"8-1234567G\"");
    fixture.folder.write("bad.toml", bad);
    let answer = fixture.run(&["mappings", "push", "--yes", "--mappings", "bad.toml"]).with_code(1);
    assert_answer("bad_pulled", &answer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shown_before_a_push_of_many_teams_is_completed_under_its_checksum() {
    let fixture = TableFixture::new().await;
    // The third team was pushed before, and has nothing to write now.
    let blog = "[teams.blog]\nowns = [\"s3://blog/\"]\n[teams.blog.zones.\"blog.com\"]\nhostnames = [\"www.blog.com\"]\n\
                zone_id = \"0123456789abcdef0123456789abcdef\"\n[[teams.blog.mappings]]\nsource = \"s3://blog/\"\n\
                zones = [\"blog.com\"]\n";
    fixture.folder.write("mappings.toml", format!("{MAPPINGS}{blog}"));
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    fixture.run(&["mappings", "push", "--yes"]).with_code(0);
    fixture.edit("exclude = [\"drafts/\"]", "exclude = [\"drafts/\", \"old/\"]");
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
    assert!(broken.stdout.contains("team web: revision 2"), "{broken}");
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
    assert!(answer.stderr.contains("the file does not name team web, which would lose everything"), "{answer}");
    let answer = fixture.run(&["mappings", "push", "--yes", "--team", "nobody"]).with_code(1);
    assert!(answer.stderr.contains("has anything of team nobody"), "{answer}");
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
async fn a_history_of_revisions_that_can_not_be_read_is_not_empty() {
    let fixture = TableFixture::pushed().await;
    fixture.table.put("TEAM#web", "REVISION#0000000001", json!({ "revision": "one" })).await;
    let history = ["mappings", "history", "--team", "web"];
    let answer = fixture.run(&history).with_code(0);
    let warning = "warning: the row TEAM#web/REVISION#0000000001 can't be read: ";
    assert!(answer.stderr.starts_with(warning), "{answer}");
    assert_eq!((answer.stderr.lines().count(), answer.stdout.as_str()), (1, ""), "{answer}");
    let json = fixture.run(&[&history[..], &["--json"]].concat()).with_code(0).json();
    assert_eq!(json["revisions"], json!([]));
    let unreadable = json["unreadable"][0].as_str().unwrap();
    assert!(unreadable.starts_with("the row TEAM#web/REVISION#0000000001 can't be read: "), "{unreadable}");
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
    assert!(again.stderr.contains(&format!("there is no difference, but {other} was expected")), "{again}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grants_are_the_operators_and_no_two_share_a_folder_of_tokens() {
    let fixture = TableFixture::pushed().await;
    fixture.folder.write(
        "grants.toml",
        "version = 1\n[teams.shop]\nowns = [\"s3://shop/\"]\n[teams.web]\nowns = [\"s3://assets.website.com/\", \"s3://media/web/\"]\n",
    );
    let grants = ["--mappings", "grants.toml"];
    assert_answer("grants_diff", &fixture.run(&[&["grants", "diff"], &grants[..]].concat()).with_code(0));
    fixture.run(&[&["grants", "push", "--yes", "-m", "the shop"], &grants[..]].concat()).with_code(0);
    assert_eq!(fixture.table.get("GRANTS", "docs").await["owns"], json!(["s3://docs-site/"]), "who is not named stays");
    assert_eq!(fixture.table.get("TEAM#shop", "GRANT").await["owns"], json!(["s3://shop/"]));
    fixture
        .folder
        .write("grants.toml", "version = 1\n[teams.evil]\nowns = [\"s3://evil/\"]\ntokens = \"/purge-router/web/\"\n");
    let answer = fixture.run(&[&["grants", "push", "--yes"], &grants[..]].concat()).with_code(1);
    assert!(answer.stderr.contains("[shared-token-folder]"), "{answer}");
    assert_eq!(fixture.table.get("GRANTS", "evil").await, Value::Null);
    // A grant goes where it is asked for by name.
    let of_web = fixture.run(&["grants", "diff", "--team", "web"]).with_code(0);
    let note = "grants of other teams stay as they are: `docs`, `shop`";
    assert!(of_web.stderr.lines().any(|line| line == note), "the file names docs, too: {of_web}");
    let removal = [&["grants", "push", "--yes", "--team", "shop"], &grants[..]].concat();
    let answer = fixture.run(&removal).with_code(1);
    assert!(answer.stderr.contains("the file does not name team shop"), "{answer}");
    fixture.run(&[&removal[..], &["--force"]].concat()).with_code(0);
    assert_eq!(fixture.table.get("GRANTS", "shop").await, Value::Null);
    assert_eq!(fixture.table.get("TEAM#shop", "GRANT").await, Value::Null);
    assert_answer("grants_history", &fixture.run(&["grants", "history"]).with_code(0));
    let back = fixture.run(&["grants", "rollback", "1", "--yes"]).with_code(0);
    assert!(!back.stderr.contains("would disable"), "{back}");
    fixture.run(&["grants", "rollback", "2", "--yes"]).with_code(0);
    assert_eq!(fixture.table.get("GRANTS", "shop").await["owns"], json!(["s3://shop/"]));
    fixture.run(&["grants", "history", "--team", "web"]).expect_misuse();
    // A team's copy of its grant is written again if somebody changed it.
    fixture.table.put("TEAM#web", "GRANT", json!({ "version": 1, "owns": "everything" })).await;
    let answer = fixture.run(&["mappings", "diff", "--team", "web"]).with_code(1);
    assert!(
        answer.stderr.contains("the row TEAM#web/GRANT, which says what the team is granted, can't be read; the"),
        "{answer}"
    );
    fixture.run(&["grants", "pull"]).with_code(0);
    fixture.folder.write("now.toml", fixture.run(&["grants", "pull"]).with_code(0).stdout);
    let answer = fixture.run(&["grants", "push", "--yes", "--mappings", "now.toml"]).with_code(0);
    assert!(answer.stdout.contains("updates the copies of grants that teams see: web"), "{answer}");
    fixture.run(&["mappings", "diff", "--team", "web"]).with_code(0);
    // The mappings that a smaller grant disables are reported before it is written.
    fixture.folder.write("grants.toml", "version = 1\n[teams.web]\nowns = [\"s3://assets.website.com/img/\"]\n");
    let foreign = json!({ "version": 1, "bucket": "docs-site", "prefix": "", "zones": ["website.com"] });
    fixture.table.put("TEAM#web", "MAPPING#foreign", foreign).await;
    let answer = fixture.run(&[&["grants", "diff"], &grants[..]].concat()).with_code(0);
    fixture.table.delete("TEAM#web", "MAPPING#foreign").await;
    // The mapping of another team's bucket is disabled already.
    let warning = "warning: this grant would disable 1 mapping of team web";
    assert!(answer.stderr.lines().any(|line| line == warning), "{answer}");
    // What a team without a grant has left can be cleared away.
    fixture.run(&["grants", "push", "--yes", "--team", "docs", "--mappings", "grants.toml", "--force"]).with_code(0);
    fixture.run(&["mappings", "push", "--yes", "--team", "docs", "--mappings", "grants.toml", "--force"]).with_code(0);
    assert!(!fixture.table.sorts("TEAM#docs").await.iter().any(|sort| sort.starts_with("MAPPING#")));
    let answer = fixture.run(&["mappings", "pull", "--team", "nobody"]).with_code(1);
    assert!(answer.stderr.contains("has nothing of team nobody"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_serves_where_a_file_does() {
    let fixture = TableFixture::pushed().await;
    let table = &*fixture.table.name;
    fixture.folder.write("event.json", both_teams());
    fixture.table.proxy.calls();
    fixture.run(&["plan", "event.json", "--table", table]).with_code(0);
    let mut operations = fixture.table.proxy.operations();
    operations.sort();
    assert_eq!(operations, ["BatchGetItem", "Query", "Query"], "as the function reads it");
    assert_answer("table_run", &fixture.run(&["run", "event.json", "--table", table, "--sandbox"]).with_code(0));
    assert_answer(
        "table_explain",
        &fixture.run(&["explain", "s3://docs-site/manual/a.html", "--table", table]).with_code(0),
    );
    let purge = ["purge", "https://www.website.com/a.css", "--sandbox", "--table", table];
    fixture.run(&purge).with_code(0);
    assert_answer("table_check", &fixture.run(&["check", "--table", table]).with_code(0));
    let both = fixture.run(&["check", "--table", table, "--mappings", "mappings.toml"]).with_code(2);
    assert!(both.stderr.contains("'--table <NAME>' cannot be used with '--mappings <FILE>'"), "{both}");
    let variables = [&fixture.variables("alice")[..], &[("MAPPINGS_FILE", "none.toml")]].concat();
    fixture.folder.run_with(&["check", "--table", table], &variables, b"").with_code(0);
    let bad = json!({ "version": 1, "bucket": "docs-site", "prefix": "", "zones": ["website.com"] });
    fixture.table.put("TEAM#web", "MAPPING#foreign", bad).await;
    assert_answer("table_check_bad", &fixture.run(&["check", "--table", table]).with_code(1));
    fixture.table.put("TEAM#web", "mapping#odd", json!({ "bucket": "docs-site" })).await;
    let zone = fixture.table.get("TEAM#web", "ZONE#website.com").await;
    fixture.table.put("TEAM#docs", "ZONE#website.com", zone).await;
    let json = fixture.run(&["check", "--table", table, "--json"]).with_code(1).json();
    assert_eq!(json["shared"][0]["code"], "zone-of-two-teams");
    assert!(json["problems"].as_array().unwrap().iter().any(|problem| problem["code"] == "no-mapping"), "{json}");
    fixture.table.delete("TEAM#web", "mapping#odd").await;
    let json = fixture.run(&["check", "--table", table, "--json"]).with_code(1).json();
    assert_eq!(json["problems"][0]["code"], "source-not-owned");
    assert_eq!(json["problems"][0]["place"], "TEAM#web/MAPPING#foreign: source");
    let planned = fixture.run(&["plan", "event.json", "--table", table]).with_code(0);
    assert!(planned.stderr.contains("warning: skipped row: TEAM#web/MAPPING#foreign: source: "), "{planned}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_can_not_be_reached_is_reported() {
    let fixture = TableFixture::pushed().await;
    let answer = fixture.run(&["mappings", "pull", "--table", "not-there"]).with_code(1);
    assert!(answer.stderr.contains("DynamoDB has no table `not-there`"), "{answer}");
    fixture.run(&["mappings", "pull", "--table", "not a table"]).expect_misuse();
    let unset: Vec<(&str, &str)> =
        fixture.variables("alice").into_iter().filter(|(name, _)| *name != "MAPPINGS_TABLE").collect();
    let answer = fixture.folder.run_with(&["mappings", "pull"], &unset, b"").with_code(2);
    assert_eq!(answer.stderr, "error: name the table with --table or MAPPINGS_TABLE\n");
    fixture.table.proxy.on_call(|_| Action::Refuse(400, "AccessDeniedException", "User alice is not authorized"));
    for command in
        [&["mappings", "pull", "--team", "web"][..], &["mappings", "push", "--yes"], &["grants", "push", "--yes"]]
    {
        let answer = fixture.run(command).with_code(1);
        assert!(
            answer.stderr.contains("access denied: AccessDeniedException: User alice is not authorized"),
            "{answer}"
        );
    }
    let denied = fixture.run(&["mappings", "push", "--yes"]).with_code(1);
    let reason =
        format!("error: can't read the rows of team docs in the table {}: access denied: ", fixture.table.name);
    assert!(denied.stderr.starts_with(&reason), "{denied}");
    let denied = fixture.run(&["mappings", "pull"]).with_code(1);
    assert!(denied.stderr.contains("a team sees its own with `mappings pull --team NAME`: access denied"), "{denied}");
    for command in [&["check"][..], &["explain", "s3://docs-site/a"]] {
        let denied = fixture.run(&[command, &["--table", &fixture.table.name]].concat()).with_code(1);
        assert!(denied.stderr.contains("a team pulls its own mappings into a file"), "{denied}");
        assert!(denied.stderr.contains("is not authorized (you are user/alice)"), "{denied}");
    }
    fixture.table.proxy.release();
    let nobody = fixture.run(&["mappings", "history", "--team", "nobody"]).with_code(1);
    assert!(nobody.stderr.ends_with(" has nothing of TEAM#nobody\n"), "{nobody}");
    // A table that is throttled for some calls is called again.
    let mut left = 4;
    fixture.table.proxy.on_call(move |_| {
        left -= 1;
        if left > 0 { Action::Refuse(400, "ThrottlingException", "slow down") } else { Action::Pass }
    });
    fixture.run(&["mappings", "pull"]).with_code(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pull_warns_of_what_a_file_can_not_say_and_of_what_a_push_would_refuse() {
    let fixture = TableFixture::pushed().await;
    let mut row = fixture.table.get("TEAM#web", "MAPPING#assets.website.com/").await;
    row["include"] = json!(["[a"]);
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", row.clone()).await;
    let pulled = fixture.run(&["mappings", "pull", "--team", "web"]).with_code(0);
    assert!(
        pulled.stderr.contains("warning: a push would refuse this file, because it has 1 problem; `check"),
        "{pulled}"
    );
    row["include"] = Value::Null;
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", row).await;
    let pulled = fixture.run(&["mappings", "pull", "--team", "web"]).with_code(1);
    let reason = "the row TEAM#web/MAPPING#assets.website.com/ holds what a mapping file can't say";
    assert!(pulled.stderr.contains(reason), "{pulled}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_not_rotated_where_a_zone_can_not_be_read() {
    let fixture = TableFixture::pushed().await;
    fixture.table.put("TEAM#web", "ZONE#old.com", json!({ "zone_id": "nonsense", "hostnames": ["old.com"] })).await;
    for team in [&["--team", "web"][..], &[]] {
        let rotate = ["tokens", "rotate", "--yes", "--zone", "website.com", "--table", &fixture.table.name];
        let answer = fixture.run(&[&rotate[..], team].concat()).with_code(1);
        assert!(answer.stderr.contains("warning: skipped row: TEAM#web/ZONE#old.com: zone_id: "), "{answer}");
        let reason = "1 row can't be read, so other zones may share these tokens; fix the skipped rows first\n";
        assert!(answer.stderr.ends_with(reason), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_a_row_is_not_shown() {
    let fixture = TableFixture::pushed().await;
    let token = "cfut_Zq8Wm2Xv5Lk9Jt4Rb7Np1Hs6Gd3Fc0Y";
    let mut zone = fixture.table.get("TEAM#web", "ZONE#website.com").await;
    zone["token"] = json!(token);
    fixture.table.put("TEAM#web", "ZONE#website.com", zone).await;
    fixture.table.put("TEAM#web", "MAPPING#x", json!({ "bucket": "b", "note": token, "prefix": token })).await;
    fixture.table.put("TEAM#web", &format!("MAPPING#{token}"), json!({ "bucket": "b", "prefix": "p/" })).await;
    fixture.folder.write("event.json", both_teams());
    for args in [
        &["mappings", "pull", "--team", "web"][..],
        &["mappings", "diff", "--team", "web"],
        &["mappings", "diff", "--team", "web", "--json"],
        &["mappings", "push", "--team", "web", "--yes", "--force", "--json", "--message", token],
        &["mappings", "pull", "--team", "web"],
        &["mappings", "history", "--team", "web"],
        &["mappings", "history", "--team", "web", "--json"],
        &["mappings", "history", "--team", "web", "--show", "2", "--json"],
        &["check", "--table", &fixture.table.name],
        &["check", "--table", &fixture.table.name, "--json"],
        &["plan", "event.json", "--table", &fixture.table.name],
    ] {
        let answer = fixture.run(args);
        assert!(!format!("{}{}", answer.stdout, answer.stderr).contains(&token[8..]), "{answer}");
        assert!(matches!(answer.code, Some(0 | 1)), "{answer}");
    }
    // Nor is one in what a push that broke off says of itself.
    let mut head = fixture.table.get("TEAM#web", "HEAD").await;
    head["pending"] = json!({ "push": "1", "by": token, "at": "now", "summary": token, "document": token });
    fixture.table.put("TEAM#web", "HEAD", head).await;
    for args in [&["diff"][..], &["diff", "--json"], &["history"], &["push", "--yes"]] {
        let answer = fixture.run(&[&["mappings"], args, &["--team", "web"]].concat());
        assert!(
            !answer.to_string().contains(&token[8..]) && answer.to_string().contains("cfut_[redacted]"),
            "{answer}"
        );
    }
}
