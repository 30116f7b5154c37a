//! What events say about the content of objects, and what is skipped if it was purged last.

#![allow(clippy::unwrap_used, reason = "clippy does not recognize the helpers of tests as tests")]

use purge_router_core::{
    LastPurge, LastPurges, Mappings, ObjectVersion, Plan, PurgedContent, Sequencer, UncertainBuckets, decode,
    objects_to_remember, plan_until,
};
use serde_json::{Value, json};

fn sequencer(text: &str) -> Option<Sequencer> {
    Sequencer::parse(text)
}

fn version(event: &Value) -> ObjectVersion {
    decode(event.to_string().as_bytes()).unwrap().changes.remove(0).version
}

fn record(name: &str, etag: &str, sequencer: &str) -> Value {
    let object = json!({ "key": "uk/a.css", "eTag": etag, "sequencer": sequencer });
    let s3 = json!({ "bucket": { "name": "assets" }, "object": object });
    json!({ "Records": [{ "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name, "s3": s3 }] })
}

#[test]
fn only_some_events_are_of_content_that_was_written() {
    let eventbridge = |reason: &str| {
        let object = json!({ "key": "a", "etag": "e", "sequencer": "0055" });
        let detail = json!({ "bucket": { "name": "assets" }, "object": object, "reason": reason });
        json!({ "source": "aws.s3", "detail-type": "Object Created", "detail": detail })
    };
    for (event, writes_content) in [
        (record("ObjectCreated:Put", "e", "0055"), true),
        (record("s3:ObjectCreated:Post", "e", "0055"), true),
        (record("ObjectCreated:CompleteMultipartUpload", "e", "0055"), false),
        (record("ObjectCreated:Copy", "e", "0055"), false),
        (record("ObjectCreated:New", "e", "0055"), false),
        (record("ObjectTagging:Put", "e", "0055"), false),
        (record("ObjectRemoved:Delete", "e", "0055"), false),
        (eventbridge("PutObject"), true),
        (eventbridge("POST Object"), true),
        (eventbridge("CompleteMultipartUpload"), false),
        (eventbridge("CopyObject"), false),
    ] {
        assert_eq!(version(&event), ObjectVersion { writes_content, sequencer: sequencer("0055") }, "{event}");
    }
    // The clocks of other vendors' nodes do not order what different nodes wrote.
    let mut of_vendor = record("ObjectCreated:Put", "e", "0055");
    of_vendor["Records"][0]["eventSource"] = json!("minio:s3");
    assert!(!version(&of_vendor).writes_content);
    let cloudtrail = json!({
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "requestParameters": { "bucketName": "assets", "key": "a" },
    });
    assert_eq!(
        version(&json!({ "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": cloudtrail })),
        ObjectVersion::default()
    );
}

fn mappings() -> Mappings {
    let mapping = |lines: &str| format!("[[teams.web.mappings]]\nzones = [\"w.com\"]\n{lines}\n");
    let text = format!(
        "version = 1\n[teams.web]\nowns = [\"s3://assets/\"]\n[teams.web.zones.\"w.com\"]\nzone_id = \"{:032}\"\n\
         hostnames = [\"w.com\"]\n{}{}{}",
        0,
        mapping("source = \"s3://assets/uk/\"\nskip_unchanged = true\nexclude = [\"*.map\"]"),
        mapping("source = \"s3://assets/uk/css/\"\nskip_unchanged = true\npurge = \"hosts\""),
        mapping("source = \"s3://assets/\"\npurge = \"tags\"\ntags = [\"{key}\"]"),
    );
    purge_router_config::from_toml(&text).unwrap()
}

/// The plan of an event, if this is known of its objects.
fn planned(event: &Value, known: Option<&LastPurge>) -> Plan {
    let (mappings, event) = (mappings(), decode(event.to_string().as_bytes()).unwrap());
    let objects = objects_to_remember(&mappings, &event).into_iter();
    let last_purges: LastPurges = objects.map(|object| (object, known.cloned())).collect();
    plan_until(&mappings, &UncertainBuckets::default(), &last_purges, event, || false)
}

/// What is known after a plan whose batches are all accepted.
fn after(plan: &Plan) -> LastPurge {
    let remember = &plan.remember[0];
    LastPurge { content: remember.content.clone(), sequencer: remember.sequencer, version: 1 }
}

#[test]
fn a_skipped_change_is_listed_and_other_mappings_purge_it() {
    let first = planned(&record("ObjectCreated:Put", "e", "0055"), Some(&LastPurge::default()));
    assert_eq!((first.unchanged.len(), first.batches.len()), (0, 2));
    let known = after(&first);
    let second = planned(&record("ObjectCreated:Put", "e", "0056"), Some(&known));
    let unchanged = json!([{ "team": "web", "bucket": "assets", "key": "uk/a.css", "etag": "e" }]);
    assert_eq!(serde_json::to_value(&second).unwrap()["unchanged"], unchanged);
    let bodies: Vec<String> =
        second.batches.iter().map(|batch| serde_json::to_string(&batch.body()).unwrap()).collect();
    assert_eq!(bodies, [r#"{"tags":["uk/a.css"]}"#]);
    assert_eq!((second.unmatched.len(), second.remember.len()), (0, 1), "the skip is confirmed");
    let again = planned(&record("ObjectCreated:Put", "e", "0055"), Some(&known));
    assert_eq!((again.unchanged.len(), again.remember.len()), (1, 0), "the same event needs no confirmation");
}

#[test]
fn what_is_remembered_of_each_event() {
    let known = after(&planned(&record("ObjectCreated:Put", "e", "0055"), Some(&LastPurge::default())));
    let content = |etag: &str, plan: &Plan| {
        let remember = plan.remember.first()?;
        Some((remember.content.as_ref().is_some_and(|it| it.etag == etag), remember.sequencer))
    };
    for (event, expected) in [
        (record("ObjectCreated:Put", "f", "0056"), Some((true, sequencer("0056")))),
        (record("ObjectCreated:Put", "f", "0054"), None),
        (record("ObjectCreated:Copy", "f", "0056"), Some((false, sequencer("0056")))),
        (record("ObjectCreated:Put", "f", "none"), Some((false, sequencer("0055")))),
        (record("ObjectRemoved:Delete", "f", "0056"), Some((false, sequencer("0056")))),
        (record("ObjectTagging:Put", "f", "0056"), Some((false, sequencer("0056")))),
    ] {
        assert_eq!(content("f", &planned(&event, Some(&known))), expected, "{event}");
    }
    let unread = planned(&record("ObjectCreated:Put", "e", "0056"), None);
    assert_eq!((unread.unchanged.len(), &unread.remember[0].before), (0, &None));
    let unknown = LastPurge { content: None, ..known };
    assert!(planned(&record("ObjectTagging:Put", "e", "0056"), Some(&unknown)).remember.is_empty());
}

#[test]
fn other_items_are_not_skipped() {
    let known = after(&planned(&record("ObjectCreated:Put", "e", "0055"), Some(&LastPurge::default())));
    let PurgedContent { etag, items } = known.content.clone().unwrap();
    let other = LastPurge { content: Some(PurgedContent { etag, items: !items }), ..known };
    assert_eq!(planned(&record("ObjectCreated:Put", "e", "0056"), Some(&other)).unchanged, []);
}

#[test]
fn objects_of_other_sources_and_with_keys_that_s3_does_not_have_are_not_looked_up() {
    let event = decode(record("ObjectCreated:Put", "e", "0055").to_string().as_bytes()).unwrap();
    let objects = |key: String| {
        let mut event = event.clone();
        event.changes[0].key = key;
        objects_to_remember(&mappings(), &event).len()
    };
    for (key, expected) in [
        ("uk/a.css".to_owned(), 1),
        ("uk/css/a.css".to_owned(), 1),
        ("fr/a.css".to_owned(), 0),
        ("u".to_owned(), 0),
        (format!("uk/{}", "a".repeat(1021)), 1),
        (format!("uk/{}", "a".repeat(1022)), 0),
        (format!("u\u{301}{}", "k/"), 0),
    ] {
        assert_eq!(objects(key.clone()), expected, "{key}");
    }
}

/// The sources are looked up by the lengths of their prefixes; this is what that stands for.
#[test]
fn sources_are_found_as_by_comparing_each_of_them() {
    let prefixes = ["", "a/", "a/b/", "ü/", "a/ü/", "a/ü/c/", "b/"];
    let teams: Vec<String> = (0..prefixes.len()).map(|index| format!("t{index}")).collect();
    let mut text = "version = 1\n".to_owned();
    for (index, (team, prefix)) in teams.iter().zip(prefixes).enumerate() {
        text += &format!(
            "[teams.{team}]\nowns = [\"s3://assets/\"]\n[teams.{team}.zones.\"{team}.com\"]\nzone_id = \"{index:032x}\"\n\
             hostnames = [\"{team}.com\"]\n[[teams.{team}.mappings]]\nsource = \"s3://assets/{prefix}\"\n\
             zones = [\"{team}.com\"]\nskip_unchanged = {}\n",
            index != 1
        );
    }
    let mappings = purge_router_config::from_toml(&text).unwrap();
    for key in ["a", "a/", "a/b", "a/b/c", "a/ü/c/d", "a/ü", "ü", "ü/x", "u", "b/a/", "c", "a/bc"] {
        let mut event = decode(record("ObjectCreated:Put", "e", "0055").to_string().as_bytes()).unwrap();
        event.changes[0].key = key.to_owned();
        let found: Vec<String> =
            objects_to_remember(&mappings, &event).into_iter().map(|object| object.team.to_string()).collect();
        let of_prefixes = teams.iter().zip(prefixes).enumerate();
        let expected = of_prefixes.filter(|(index, (_, prefix))| *index != 1 && key.starts_with(prefix));
        let expected: Vec<String> = expected.map(|(_, (team, _))| team.clone()).collect();
        assert_eq!(found, expected, "{key}");
    }
}

#[test]
fn a_second_purge_is_not_skipped_and_keeps_what_is_remembered() {
    let known = after(&planned(&record("ObjectCreated:Put", "e", "0055"), Some(&LastPurge::default())));
    let mut event = decode(record("ObjectCreated:Put", "e", "0055").to_string().as_bytes()).unwrap();
    event.changes[0].second_purge_of = Some(mappings().all()[0].team.clone());
    let mappings = mappings();
    let plan = |known: Option<LastPurge>| {
        let objects = objects_to_remember(&mappings, &event).into_iter();
        let last_purges: LastPurges = objects.map(|object| (object, known.clone())).collect();
        plan_until(&mappings, &UncertainBuckets::default(), &last_purges, event.clone(), || false)
    };
    let kept = plan(Some(known.clone()));
    assert_eq!(kept.unchanged, []);
    assert_eq!(after(&kept), known, "unless the purge fails, nothing is written");
    assert_eq!(plan(Some(LastPurge { content: None, ..known })).remember, []);
    assert_eq!(plan(None).remember[0].before, None, "it is retried until that is known");
}
