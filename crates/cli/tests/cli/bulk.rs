//! The largest batch that SQS delivers: 10,000 messages.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fixtures::{WorkFolder, sqs_event};

const MESSAGES: usize = 10_000;

/// Three of four messages are for web, and two of those three have a unique key; the others are for docs.
fn message(index: usize) -> (String, &'static str, String) {
    let id = format!("message-{index}");
    match index % 4 {
        0 => (id, "docs-site", format!("manual/{}/page.html", index % 1000)),
        1 => (id, "assets.website.com", format!("shared/{}.css", index % 100)),
        _ => (id, "assets.website.com", format!("css/{index}.css")),
    }
}

#[test]
fn ten_thousand_messages_make_as_few_batches_as_they_can() {
    let folder = WorkFolder::new();
    let messages: Vec<_> = (0..MESSAGES).map(message).collect();
    let borrowed: Vec<_> = messages.iter().map(|(id, bucket, key)| (id.as_str(), *bucket, key.as_str())).collect();
    folder.write("event.json", sqs_event(&borrowed));
    let start = Instant::now();
    let plan = folder.run(&["plan", "event.json", "--json"]).with_code(0).json();
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(plan["changes"], MESSAGES);

    let objects = |bucket: &str| -> HashSet<&str> {
        messages.iter().filter(|(_, of, _)| *of == bucket).map(|(_, _, key)| key.as_str()).collect()
    };
    // Two hostnames for each object of web, one folder for each of docs.
    for (zone, field, unique) in [
        ("website.com", "files", 2 * objects("assets.website.com").len()),
        ("website.dev", "prefixes", objects("docs-site").len()),
    ] {
        let batches: Vec<&Value> =
            plan["batches"].as_array().unwrap().iter().filter(|batch| batch["zone"] == zone).collect();
        let items: Vec<&str> = batches
            .iter()
            .flat_map(|batch| batch["body"][field].as_array().unwrap())
            .map(|item| item.as_str().unwrap())
            .collect();
        assert_eq!(items.len(), unique, "{zone}");
        assert_eq!(items.iter().collect::<HashSet<_>>().len(), unique, "each item of {zone} once");
        assert_eq!(batches.len(), unique.div_ceil(100), "{zone}");
    }
    let origins: HashSet<&str> = plan["batches"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|batch| batch["origins"].as_array().unwrap())
        .map(|origin| origin.as_str().unwrap())
        .collect();
    assert_eq!(origins.len(), MESSAGES, "every message depends on a batch");
}

#[test]
fn ten_thousand_messages_are_purged_in_a_sandbox() {
    let folder = WorkFolder::new();
    let messages: Vec<_> =
        (0..MESSAGES).map(|index| (format!("m{index}"), format!("css/{}.css", index % 500))).collect();
    let borrowed: Vec<_> = messages.iter().map(|(id, key)| (id.as_str(), "assets.website.com", key.as_str())).collect();
    folder.write("event.json", sqs_event(&borrowed));
    let report = folder.run(&["run", "event.json", "--sandbox", "--json"]).with_code(0).json();
    assert_eq!(report["outcomes"].as_array().unwrap().len(), 10, "500 objects on 2 hostnames");
    assert!(report["outcomes"].as_array().unwrap().iter().all(|outcome| outcome["status"] == "purged"));
}
