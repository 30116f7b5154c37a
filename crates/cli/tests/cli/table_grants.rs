//! `grants`: what operators write, and what it means for teams.

use serde_json::{Value, json};

use crate::fixtures::assert_answer;
use crate::table_fixture::TableFixture;

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
    assert!(answer.stderr.contains("team shop is not in the file, so this push would remove all its rows"), "{answer}");
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
    assert!(answer.stderr.contains("team nobody not found in the table "), "{answer}");
}

/// The mappings are read for a warning only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grants_are_written_though_a_team_can_not_be_read() {
    let fixture = TableFixture::pushed().await;
    let owns = "owns = [\"s3://assets.website.com/\"";
    fixture.edit(owns, &format!("{owns}, \"s3://media/\""));
    for revision in [json!("damaged"), json!(99_999_999_999_u64)] {
        let mut head = fixture.table.get("TEAM#web", "HEAD").await;
        head["revision"] = revision;
        fixture.table.put("TEAM#web", "HEAD", head).await;
        for args in [&["diff"][..], &["push", "--yes"], &["rollback", "1", "--yes"]] {
            let answer = fixture.run(&[&["grants"], args].concat()).with_code(0);
            let start = "warning: couldn't check which mappings of team web this grant disables: ";
            assert!(answer.stderr.lines().any(|line| line.starts_with(start)), "{answer}");
        }
    }
}
