//! Records of vendors, and names that no table has.

use serde_json::json;

use crate::events::{bridge, detail, lines, record};

#[test]
fn unknown_names_are_rejected_with_advice() {
    for (event, expected) in [
        (
            record("minio:s3", "s3:ObjectCreated:PutSomething", "a"),
            "eventName: `s3:ObjectCreated:PutSomething` is not a known name of an event of `minio:s3`",
        ),
        (record("ceph:s3", "UnknownEvent", "a"), "eventName: `UnknownEvent` is not a known name"),
        (record("aws:s3", "ObjectFrozen:Put", "a"), "eventName: `ObjectFrozen:Put` is not a known name"),
        (
            record("aws:s3", "PutObject", "a"),
            "eventName: `PutObject` is not a known name of an event of `aws:s3`: did you mean `ObjectCreated:Put`?",
        ),
        (
            record("ceph:s3", "objectsynced:create", "a"),
            "eventName: `objectsynced:create` is not a known name of an event of `ceph:s3`: did you mean `ObjectSynced:Create`?",
        ),
        (bridge("Object Frozen", &detail(json!({}))), "detail-type: `Object Frozen` is not a known type"),
    ] {
        let lines = lines(&event);
        assert!(lines[0].starts_with(&format!("invocation rejected {expected}")), "{lines:?}");
        let has_advice = lines[0].contains("report it to the maintainers") || lines[0].ends_with("`?");
        assert!(has_advice, "{lines:?}");
    }
}

#[test]
fn records_of_vendors() {
    let mut scality = record("scality:s3", "s3:ObjectCreated:Put", "a b+c");
    scality["eventVersion"] = json!("1.0");
    let mut without_source = record("", "s3:ObjectCreated:Put", "a%2Fb");
    without_source.as_object_mut().unwrap().remove("eventSource");
    for (record, keys) in [
        (scality, &["a b+c", "a b c"][..]),
        (without_source, &["a%2Fb", "a/b"]),
        (record("rustfs:s3", "s3:ObjectCreated:Put", "a%2Fb"), &["a/b"]),
        (record("minio:s3", "s3:ObjectCreated:Put", "a%2Fb"), &["a/b"]),
        (record("sgws:s3", "ObjectCreated:Put", "a b"), &["a b"]),
        (record("sgws:s3", "ObjectCreated:Put", "100%"), &["100%"]),
        (record("wasabi:s3", "ObjectCreated:Put", "a+b"), &["a+b", "a b"]),
        (record("seaweedfs:s3", "ObjectCreated:Put", "a"), &["a"]),
    ] {
        let expected: Vec<String> = keys.iter().map(|key| format!("invocation created {key}")).collect();
        assert_eq!(lines(&json!({"Records": [record]})), expected);
    }
    let mut of_aws = record("aws:s3", "ObjectCreated:Put", "a");
    of_aws["eventVersion"] = json!("1.0");
    assert_eq!(lines(&of_aws), ["invocation rejected eventVersion: expected 2.x, found `1.0`"]);
}
