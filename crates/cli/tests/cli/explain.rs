//! `explain`: which mappings fire for one change, and why the others decline.

use serde_json::json;

use crate::fixtures::{MAPPINGS, WorkFolder, assert_answer};

#[test]
fn what_fires_and_what_it_purges() {
    let folder = WorkFolder::new();
    assert_answer("explain_fires", &folder.run(&["explain", "s3://assets.website.com/img/a b+c.html"]).with_code(0));
    assert_answer("explain_other_team", &folder.run(&["explain", "s3://docs-site/manual/index.html"]).with_code(0));
    assert_answer("explain_other_bucket", &folder.run(&["explain", "s3://nobody/a.css"]).with_code(3));
    let text = folder.run(&["explain", "s3://asset.website.com/a.css"]).with_code(3).stdout;
    assert!(text.contains("no mapping of this bucket: did you mean `assets.website.com`?"), "{text}");
}

#[test]
fn every_reason_to_decline() {
    let folder = WorkFolder::new();
    for (object, event, reasons) in [
        ("css/app.css", "created", &["teams.web.mappings[1]: the key is not below its prefix"][..]),
        ("img/a.css", "removed", &["teams.web.mappings[1]: 'removed' is not among its events (created)"]),
        ("img/a.svg", "created", &["teams.web.mappings[0]: none of include = [\"*.{css,js,html}\"] matches"]),
        (
            "drafts/a.css",
            "created",
            &["teams.web.mappings[0]: excluded by `drafts/`", "teams.web.mappings[1]: the key is not below its prefix"],
        ),
        (
            "img/a.svg",
            "acl",
            &[
                "teams.web.mappings[0]: 'acl' is not among its events (created, removed)",
                "teams.web.mappings[1]: 'acl' is not among its events (created)",
            ],
        ),
    ] {
        let object = format!("s3://assets.website.com/{object}");
        let answer = folder.run(&["explain", &object, "--event", event]);
        let fires = answer.stdout.contains("fires ");
        let text = answer.with_code(if fires { 0 } else { 3 }).stdout;
        // The text has the mapping's source between its name and the reason.
        let declines = text.lines().filter(|line| line.starts_with("declines")).map(|line| {
            let (mapping, rest) = line.strip_prefix("declines ").unwrap().split_once(' ').unwrap();
            format!("{mapping}: {}", rest.split_once(": ").unwrap().1)
        });
        assert_eq!(declines.collect::<Vec<_>>(), reasons, "{text}");
    }
}

#[test]
fn every_kind_of_change() {
    let folder = WorkFolder::new();
    for (event, fires) in [("created", 1), ("removed", 1), ("restored", 0), ("tagged", 0), ("acl", 0)] {
        let answer = folder.run(&["explain", "s3://assets.website.com/a.css", "--event", event, "--json"]);
        let answer = answer.with_code(if fires == 1 { 0 } else { 3 });
        let json = answer.json();
        assert_eq!(json["purged"], json!(fires == 1), "{answer}");
        assert_eq!((&json["event"], json["fires"].as_array().unwrap().len()), (&json!(event), fires), "{answer}");
    }
}

#[test]
fn json_has_the_whole_answer() {
    let answer =
        WorkFolder::new().run(&["explain", "s3://assets.website.com/img/a.css", "--event", "removed", "--json"]);
    let expected = json!({
        "object": "s3://assets.website.com/img/a.css",
        "event": "removed",
        "fires": [{ "mapping": "teams.web.mappings[0]", "team": "web" }],
        "declined": [
            { "mapping": "teams.docs.mappings[0]", "team": "docs", "code": "other-bucket", "reason": "another bucket" },
            {
                "mapping": "teams.web.mappings[1]", "team": "web", "code": "other-kind",
                "reason": "'removed' is not among its events (created)",
            },
        ],
        "purged": true,
        "rejected": [],
        "batches": [{
            "team": "web", "zone": "website.com", "zone_id": "023e105f4ecef8ad9ca31a8372d0c353", "mode": "purge",
            "body": { "files": ["https://www.website.com/img/a.css", "https://cdn.website.com/img/a.css"] },
            "origins": ["invocation"],
        }],
    });
    assert_eq!(answer.with_code(0).json(), expected);
}

#[test]
fn a_key_without_a_url_is_shown_as_not_purged() {
    let folder = WorkFolder::new();
    assert_answer("explain_dot_segments", &folder.run(&["explain", "s3://assets.website.com/a/../b.css"]).with_code(3));
    let answer = folder.run(&["explain", "s3://assets.website.com/./b.css", "--json"]).with_code(3);
    let json = answer.json();
    assert_eq!((&json["batches"], json["rejected"].as_array().unwrap().len()), (&json!([]), 1), "{answer}");
}

