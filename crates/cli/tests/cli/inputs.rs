//! Lists from standard input, and several events in one stream.

use purge_router_test_support::events::s3;
use serde_json::{Value, json};

use crate::fixtures::{TOKEN, WorkFolder, cloudflare, received};

fn urls(plan: &Value) -> Vec<&str> {
    let files = plan["batches"][0]["body"]["files"].as_array().unwrap();
    files.iter().map(|file| file.as_str().unwrap()).collect()
}

/// What `aws sqs receive-message` prints of one message.
fn receive_message(id: &str, key: &str) -> String {
    let body = s3("assets.website.com", [key]).to_string();
    let message = json!({ "MessageId": id, "ReceiptHandle": "r", "Body": body });
    serde_json::to_string_pretty(&json!({ "Messages": [message] })).unwrap()
}

#[test]
fn several_events_and_messages_in_a_row_are_planned_as_one() {
    let folder = WorkFolder::new();
    let expected = [
        "https://www.website.com/a.css",
        "https://cdn.website.com/a.css",
        "https://www.website.com/b.css",
        "https://cdn.website.com/b.css",
    ];
    let body = |key| s3("assets.website.com", [key]).to_string();
    for input in [
        format!("{}\n{}\n", receive_message("m-1", "a.css"), receive_message("m-2", "b.css")),
        format!("{}{}", body("a.css"), body("b.css")),
        "s3://assets.website.com/a.css\ns3://assets.website.com/b.css\n".to_owned(),
    ] {
        let plan = folder.run_with(&["plan", "-", "--json"], &[], input.as_bytes()).with_code(0).json();
        assert_eq!((&plan["changes"], urls(&plan)), (&json!(2), expected.to_vec()), "{input}");
        folder.run_with(&["run", "-", "--sandbox"], &[], input.as_bytes()).with_code(0);
    }
    for command in [&["plan"][..], &["explain"], &["purge", "--dry-run"]] {
        let answer = folder.run_with(&[command, &["-", "--mappings", "-"]].concat(), &[], b"").expect_misuse();
        assert!(answer.errors().contains("the mapping file and the input are both standard input"), "{answer}");
    }
    let broken = format!("{} {{", receive_message("m-1", "a.css"));
    let answer = folder.run_with(&["plan", "-"], &[], broken.as_bytes()).with_code(1);
    assert!(answer.errors().starts_with("error: the input has 1 event and then, from byte "), "{answer}");
    let with_other = format!("{} {{\"a\": 1}}", receive_message("m-1", "a.css"));
    let answer = folder.run_with(&["plan", "-", "--json"], &[], with_other.as_bytes()).with_code(1).json();
    assert_eq!(answer["changes"], json!(1), "one that is no event stops no other");
    assert!(answer["rejected"][0]["reason"].as_str().unwrap().starts_with("event 2 of 2: not an event"), "{answer}");
}

