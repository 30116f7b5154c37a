//! Text that teams write into rows, on the terminal of others.

use serde_json::json;

use crate::table::TableWorld;
use crate::terminal::assert_tame;
use crate::world::s3_event;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_characters_of_a_row_key_never_reach_the_terminal() {
    let world = TableWorld::pushed().await;
    let row =
        json!({ "bucket": "assets.website.com", "prefix": "fonts/", "zones": ["website.com"], "include": ["*.css"] });
    world.table.put("TEAM#web", "MAPPING#\u{1b}[31mred", row).await;
    let escaped = r"TEAM#web/MAPPING#\u{1b}[31mred";
    world
        .world
        .write("event.json", s3_event(&[("assets.website.com", "fonts/a.css"), ("assets.website.com", "fonts/a.x")]));
    let table = world.table.name.as_str();
    for args in [
        &["plan", "event.json", "--table", table][..],
        &["run", "event.json", "--sandbox", "--table", table],
        &["explain", "s3://assets.website.com/fonts/a.css", "--table", table],
        &["explain", "s3://assets.website.com/fonts/a.x", "--table", table],
    ] {
        let answer = world.run(args).with_code(0);
        assert_tame("stdout", &answer.stdout);
        assert_tame("stderr", &answer.stderr);
        assert!(answer.stdout.contains(escaped), "{answer}");
    }
}
