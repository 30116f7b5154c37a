//! `plan`: the planned requests as text and as JSON, and input that is not an event.

use crate::fixtures::{WorkFolder, assert_answer, both_teams, s3_event};
use crate::support::scenarios;

#[test]
fn as_text() {
    let folder = WorkFolder::new();
    folder.write("event.json", both_teams());
    assert_answer("plan", &folder.run(&["plan", "event.json"]).with_code(0));
    let mixed = scenarios().join("sqs-mixed-batch");
    let (event, mappings) = (mixed.join("event.json"), mixed.join("mappings.toml"));
    std::fs::copy(event, folder.path("mixed.json")).unwrap();
    std::fs::copy(mappings, folder.path("mixed.toml")).unwrap();
    assert_answer("plan_mixed", &folder.run(&["plan", "mixed.json", "--mappings", "mixed.toml"]).with_code(1));
}

#[test]
fn from_standard_input() {
    let folder = WorkFolder::new();
    let event = both_teams();
    folder.write("event.json", &event);
    for more in [&[][..], &["--json"]] {
        let from_file = folder.run(&[&["plan", "event.json"], more].concat()).with_code(0);
        let from_stdin = folder.run_with(&[&["plan", "-"], more].concat(), &[], event.as_bytes()).with_code(0);
        assert_eq!((from_file.stdout, from_file.stderr), (from_stdin.stdout, from_stdin.stderr));
    }
}

#[test]
fn input_that_is_not_an_event_is_an_error_on_one_line() {
    let folder = WorkFolder::new();
    for (bytes, seen) in [
        (&b"<html>"[..], "text that is not JSON (expected value at line 1 column 1), beginning with `<html>`"),
        (
            b"{\"Records\":",
            "text that is not JSON (EOF while parsing a value at line 1 column 11), beginning with `{\"Records\":`",
        ),
        (b"[]", "a JSON array"),
        (b"null", "a JSON null"),
        (b"{}", "an empty JSON object"),
        (b"{\"detail\": {}, \"source\": \"aws.ec2\"}", "a JSON object with `detail`, `source`"),
        (b"{\"line\\nbreak\": 1, \"\\u001b[31m\": 2}", "a JSON object with `line\\nbreak`, `\\u{1b}[31m`"),
        (b"\xff\xfe\x00", "bytes that are not UTF-8 (invalid utf-8 sequence of 1 bytes from index 0)"),
    ] {
        for command in [&["plan", "-"][..], &["plan", "-", "--json"], &["run", "-", "--sandbox"]] {
            let answer = folder.run_with(command, &[], bytes).with_code(1);
            let expected = format!(
                "error: not an event: found {seen}; expected S3 event notifications (AWS, MinIO, Ceph and others), \
                 EventBridge events of aws.s3, or CloudTrail's records of S3, directly or in SQS, SNS, EventBridge Pipes, \
                 HTTP requests or Lambda's destination records; or a list of objects, one s3://bucket/key on each line\n"
            );
            assert_eq!((answer.errors(), answer.stdout), (expected, String::new()));
        }
    }
}

#[test]
fn an_event_that_can_not_be_read_is_misuse() {
    let folder = WorkFolder::new();
    for event in ["none.json", "."] {
        let answer = folder.run(&["plan", event]).expect_misuse();
        assert!(answer.errors().starts_with(&format!("error: can't read the event {event}: ")), "{answer}");
    }
}

#[test]
fn an_empty_event_leads_to_nothing() {
    let folder = WorkFolder::new();
    folder.write("event.json", r#"{"Records": []}"#);
    let answer = folder.run(&["plan", "event.json"]).with_code(0);
    assert!(answer.stderr.contains("the event has no records"), "{answer}");
    assert_answer("plan_empty", &answer);
}

#[test]
fn only_the_first_of_many_lines_are_shown() {
    let folder = WorkFolder::new();
    let keys: Vec<String> = (0..25).map(|n| format!("{n}.css")).chain((0..25).map(|n| format!("{n}.txt"))).collect();
    let objects: Vec<(&str, &str)> = keys.iter().map(|key| ("assets.website.com", key.as_str())).collect();
    folder.write("event.json", s3_event(&objects));
    let text = folder.run(&["plan", "event.json"]).with_code(0).stdout;
    let hidden: Vec<&str> = text.lines().filter(|line| line.contains("more (--json has all)")).map(str::trim).collect();
    let more = |number: usize| format!("… and {number} more (--json has all)");
    assert_eq!(hidden, [more(30), more(30), more(5)], "of 50 changes, 50 URLs and 25 unmatched: {text}");
}
