//! Commands that read a table: in place of a file, and if it can't be read.

use purge_router_dynamodb_local::Action;
use serde_json::{Value, json};

use crate::fixtures::{assert_answer, both_teams};
use crate::table_fixture::TableFixture;

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

const DENIAL: &str = "access denied: AccessDeniedException: User alice is not authorized (you are user/alice of account \
                      123456789012, region eu-west-1, credentials of AWS_ACCESS_KEY_ID)";

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
    for command in [
        &["mappings", "pull", "--team", "web"][..],
        &["mappings", "push", "--yes"],
        &["mappings", "history", "--team", "web"],
        &["grants", "push", "--yes"],
    ] {
        let answer = fixture.run(command).with_code(1);
        assert!(answer.stderr.contains(DENIAL), "{answer}");
    }
    let denied = fixture.run(&["mappings", "push", "--yes"]).with_code(1);
    let reason =
        format!("error: can't read the rows of team docs in the table {}: access denied: ", fixture.table.name);
    assert!(denied.stderr.starts_with(&reason), "{denied}");
    let denied = fixture.run(&["mappings", "pull"]).with_code(1);
    assert!(denied.stderr.ends_with("a team sees its own with `mappings pull --team NAME`\n"), "{denied}");
    for command in [&["check"][..], &["explain", "s3://docs-site/a"]] {
        let denied = fixture.run(&[command, &["--table", &fixture.table.name]].concat()).with_code(1);
        let help = "only operators can read the whole table: name your team with --team";
        assert!(denied.stderr.contains(DENIAL) && denied.stderr.contains(help), "{denied}");
    }
    // Writes are denied alone, and so are reads of revisions and documents.
    fixture.edit("exclude = [\"drafts/\"]", "exclude = [\"drafts/\", \"old/\"]");
    for (denied, command) in [
        ("TransactWriteItems", &["push", "--yes", "--team", "web"][..]),
        ("REVISION#", &["history", "--team", "web"]),
        ("DOCUMENT#", &["history", "--team", "web", "--show", "1"]),
        ("DOCUMENT#", &["pull", "--team", "web", "--revision", "1"]),
    ] {
        fixture.table.proxy.on_call(move |call| {
            match call.operation == denied || call.body.to_string().contains(denied) {
                true => Action::Refuse(400, "AccessDeniedException", "User alice is not authorized"),
                false => Action::Pass,
            }
        });
        let answer = fixture.run(&[&["mappings"], command].concat()).with_code(1);
        assert!(answer.stderr.contains(DENIAL), "{answer}");
    }
    fixture.table.proxy.release();
    for json in [&[][..], &["--json"]] {
        let nobody = fixture.run(&[&["mappings", "history", "--team", "nobody"], json].concat()).with_code(1);
        assert!(nobody.stderr.starts_with("error: TEAM#nobody not found in the table "), "{nobody}");
    }
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
