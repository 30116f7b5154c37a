//! Text that teams write into rows, on the terminal of others.

use serde_json::json;

use crate::fixtures::s3_event;
use crate::table_fixture::TableFixture;
use crate::terminal::assert_tame;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_characters_of_a_row_key_never_reach_the_terminal() {
    let fixture = TableFixture::pushed().await;
    let row =
        json!({ "bucket": "assets.website.com", "prefix": "fonts/", "zones": ["website.com"], "include": ["*.css"] });
    fixture.table.put("TEAM#web", "MAPPING#\u{1b}[31mred", row).await;
    let escaped = r"TEAM#web/MAPPING#\u{1b}[31mred";
    fixture
        .folder
        .write("event.json", s3_event(&[("assets.website.com", "fonts/a.css"), ("assets.website.com", "fonts/a.x")]));
    let table = fixture.table.name.as_str();
    for args in [
        &["plan", "event.json", "--table", table][..],
        &["run", "event.json", "--sandbox", "--table", table],
        &["explain", "s3://assets.website.com/fonts/a.css", "--table", table],
        &["explain", "s3://assets.website.com/fonts/a.x", "--table", table],
    ] {
        let answer = fixture.run(args).with_code(if args[1].ends_with(".x") { 3 } else { 0 });
        assert_tame("stdout", &answer.stdout);
        assert_tame("stderr", &answer.stderr);
        assert!(answer.stdout.contains(escaped), "{answer}");
    }
}
