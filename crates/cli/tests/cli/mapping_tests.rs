//! Tests of mappings: in `check`, in `test`, and in the table, where a push that breaks one is refused.

use serde_json::{Value, json};

use crate::fixtures::{MAPPINGS, WorkFolder, assert_answer};
use crate::table_fixture::TableFixture;

/// The third one fails.
const TESTS: &str = r#"
[[teams.web.tests]]
object = "s3://assets.website.com/css/app.css"
purges = ["https://www.website.com/css/app.css", "https://cdn.website.com/css/app.css"]
not_purges = ["https://www.website.com/"]

[[teams.web.tests]]
object = "s3://assets.website.com/drafts/app.css"
event = "removed"
unmatched = true

[[teams.web.tests]]
object = "s3://assets.website.com/img/a.css"
purges = ["https://cdn.website.com/img/b.css"]
not_purges = ["https://cdn.website.com/img/a.css"]

[[teams.docs.tests]]
object = "s3://docs-site/manual/a/b.html"
purges = ["prefix:docs.website.dev/manual/a/", "https://docs.website.dev/manual/a/c.html?page=2"]
"#;

fn with_tests() -> WorkFolder {
    let folder = WorkFolder::empty();
    folder.write("mappings.toml", format!("{MAPPINGS}{TESTS}"));
    folder
}

fn passing() -> String {
    let right =
        TESTS.replace("img/b.css", "img/a.css").replace("not_purges = [\"https://cdn", "not_purges = [\"http://cdn");
    format!("{MAPPINGS}{right}")
}

#[test]
fn tests_are_shown_as_by_a_test_runner() {
    let folder = with_tests();
    assert_answer("test_failed", &folder.run(&["test"]).with_code(1));
    assert_answer("test_of_team", &folder.run(&["test", "--team", "docs"]).with_code(0));
    let json = folder.run(&["test", "--json"]).with_code(1).json();
    assert_eq!((&json["passed"], &json["failed"]), (&json!(3), &json!(1)));
    let passed: Vec<&Value> = json["tests"].as_array().unwrap().iter().map(|test| &test["passed"]).collect();
    assert_eq!(passed.iter().filter(|passed| ***passed == json!(true)).count(), 3);
    let failed = json["tests"].as_array().unwrap().iter().find(|test| test["passed"] == json!(false)).unwrap();
    assert_eq!(failed["test"], "teams.web.tests[2]");
    assert_eq!(failed["purged"].as_array().unwrap().len(), 2, "{failed}");
    let places: Vec<&Value> = failed["failures"].as_array().unwrap().iter().map(|it| &it["place"]).collect();
    assert_eq!(places, ["teams.web.tests[2].purges[0]", "teams.web.tests[2].not_purges[0]"]);
    let unknown = folder.run(&["test", "--team", "zoo"]).expect_misuse();
    assert!(unknown.stderr.contains("unknown team zoo"), "{unknown}");
    let none = WorkFolder::new().run(&["test"]).with_code(0);
    assert!(none.stderr.contains("there is no test"), "{none}");
}

#[test]
fn the_command_that_shows_why_names_the_same_mappings() {
    let folder = with_tests();
    let object = "s3://assets.website.com/img/a.css";
    folder.write("my file.toml", folder.read("mappings.toml").replace(object, "s3://assets.website.com/img/it's.css"));
    for command in ["check", "test"] {
        for (args, option) in [
            (&["my file.toml"][..], " --mappings 'my file.toml'"),
            (&["--mappings=my file.toml"], " --mappings 'my file.toml'"),
            (&["-"], " --mappings FILE"),
        ] {
            let text = folder.read("my file.toml");
            let answer = folder.run_with(&[&[command], args].concat(), &[], text.as_bytes()).with_code(1);
            let suggested =
                format!(r"`purge-router explain 's3://assets.website.com/img/it'\''s.css' --event created{option}`");
            assert!(format!("{}{}", answer.stdout, answer.stderr).contains(&suggested), "{answer}");
        }
    }
}

#[test]
fn a_warning_may_say_why_a_test_fails() {
    let folder = WorkFolder::empty();
    let unused = "[teams.web.zones.\"unused.com\"]\nzone_id = \"023e105f4ecef8ad9ca31a8372d0c354\"\n\
                  hostnames = [\"www.unused.com\"]\n";
    folder.write("mappings.toml", format!("{MAPPINGS}{TESTS}{unused}"));
    let answer = folder.run(&["check"]).with_code(1);
    assert!(answer.stderr.contains("test-failed") && answer.stderr.contains("unused-zone"), "{answer}");
}