#[test]
fn which_path_of_a_rewritten_mapping_is_named_and_why() {
    let folder = WorkFolder::new();
    let explained = |rules: &str| {
        let file = format!(
            "version = 1\n[teams.web]\nowns = [\"s3://assets.website.com/\"]\n[teams.web.zones.\"website.com\"]\n\
             zone_id = \"023e105f4ecef8ad9ca31a8372d0c353\"\nhostnames = [\"www.website.com\"]\n\
             [[teams.web.mappings]]\nsource = \"s3://assets.website.com/uk/\"\nzones = [\"website.com\"]\n{rules}\n"
        );
        folder.write("rewritten.toml", &file);
        let arguments = ["explain", "--mappings", "rewritten.toml", "s3://assets.website.com/uk/css/app.css"];
        let json = folder.run(&[&arguments[..], &["--json"]].concat()).with_code(0).json();
        let text = folder.run(&arguments).with_code(0).stdout;
        let paths = json["fires"][0]["paths"].clone();
        assert_eq!(text.contains(" → URL "), !paths.is_null(), "{text}");
        assert!(text.contains(paths["reason"].as_str().unwrap_or_default()), "{text}");
        let path = |name: &str| paths[name].as_str().map(str::to_owned);
        (path("url"), path("prefix"), path("reason").unwrap_or_default().split(':').next().unwrap().to_owned())
    };
    let strip = "strip_prefix = \"uk/\"\n";
    let transform_rule = format!("{strip}path_rewrite = \"transform-rule\"\n");
    let (origin, rule) = ("path_rewrite is `origin`", "path_rewrite is `transform-rule`");
    for (rules, url, prefix, reason) in [
        ("purge = \"prefixes\"".to_owned(), None, None, ""),
        (strip.to_owned(), Some("/css/app.css"), None, "a purge by URL names the path that visitors request"),
        (format!("{strip}purge = \"prefixes\""), Some("/css/app.css"), Some("/css/"), origin),
        (format!("{transform_rule}purge = \"prefixes\""), Some("/css/app.css"), Some("/uk/css/"), rule),
        (format!("{transform_rule}escalate_above = 5"), Some("/css/app.css"), Some("/uk/"), rule),
        (format!("{transform_rule}query_strings = \"any\""), Some("/css/app.css"), Some("/uk/css/app.css"), rule),
        (format!("{strip}purge = \"hosts\""), None, None, ""),
    ] {
        let expected = (url.map(str::to_owned), prefix.map(str::to_owned), reason.to_owned());
        assert_eq!(explained(&rules), expected, "{rules}");
    }
}

/// What `aws sqs receive-message` prints of a dead-letter queue.
fn messages() -> String {
    let record = |key: &str| {
        json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete",
            "s3": { "bucket": { "name": "assets.website.com" }, "object": { "key": key } },
        })
    };
    let message = |id: &str, body: String| json!({ "MessageId": id, "ReceiptHandle": "r", "Body": body });
    let bodies = [
        json!({ "Records": [record("a+b.css"), record("c.svg")] }).to_string(),
        json!({ "Event": "s3:TestEvent" }).to_string(),
        "hello".to_owned(),
    ];
    let messages: Vec<_> = bodies.into_iter().zip(["m-0", "m-1", "m-2"]).map(|(body, id)| message(id, body)).collect();
    json!({ "Messages": messages }).to_string()
}

#[test]
fn each_change_of_an_event_is_explained() {
    let folder = WorkFolder::new();
    folder.write("messages.json", messages());
    assert_answer("explain_event", &folder.run(&["explain", "messages.json"]).with_code(1));

    let answer = folder.run(&["explain", "messages.json", "--json"]).with_code(1).json();
    let changes: Vec<_> =
        answer["changes"].as_array().unwrap().iter().map(|it| (&it["object"], &it["event"])).collect();
    let removed = json!("removed");
    assert_eq!(
        changes,
        [(&json!("s3://assets.website.com/a b.css"), &removed), (&json!("s3://assets.website.com/c.svg"), &removed)]
    );
    assert_eq!((&answer["ignored"][0]["origin"], &answer["rejected"][0]["origin"]), (&json!("m-1"), &json!("m-2")));
    assert_eq!(answer["batches"].as_array().map(Vec::len), Some(1), "the plan of all changes: {answer}");
    for (arguments, problem) in [
        (&["explain", "messages.json", "--event", "created"][..], "--event is for s3://bucket/key"),
        (&["explain", "none.json"], "or an object: s3://bucket/key; for a URL write https://…"),
    ] {
        let answer = folder.run(arguments).with_code(2);
        assert!(answer.stderr.contains(problem), "{answer}");
    }
}

