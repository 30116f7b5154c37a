//! Where mappings come from: one rule for all commands, which say what they read; a team with its own rights reads a table,
//! too.

use purge_router_dynamodb_local::Action;

use crate::fixtures::{MAPPINGS, WorkFolder, both_teams};
use crate::table_fixture::TableFixture;

/// Commands that read mappings, with what each needs.
const COMMANDS: [&[&str]; 6] = [
    &["explain", "s3://assets.website.com/a.css"],
    &["explain", "https://www.website.com/a.css"],
    &["plan", "event.json"],
    &["run", "event.json", "--sandbox"],
    &["purge", "https://www.website.com/a.css", "--sandbox"],
    &["test"],
];

#[test]
fn each_command_names_its_source() {
    let folder = WorkFolder::new();
    folder.write("event.json", both_teams());
    folder.write("other.toml", MAPPINGS);
    for command in COMMANDS {
        for (option, variables, source) in [
            (&[][..], &[][..], "mappings.toml"),
            (&["--mappings", "other.toml"], &[("MAPPINGS_TABLE", "prod")], "other.toml"),
            (&[], &[("MAPPINGS_FILE", "other.toml"), ("MAPPINGS_TABLE", "")], "other.toml (MAPPINGS_FILE)"),
        ] {
            let answer = folder.run_with(&[command, option].concat(), variables, b"").with_code(0);
            assert!(answer.stderr.lines().any(|line| line == format!("mappings: {source}")), "{answer}");
        }
        let both = [("MAPPINGS_FILE", "other.toml"), ("MAPPINGS_TABLE", "prod")];
        let answer = folder.run_with(command, &both, b"").expect_misuse();
        let reason =
            "MAPPINGS_FILE and MAPPINGS_TABLE are both set: choose one with --mappings other.toml or --table prod";
        assert!(answer.stderr.contains(reason), "{answer}");
    }
}

#[test]
fn only_the_mappings_of_a_team() {
    let folder = WorkFolder::new();
    folder.write("event.json", both_teams());
    let plan = folder.run(&["plan", "event.json", "--team", "docs", "--json"]).with_code(0).json();
    assert_eq!(plan["batches"].as_array().map(Vec::len), Some(1));
    assert_eq!(plan["batches"][0]["team"], "docs");
    folder.write("mappings.toml", MAPPINGS.replace("zones = [\"website.dev\"]", "zones = [\"website.def\"]"));
    folder.run(&["check", "--team", "web"]).with_code(0);
    folder.run(&["check", "--team", "docs"]).with_code(1);
    folder.run(&["check"]).with_code(1);
    let answer = folder.run(&["check", "--team", "dosc"]).expect_misuse();
    assert!(answer.stderr.contains("unknown team dosc; did you mean docs?"), "{answer}");
}

#[test]
fn a_mapping_file_is_named_with_or_without_an_option() {
    let folder = WorkFolder::empty();
    folder.write("other.toml", MAPPINGS);
    for command in ["check", "test"] {
        folder.run(&[command, "other.toml"]).with_code(0);
        folder.run(&[command, "--mappings", "other.toml"]).with_code(0);
        folder.run(&[command, "other.toml", "--mappings", "other.toml"]).with_code(2);
        let answer = folder.run(&[command, "other.toml", "--table", "prod"]).expect_misuse();
        assert!(answer.stderr.contains("the file other.toml and --table prod are both named"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_explains_and_checks_what_is_live_with_its_own_rights() {
    let fixture = TableFixture::pushed().await;
    let (folder, table) = (&fixture.folder, fixture.table.name.clone());
    let unknown = fixture.run(&["explain", "s3://docs-sites/a", "--table", &table]).with_code(3);
    assert!(unknown.stdout.contains("no mapping of this bucket: did you mean `docs-site`?\n"), "{unknown}");
    folder.write("mappings.toml", "this is not read");
    folder.write("event.json", both_teams());
    // What IAM allows a team: its own partition.
    fixture.table.proxy.on_call(|call| {
        let body = call.body.to_string();
        match body.contains("TEAM#web") && !body.contains("by-bucket") {
            true => Action::Pass,
            false => Action::Refuse(400, "AccessDeniedException", "User alice is not authorized"),
        }
    });
    for command in [
        &["explain", "s3://assets.website.com/a.css"][..],
        &["explain", "https://www.website.com/a.css"],
        &["plan", "event.json"],
        &["check"],
        &["test"],
    ] {
        let answer = fixture.run(&[command, &["--team", "web"]].concat()).with_code(0);
        assert!(
            answer.stdout.contains(&table) || answer.stderr.contains(&format!("mappings: table {table}")),
            "{answer}"
        );
        let answer = fixture.run(command).with_code(1);
        assert!(
            answer.stderr.contains("only operators can read the whole table: name your team with --team"),
            "{answer}"
        );
    }
}