#[test]
fn check_runs_tests_and_other_commands_do_not() {
    let folder = with_tests();
    let answer = folder.run(&["check"]).with_code(1);
    assert_answer("check_tests", &answer);
    let json = folder.run(&["check", "--json"]).with_code(1).json();
    let codes: Vec<&Value> = json["problems"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
    assert_eq!(codes, ["test-failed", "test-failed"]);
    assert_eq!(json["problems"][0]["value"], "\"https://cdn.website.com/img/b.css\"");
    folder.run(&["explain", "s3://assets.website.com/img/a.css"]).with_code(0);
    folder.write("mappings.toml", passing());
    let good = folder.run(&["check"]).with_code(0);
    assert!(good.stdout.contains("3 mappings, 4 tests: no problem"), "{good}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_breaks_a_test_is_refused() {
    let fixture = TableFixture::new().await;
    fixture.folder.write("mappings.toml", passing());
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    assert_answer("table_push_tests", &fixture.run(&["mappings", "push", "--team", "web", "--yes"]).with_code(0));
    let row = fixture.table.get("TEAM#web", "TEST#assets.website.com/drafts/app.css").await;
    let object = "s3://assets.website.com/drafts/app.css";
    assert_eq!(row, json!({ "version": 1, "object": object, "event": "removed", "unmatched": true }));
    // Another user pulls, and edits a mapping.
    let pulled = fixture.run_as("bob", &["mappings", "pull", "--team", "web"]).with_code(0).stdout;
    fixture.folder.write("mappings.toml", &pulled);
    fixture.edit("exclude = [\"drafts/\"]\n", "");
    let refused = fixture.run_as("bob", &["mappings", "push", "--team", "web", "--yes", "--force"]).with_code(1);
    assert!(refused.stderr.contains("test-failed") && refused.stderr.contains("unmatched"), "{refused}");
    fixture.run_as("bob", &["mappings", "diff", "--team", "web"]).with_code(1);
    // Without its tests, the file may be pushed: but it is shown, and needs --force.
    let without = fixture.folder.read("mappings.toml").split("[[teams.web.tests]]").next().unwrap().to_owned();
    fixture.folder.write("mappings.toml", without);
    let refused = fixture.run_as("bob", &["mappings", "push", "--team", "web", "--yes"]).with_code(1);
    assert!(refused.stdout.contains("- test s3://assets.website.com/drafts/app.css"), "{refused}");
    let dropped = "TEST#assets.website.com/drafts/app.css: unmatched is removed or changed, and would fail: ";
    assert!(refused.stderr.contains(dropped), "{refused}");
    assert!(refused.stderr.contains("3 of 3 tests would be changed or removed"), "{refused}");
    assert_eq!(fixture.run(&["test", "--table", &fixture.table.name]).with_code(0).stdout.matches("ok ").count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tests_are_edited_and_restored_as_mappings_are() {
    let fixture = TableFixture::new().await;
    fixture.folder.write("mappings.toml", passing());
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    fixture.run(&["mappings", "push", "--yes"]).with_code(0);
    let push = ["mappings", "push", "--team", "web", "--yes"];
    fixture.edit("event = \"removed\"", "event = \"created\"");
    let edited = fixture.run(&push).with_code(0);
    assert!(edited.stdout.contains("~ test s3://assets.website.com/drafts/app.css"), "{edited}");
    assert!(edited.stdout.contains("event: \"removed\" → \"created\""), "{edited}");
    let rollback = fixture.run(&["mappings", "rollback", "1", "--team", "web", "--yes"]).with_code(0);
    assert!(rollback.stdout.contains("event: \"created\" → \"removed\""), "{rollback}");
    let shown = fixture.run(&["mappings", "history", "--team", "web", "--show", "2"]).with_code(0);
    assert!(shown.stdout.contains("~ test s3://assets.website.com/drafts/app.css"), "{shown}");
    let at_2 = fixture.run(&["mappings", "pull", "--team", "web", "--revision", "2"]).with_code(0).stdout;
    fixture.folder.write("mappings.toml", &at_2);
    let tests = fixture.run(&["test", "mappings.toml"]).with_code(0);
    assert!(tests.stdout.contains("3 tests: 3 passed, 0 failed"), "{tests}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_others_that_break_tests_are_seen() {
    let fixture = TableFixture::new().await;
    fixture.folder.write("mappings.toml", passing());
    fixture.run(&["grants", "push", "--yes"]).with_code(0);
    fixture.run(&["mappings", "push", "--yes"]).with_code(0);
    let table = fixture.table.name.clone();
    let good = fixture.run(&["check", "--table", &table]).with_code(0);
    assert!(good.stdout.contains("4 tests: no problem"), "{good}");
    // In the console: a mapping loses its globs, and a test its object.
    let mapping = json!({ "version": 1, "bucket": "assets.website.com", "prefix": "", "zones": ["website.com"] });
    fixture.table.put("TEAM#web", "MAPPING#assets.website.com/", mapping).await;
    fixture.table.put("TEAM#docs", "TEST#x", json!({ "version": 1, "unmatched": true })).await;
    let answer = fixture.run(&["check", "--table", &table]).with_code(1);
    assert!(answer.stderr.contains("TEAM#web/TEST#assets.website.com/drafts/app.css: unmatched: "), "{answer}");
    assert!(answer.stderr.contains("TEAM#docs/TEST#x: `object` is missing [missing-field]"), "{answer}");
    let tests = fixture.run(&["test", "--table", &table, "--team", "web"]).with_code(1);
    assert!(tests.stdout.contains("3 tests: 2 passed, 1 failed"), "{tests}");
    // An operator takes a prefix away: the tests of its mappings would fail.
    let grants = "version = 1\n[teams.docs]\nowns = [\"s3://docs-site/blog/\"]\n";
    fixture.folder.write("grants.toml", grants);
    let warned = fixture.run(&["grants", "diff", "--team", "docs", "--mappings", "grants.toml"]).with_code(0);
    let said = "this grant would disable 1 mapping of team docs, so that 1 test would fail";
    assert!(warned.stderr.contains(said), "{warned}");
}
