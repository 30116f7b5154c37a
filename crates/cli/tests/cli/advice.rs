//! What errors say: true, once, and with a way out that can be followed as it stands.

use serde_json::json;

use crate::fixtures::{MAPPINGS, NOWHERE, WorkFolder, both_teams, cloudflare, s3_event};
use crate::table_fixture::TableFixture;

/// Credentials and a place where SSM does not listen.
const AWS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "alice"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_ENDPOINT_URL", NOWHERE)];

#[test]
fn an_aws_set_up_error_is_said_once_without_the_sdks_words() {
    let folder = WorkFolder::new();
    folder.write("event.json", both_teams());
    for (region, reason) in [
        ("", "can't call SSM: no region is set (no region, credentials of AWS_ACCESS_KEY_ID)"),
        ("eu west", "`eu west` is not a region: write a name such as eu-west-1 (region eu west, credentials of"),
    ] {
        let variables = [&AWS[..], &[("AWS_REGION", region), ("AWS_CONFIG_FILE", "none")]].concat();
        let answer = folder.run_with(&["run", "event.json"], &variables, b"").with_code(1);
        let errors = answer.errors();
        assert!(errors.contains(reason) && errors.contains("set CLOUDFLARE_API_TOKEN, or"), "{answer}");
        assert_eq!((errors.lines().count(), answer.stdout.as_str()), (1, ""), "for two batches: {answer}");
        let answer = folder.run_with(&["explain", "s3://assets/a", "--table", "prod"], &variables, b"").with_code(1);
        assert!(!answer.stderr.contains("nterceptor"), "{answer}");
        assert_eq!(answer.errors().lines().count(), 1, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_a_table_name_caller_region_and_credentials() {
    let fixture = TableFixture::pushed().await;
    for command in [
        &["explain", "s3://docs-site/a", "--table", "not-there"][..],
        &["check", "--table", "not-there"],
        &["mappings", "pull", "--table", "not-there"],
        &["grants", "history", "--table", "not-there"],
    ] {
        let answer = fixture.run(command).with_code(1);
        let identity = "you are user/alice of account 123456789012, region eu-west-1, credentials of AWS_ACCESS_KEY_ID";
        assert!(answer.stderr.contains(identity), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_a_refused_token_names_where_the_token_is() {
    let folder = WorkFolder::new();
    folder.write("event.json", s3_event(&[("assets.website.com", "a.css")]));
    let sandbox = cloudflare().start().await.unwrap();
    let variables = [
        ("CLOUDFLARE_BASE_URL", &*sandbox.api_url()),
        ("CLOUDFLARE_API_TOKEN", "cfut_which-nobody-knows-0001"),
        ("RUST_LOG", "error"),
    ];
    let answer = folder.run_with(&["run", "event.json"], &variables, b"").with_code(1);
    let line = answer.stderr.lines().find(|line| line.contains("token refused; not used for")).unwrap();
    assert!(line.contains("variable=\"CLOUDFLARE_API_TOKEN\"") && !line.contains("parameter"), "{line}");
    assert!(answer.stdout.contains("help: Cloudflare does not accept the token for anything"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_that_changes_nothing_says_nothing_of_the_file() {
    let fixture = TableFixture::pushed().await;
    let outdated = "your mapping file is unchanged: pull again before you push it";
    let rollback = ["mappings", "rollback", "1", "--team", "web", "--yes"];
    let answer = fixture.run(&rollback).with_code(0);
    assert!(answer.stdout.contains("nothing to change") && !answer.stderr.contains(outdated), "{answer}");
    fixture.edit("exclude = [\"drafts/\"]", "exclude = [\"tmp/\"]");
    fixture.run(&["mappings", "push", "--team", "web", "--yes"]).with_code(0);
    let answer = fixture.run(&rollback).with_code(0);
    assert!(answer.stderr.contains(outdated), "{answer}");
    let answer = fixture.run(&["mappings", "rollback", "1"]).with_code(2);
    assert!(answer.stderr.contains("--team <NAME>"), "{answer}");
}

#[test]
fn only_the_first_of_many_problems_are_drawn() {
    let folder = WorkFolder::empty();
    let mapping = "[[teams.web.mappings]]\nsource = \"s3://assets.website.com/x\"\nzones = [\"website.com\"]\n";
    folder.write("mappings.toml", format!("{MAPPINGS}{}", mapping.repeat(60)));
    let answer = folder.run(&["check"]).with_code(1);
    assert_eq!(answer.stderr.matches("error[prefix-without-slash]").count(), 50, "{answer}");
    let end = "error: mappings.toml has 60 problems; 10 more are not shown (check --json has all)\n";
    assert!(answer.stderr.ends_with(end), "{answer}");
    let json = folder.run(&["check", "--json"]).with_code(1).json();
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(60));
}

#[test]
fn a_mapping_file_in_json_is_one_problem() {
    let folder = WorkFolder::empty();
    folder
        .write("mappings.json", serde_json::to_string_pretty(&json!({ "teams": { "web": { "owns": [] } } })).unwrap());
    let answer = folder.run(&["check", "mappings.json"]).with_code(1);
    assert!(answer.stderr.contains("the file is JSON, and mapping files are TOML"), "{answer}");
    assert!(answer.stderr.contains("mappings.json has 1 problem\n"), "{answer}");
}

#[test]
fn options_of_tokens_are_explained_as_they_are() {
    let folder = WorkFolder::new();
    let roll = ["tokens", "rotate", "--zone", "website.com", "--roll", "--token-id", "abc"];
    let answer = folder.run(&roll).with_code(2);
    assert!(answer.stderr.contains("`abc` is not the id of a token: write the 32 hexadecimal digits"), "{answer}");
    let twice = ["tokens", "put", "--zone", "website.com", "--zone", "website.dev"];
    let answer = folder.run(&twice).with_code(2);
    assert!(answer.stderr.contains("'--zone <DOMAIN>' cannot be used multiple times"), "{answer}");
    let help = folder.run(&["tokens", "put", "--help"]).with_code(0).stdout;
    assert!(!help.contains("Can be repeated"), "{help}");
}

#[test]
fn a_rate_limit_that_outlasts_the_deadline_is_not_called_a_deadline() {
    let folder = WorkFolder::empty();
    folder.write("mappings.toml", MAPPINGS.replace("plan = \"enterprise\"", "plan = \"free\""));
    let keys: Vec<String> = (0..3000).map(|index| format!("manual/{index}/a.html")).collect();
    let objects: Vec<(&str, &str)> = keys.iter().map(|key| ("docs-site", key.as_str())).collect();
    folder.write("event.json", s3_event(&objects));
    // Thirty requests; a free zone may send 25 at once, and five a minute.
    let run = ["run", "event.json", "--sandbox", "--deadline", "1"];
    let json = folder.run(&[&run[..], &["--json"]].concat()).with_code(1).json();
    let outcomes = json["outcomes"].as_array().unwrap().iter();
    let failed: Vec<&str> = outcomes.map(|it| it["status"].as_str().unwrap()).filter(|it| *it != "purged").collect();
    assert!(!failed.is_empty() && failed.iter().all(|status| *status == "rate-limited"), "{failed:?}");
    let answer = folder.run(&run).with_code(1);
    assert!(answer.stdout.contains("must wait for the rate limit: give more time with --deadline"), "{answer}");
}

#[test]
fn suggested_commands_have_the_options_of_the_source() {
    let folder = WorkFolder::empty();
    let test = "[[teams.web.tests]]\nobject = \"s3://assets.website.com/a.css\"\nunmatched = true\n";
    folder.write("other.toml", format!("{MAPPINGS}{test}"));
    let answer = folder.run(&["test", "--mappings", "other.toml"]).with_code(1);
    let command = "`purge-router explain 's3://assets.website.com/a.css' --event created --mappings other.toml`";
    assert!(answer.stdout.contains(command), "{answer}");
}