#[test]
fn a_second_purge_is_shown() {
    let folder = WorkFolder::new();
    let docs = "purge = \"prefixes\"\n";
    folder.write("mappings.toml", MAPPINGS.replace(docs, &format!("{docs}again_after = 10\n")));
    let object = "s3://docs-site/manual/index.html";
    let text = folder.run(&["explain", object]).with_code(0).stdout;
    assert!(text.contains(&format!("second purge 10 s later: {object} (team docs)\n")), "{text}");
    let json = folder.run(&["explain", object, "--json"]).with_code(0).json();
    assert_eq!(
        json["second_purges"].as_array().map(|second| (second.len(), &second[0]["after"])),
        Some((1, &json!(10)))
    );
}

#[test]
fn the_changes_of_an_event_are_planned_together() {
    let folder = WorkFolder::new();
    let web = "include = [\"*.{css,js,html}\"]\n";
    assert!(MAPPINGS.contains(web));
    folder.write("mappings.toml", MAPPINGS.replace(web, &format!("{web}escalate_above = 2\nadd_prefix = \"v1/\"\n")));
    let record = |key: &str| {
        json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete",
            "s3": { "bucket": { "name": "assets.website.com" }, "object": { "key": key } },
        })
    };
    folder.write("event.json", json!({ "Records": [record("a.css"), record("b.css")] }).to_string());
    let text = folder.run(&["explain", "event.json"]).with_code(0).stdout;
    assert!(text.contains("escalated teams.web.mappings[0]: 4 URLs, more than 2"), "{text}");
    assert_eq!(text.matches("purge 2 prefixes of website.com").count(), 1, "{text}");
}

#[test]
fn a_change_that_comes_back_is_called_a_second_purge() {
    let folder = WorkFolder::new();
    let docs = "purge = \"prefixes\"\n";
    folder.write("mappings.toml", MAPPINGS.replace(docs, &format!("{docs}again_after = 10\n")));
    let record = json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": "docs-site" }, "object": { "key": "manual/index.html" } },
        "purgeRouter": { "secondPurgeOf": "docs" },
    });
    folder.write("event.json", json!({ "Records": [record] }).to_string());
    for command in ["explain", "plan"] {
        let text = folder.run(&[command, "event.json"]).with_code(0).stdout;
        assert!(text.contains("s3://docs-site/manual/index.html created, second purge of team docs"), "{text}");
        assert!(!text.contains(" s later"), "{text}");
    }
    let json = folder.run(&["explain", "event.json", "--json"]).with_code(0).json();
    assert_eq!(json["changes"][0]["second_purge_of"], json!("docs"));
}

#[test]
fn an_empty_queue_is_no_error_and_an_empty_file_is_one() {
    let folder = WorkFolder::new();
    folder.write("empty.json", "\n");
    for command in ["plan", "explain"] {
        let answer = folder.run_with(&[command, "-"], &[], b"\n").with_code(0);
        assert!(answer.errors().starts_with("standard input is empty: no event"), "{answer}");
        assert!(answer.stdout.ends_with("0 changes → 0 items in 0 batches to 0 zones\n"), "{answer}");
        folder.run(&[command, "empty.json"]).with_code(1);
    }
    // What is wrong with the mappings is all that is said.
    folder.write("mappings.toml", "version = 2\n");
    let answer = folder.run_with(&["plan", "-"], &[], b"\n").with_code(1);
    assert!(!answer.stderr.contains("standard input"), "{answer}");
}

#[test]
fn the_sample_to_verify_is_shown() {
    let folder = WorkFolder::new();
    let exclude = "exclude = [\"drafts/\"]\n";
    folder.write("mappings.toml", MAPPINGS.replace(exclude, &format!("{exclude}verify = 1\n")));
    let object = "s3://assets.website.com/a.css";
    let text = folder.run(&["explain", object]).with_code(0).stdout;
    for host in ["www", "cdn"] {
        let line = format!("verify after the purge: https://{host}.website.com/a.css (team web)\n");
        assert!(text.contains(&line), "{text}");
    }
    let json = folder.run(&["explain", object, "--json"]).with_code(0).json();
    assert_eq!((&json["samples"][0]["team"], &json["samples"][0]["key"]), (&json!("web"), &json!("a.css")));
    assert_eq!(json["samples"][0]["urls"].as_array().map(Vec::len), Some(2));
    let message = json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": { "bucket": { "name": "assets.website.com" }, "object": { "key": "a.css" } },
        "purgeRouter": { "verificationOf": "web", "purgedAt": 0, "urls": ["https://www.website.com/a.css"] },
    }] });
    folder.write("event.json", message.to_string());
    let text = folder.run(&["plan", "event.json"]).with_code(0).stdout;
    assert!(text.contains("verify now: https://www.website.com/a.css (team web)\n"), "{text}");
    assert!(text.contains("s3://assets.website.com/a.css created, verification of team web"), "{text}");
}