#[test]
fn one_object_is_planned_by_its_name() {
    let folder = WorkFolder::new();
    for object in [
        "s3://assets.website.com/css/a b.css",
        "arn:aws:s3:::assets.website.com/css/a b.css",
        "arn:aws-cn:s3:::assets.website.com/css/a b.css",
        "S3://assets.website.com/css/a b.css",
        "HTTPS://assets.website.com.s3.eu-west-1.amazonaws.com/css/a+b.css",
    ] {
        let plan = folder.run(&["plan", object, "--json"]).with_code(0).json();
        assert_eq!(urls(&plan)[0], "https://www.website.com/css/a%20b.css", "{object}");
        folder.run(&["run", object, "--sandbox"]).with_code(0);
        let explained = folder.run(&["explain", object, "--event", "removed", "--json"]).with_code(0).json();
        assert_eq!(explained["object"], "s3://assets.website.com/css/a b.css", "{object}");
        let list = format!("\u{feff}{object}\r\n");
        let planned = folder.run_with(&["plan", "-", "--json"], &[], list.as_bytes()).with_code(0).json();
        assert_eq!(planned["batches"], plan["batches"], "in a list: {object}");
    }
    let plan = folder.run(&["plan", "s3://assets.website.com/img/a.png", "--event", "removed", "--json"]).json();
    assert_eq!(plan["unmatched"][0]["key"], "img/a.png", "the mapping is for created objects alone");

    let url = "https://www.website.com/a.css";
    let problem = format!("`{url}` is a URL: `purge-router explain` says which objects lead to it");
    let answer = folder.run(&["plan", url]).with_code(2);
    assert!(answer.errors().contains(&problem), "{answer}");
    let explained = folder.run_with(&["explain", "-", "--json"], &[], format!("\u{feff}{url}").as_bytes()).with_code(0);
    assert_eq!(explained.json()["urls"][0]["url"], url, "{explained}");
    let answer = folder.run(&["plan", "arn:aws:s3:::assets.website.com"]).with_code(2);
    assert!(
        answer.errors().contains("`arn:aws:s3:::assets.website.com`: `s3://assets.website.com` is not"),
        "{answer}"
    );
    let list = format!("s3://assets.website.com/a.css\n{url}");
    let answer = folder.run_with(&["plan", "-"], &[], list.as_bytes()).with_code(2);
    assert!(answer.errors().starts_with(&format!("error: line 2: {problem}")), "{answer}");
}

#[test]
fn a_key_that_looks_encoded_gets_a_hint() {
    let folder = WorkFolder::new();
    let hint = "hint: if the key was copied from an event or a URL, it is encoded: the object is \
                s3://assets.website.com/a b.css";
    for command in [&["plan"][..], &["run", "--sandbox"], &["explain"]] {
        let args = [command, &["s3://assets.website.com/a%20b.css"]].concat();
        let answer = folder.run(&args).with_code(0);
        let lines: Vec<&str> = answer.stdout.lines().map(str::trim).collect();
        let at = lines.iter().position(|line| *line == hint);
        assert!(
            at.is_some_and(|at| lines[at - 1].starts_with("s3://assets.website.com/a%20b.css created")),
            "{answer}"
        );
        let answer = folder.run(&[command, &["s3://assets.website.com/a b.css"]].concat()).with_code(0);
        assert!(!answer.stdout.contains("hint:"), "{answer}");
    }
}

#[test]
fn the_objects_of_a_list_have_one_kind_of_change() {
    let folder = WorkFolder::new();
    let list = b"s3://assets.website.com/img/a.png\n";
    folder.run_with(&["plan", "-"], &[], list).with_code(0);
    let plan = folder.run_with(&["plan", "-", "--json", "--event", "removed"], &[], list).with_code(0).json();
    assert_eq!(plan["unmatched"][0]["key"], "img/a.png", "the mapping is for created objects alone");
    let event = s3("assets.website.com", ["a.css"]).to_string();
    let answer = folder.run_with(&["plan", "-", "--event", "removed"], &[], event.as_bytes()).with_code(2);
    assert!(answer.errors().starts_with("error: --event is for s3://bucket/key; an event says"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn urls_are_purged_from_standard_input() {
    let folder = WorkFolder::new();
    let sandbox = cloudflare().start().await.unwrap();
    let variables = [("CLOUDFLARE_BASE_URL", &*sandbox.api_url()), ("CLOUDFLARE_API_TOKEN", TOKEN)];
    let list = b"https://www.website.com/a.css\r\n\n  https://www.website.com/b.css\n";
    folder.run_with(&["purge", "-"], &variables, list).with_code(0);
    let requests = received(&sandbox);
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(
        requests[0].ends_with(r#"{"files":["https://www.website.com/a.css","https://www.website.com/b.css"]}"#),
        "{requests:?}"
    );
    let answer = folder.run_with(&["purge", "-"], &variables, b"\n").with_code(2);
    assert!(answer.errors().starts_with("error: nothing to purge"), "{answer}");
}
