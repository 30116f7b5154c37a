//! `mappings` from the first push to a rollback: what is shown, written and kept in the history.

use serde_json::json;

use crate::fixtures::{MAPPINGS, assert_answer, both_teams};
use crate::table_fixture::TableFixture;

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
    assert!(none.stderr.contains("revision 7 of TEAM#web not found"), "{none}");
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
        assert!(answer.stderr.contains("revision 9 of TEAM#web not found; `history` lists all revisions"), "{answer}");
    }
    fixture.run(&["mappings", "rollback", "1", "--yes"]).with_code(2);
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
async fn a_push_reports_as_json_what_it_wrote_and_what_it_did_not_need_to_write() {
    let fixture = TableFixture::pushed().await;
    fixture.edit("exclude = [\"drafts/\"]", "exclude = [\"drafts/\", \"old/\"]");
    for revision in [json!({ "revision": 2 }), json!(null)] {
        let pushed = fixture.run(&["mappings", "push", "--yes", "--json"]).with_code(0).json();
        let edits = pushed["edits"].as_array().unwrap().iter().map(|edit| (&edit["team"], &edit["pushed"]));
        let expected = [(&json!("docs"), &json!(null)), (&json!("web"), &revision)];
        assert_eq!(edits.collect::<Vec<_>>(), expected);
    }
}
