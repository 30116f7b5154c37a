//! `mappings list`, `grants list` and `history` of all teams, as tables and as JSON.

use serde_json::Value;

use crate::fixtures::{Answer, WorkFolder};
use crate::table_fixture::TableFixture;

/// The words of each line, without the header.
fn lines(answer: &Answer) -> Vec<Vec<&str>> {
    answer.stdout.lines().skip(1).map(|line| line.split_whitespace().collect()).collect()
}

fn json_lines(answer: &Answer) -> Vec<Value> {
    answer.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_mappings_of_a_file_are_listed_and_filtered() {
    let folder = WorkFolder::new();
    let all = folder.run(&["mappings", "list"]).with_code(0);
    assert_eq!(all.stderr, "3 mappings of mappings.toml\n");
    let docs =
        ["docs", "s3://docs-site/manual/", "website.dev", "docs.website.dev", "prefixes", "teams.docs.mappings[0]"];
    assert_eq!(lines(&all)[0], docs);
    for (filter, expected) in [
        (&["--team", "web"][..], 2),
        (&["--bucket", "docs-site"], 1),
        (&["--zone", "website.com"], 2),
        (&["--hostname", "www.website.com"], 1),
        (&["--hostname", "cdn.website.com", "--team", "docs"], 0),
    ] {
        let answer = folder.run(&[&["mappings", "list", "-o", "json"], filter].concat()).with_code(0);
        assert_eq!(answer.json().as_array().unwrap().len(), expected, "{answer}");
    }
    let found = json_lines(&folder.run(&["mappings", "list", "-o", "jsonl", "--team", "docs"]).with_code(0));
    assert_eq!(found[0]["prefix"], "manual/");
    assert_eq!((found.len(), &found[0]["mode"], &found[0]["purge"]), (1, &"invalidate".into(), &"prefixes".into()));
    folder.run(&["mappings", "list", "--team", "nobody"]).expect_misuse();
    folder.run(&["mappings", "list", "--json", "-o", "table"]).with_code(2);
    let grants = folder.run(&["grants", "list", "--bucket", "docs-site"]).with_code(0);
    assert_eq!(lines(&grants), [["docs", "s3://docs-site/", "/purge-router/docs/"]]);
    folder.write("mappings.toml", "version = 2\n");
    let bad = folder.run(&["mappings", "list"]).with_code(1);
    assert!(bad.stderr.contains("mappings.toml has "), "{bad}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_listed_and_so_are_the_pushes_of_all_teams() {
    let fixture = TableFixture::pushed().await;
    let all = fixture.run(&["mappings", "list"]).with_code(0);
    assert_eq!(lines(&all).len(), 3, "{all}");
    assert_eq!(all.stderr, format!("3 mappings of table {} (MAPPINGS_TABLE)\n", fixture.table.name));
    fixture.edit("exclude = [\"drafts/\"]", "exclude = [\"drafts/\", \"old/\"]");
    let push = ["mappings", "push", "--team", "web", "--yes", "--message", "old pages are gone"];
    fixture.run_as("bob", &push).with_code(0);
    let history = fixture.run(&["mappings", "history", "-o", "jsonl"]).with_code(0);
    let pushes = json_lines(&history);
    let shown: Vec<(&str, u64)> =
        pushes.iter().map(|push| (push["team"].as_str().unwrap(), push["revision"].as_u64().unwrap())).collect();
    assert_eq!((shown.len(), shown.contains(&("docs", 1)), shown.contains(&("web", 1))), (3, true, true), "{history}");
    let limited = fixture.run(&["mappings", "history", "--limit", "1", "--json"]).with_code(0).json();
    assert_eq!(limited.as_array().unwrap().len(), 1);
    let text = fixture.run(&["mappings", "history", "--team", "web", "--team", "docs"]).with_code(0);
    assert_eq!(lines(&text).len(), 3, "{text}");
    assert!(text.stdout.contains("old pages are gone"), "{text}");
    let of_one = fixture.run(&["mappings", "history", "--team", "web", "-o", "jsonl"]).with_code(0);
    assert_eq!(json_lines(&of_one).len(), 2);
    fixture.run(&["mappings", "history", "--show", "1"]).expect_misuse();
}
