//! Every shape of an event, and every way in which a record can be broken.

use serde_json::{Value, json};
use time::UtcDateTime;

use super::*;

fn s3_record(name: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": "2026-11-01T10:00:00.000Z", "eventName": name, "unknownField": {"a": [1]},
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "assets"}, "object": {"key": key, "sequencer": "0A1B"}},
    })
}

fn records(records: &[Value]) -> Value {
    json!({"Records": records})
}

fn sqs(messages: &[(&str, String)]) -> Value {
    let record = |(id, body): &(&str, String)| json!({"messageId": id, "eventSource": "aws:sqs", "body": body});
    records(&messages.iter().map(record).collect::<Vec<_>>())
}

fn sns(message: &Value) -> Value {
    json!({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:eu-west-1:1:t", "Message": message.to_string()})
}

fn eventbridge(detail_type: &str, key: &str) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": detail_type, "source": "aws.s3", "time": "2026-11-01T10:00:00Z",
        "detail": {"version": "0", "bucket": {"name": "assets"}, "object": {"key": key, "sequencer": "0A1B"}},
    })
}

fn read(value: &Value) -> Event {
    decode(value.to_string().as_bytes()).unwrap()
}

/// One line per thing found, in the order of the three lists.
fn lines(event: &Event) -> Vec<String> {
    let changes = event.changes.iter().map(|c| format!("{} {} {} {}", c.origin, c.kind, c.bucket, c.key));
    let ignored = event.ignored.iter().map(|i| format!("{} ignored {}", i.origin, i.reason));
    let rejected = event.rejected.iter().map(|r| format!("{} rejected {}", r.origin, r.reason));
    changes.chain(ignored).chain(rejected).collect()
}

#[test]
fn every_shape() {
    let direct = records(&[s3_record("ObjectCreated:Put", "a+b.css")]);
    let bridge = eventbridge("Object Created", "a+b.css");
    let minio = json!({
        "EventName": "s3:ObjectCreated:Put", "Key": "assets/a+b.css",
        "Records": [{
            "eventVersion": "2.0", "eventSource": "minio:s3", "eventName": "s3:ObjectCreated:Put",
            "s3": {"bucket": {"name": "assets"}, "object": {"key": "a%2Bb.css"}}, "source": {"host": "127.0.0.1"},
        }],
    });
    let mut ceph = s3_record("s3:ObjectRemoved:Delete", "a.css");
    ceph["eventSource"] = json!("ceph:s3");
    for (shape, event, expected) in [
        ("S3", direct.clone(), "invocation created assets a b.css"),
        ("SQS", sqs(&[("1", direct.to_string())]), "1 created assets a b.css"),
        (
            "SNS",
            records(&[json!({"EventSource": "aws:sns", "Sns": {"Message": direct.to_string()}})]),
            "invocation created assets a b.css",
        ),
        ("SNS in SQS, wrapped", sqs(&[("1", sns(&direct).to_string())]), "1 created assets a b.css"),
        ("EventBridge", bridge.clone(), "invocation created assets a+b.css"),
        ("EventBridge in SQS", sqs(&[("1", bridge.to_string())]), "1 created assets a+b.css"),
        ("EventBridge in SNS in SQS", sqs(&[("1", sns(&bridge).to_string())]), "1 created assets a+b.css"),
        ("MinIO", minio, "invocation created assets a+b.css"),
        ("Ceph", records(&[ceph]), "invocation removed assets a.css"),
    ] {
        assert_eq!(lines(&read(&event)), [expected], "{shape}");
    }
}

#[test]
fn times_are_parsed_and_what_is_no_time_is_none() {
    let ten = UtcDateTime::from_unix_timestamp(1_793_527_200).unwrap();
    for (time, parsed) in [
        (json!("2026-11-01T10:00:00.000Z"), Some(ten)),
        (json!("2026-11-01T10:00:00Z"), Some(ten)),
        (json!("2026-11-01T12:00:00+02:00"), Some(ten)),
        (json!("2026-11-01T10:00:00.250Z"), Some(ten + std::time::Duration::from_millis(250))),
        (json!("2026-11-01"), None),
        (json!("yesterday"), None),
        (json!(1_793_527_200), None),
        (json!(null), None),
    ] {
        let mut record = s3_record("ObjectCreated:Put", "a");
        record["eventTime"] = time.clone();
        assert_eq!(read(&records(&[record])).changes[0].time, parsed, "{time}");
        let mut event = eventbridge("Object Created", "a");
        event["time"] = time.clone();
        assert_eq!(read(&event).changes[0].time, parsed, "{time} of EventBridge");
    }
}

#[test]
fn keys_are_form_encoded_in_s3_notifications_only() {
    for (encoded, key) in [
        ("a+b", "a b"),
        ("a%20b", "a b"),
        ("a%2Bb", "a+b"),
        ("a%2bb", "a+b"),
        ("100%25.css", "100%.css"),
        ("%C3%BCber.css", "über.css"),
        ("über.css", "über.css"),
        ("a%2Fb", "a/b"),
        ("%28%29%26%3D", "()&="),
        ("a%00b", "a\0b"),
    ] {
        let event = read(&records(&[s3_record("ObjectCreated:Put", encoded)]));
        assert_eq!(event.changes[0].key, key, "{encoded}");
        let event = read(&eventbridge("Object Created", encoded));
        assert_eq!(event.changes[0].key, encoded);
    }
}

#[test]
fn a_key_of_ceph_is_read_both_ways() {
    for (key, keys) in
        [("a.css", &["a.css"][..]), ("a+%20.css", &["a+%20.css", "a  .css"]), ("100%.css", &["100%.css"])]
    {
        let mut record = s3_record("ObjectCreated:Put", key);
        record["eventSource"] = json!("ceph:s3");
        let event = read(&records(&[record]));
        assert_eq!(event.changes.iter().map(|change| change.key.as_str()).collect::<Vec<_>>(), keys);
        assert_eq!(event.rejected, []);
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(decode(b"\xef\xbb\xbf{\"Records\":[]}"), Ok(Event::default()));
}

#[test]
fn a_message_may_be_a_json_string_or_begin_with_a_byte_order_mark() {
    let direct = records(&[s3_record("ObjectCreated:Put", "a.css")]).to_string();
    let string = |text: &str| Value::from(text).to_string();
    for (event, expected) in [
        (string(&direct), "invocation created assets a.css"),
        (sqs(&[("1", string(&direct))]).to_string(), "1 created assets a.css"),
        (sqs(&[("1", format!("\u{feff}{direct}"))]).to_string(), "1 created assets a.css"),
        (
            json!([string(&eventbridge("Object Created", "a.css").to_string())]).to_string(),
            "invocation created assets a.css",
        ),
        (sqs(&[("1", string("{"))]).to_string(), "1 rejected body: not an event: found text that is not JSON"),
        (sqs(&[("1", string("a.css"))]).to_string(), "1 rejected body: not an event: found a JSON string"),
    ] {
        let lines = lines(&decode(event.as_bytes()).unwrap());
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with(expected), "{event}: {lines:?}");
    }
    let error = decode(string(&string(&direct)).as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("not an event: found a JSON string"), "{error}");
}

#[test]
fn what_changes_nothing_is_ignored() {
    let test_event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "assets"});
    for (event, expected) in [
        (test_event.clone(), "invocation ignored test-event"),
        (sqs(&[("1", test_event.to_string())]), "1 ignored test-event"),
        (sqs(&[("1", sns(&test_event).to_string())]), "1 ignored test-event"),
        (
            sqs(&[("1", json!({"Type": "SubscriptionConfirmation", "TopicArn": "a", "Token": "t"}).to_string())]),
            "1 ignored subscription-confirmation",
        ),
        (records(&[s3_record("ObjectRestore:Post", "a")]), "invocation ignored ObjectRestore:Post"),
        (eventbridge("Object Restore Initiated", "a"), "invocation ignored Object Restore Initiated"),
    ] {
        assert_eq!(lines(&read(&event)), [expected]);
    }
    assert_eq!(read(&json!({"Records": []})), Event::default());
}

#[test]
fn each_broken_record_fails_alone() {
    let good = records(&[s3_record("ObjectCreated:Put", "good")]).to_string();
    let with = |pointer: &str, value: Value| {
        let mut record = s3_record("ObjectCreated:Put", "bad");
        *record.pointer_mut(pointer).unwrap() = value;
        records(&[record]).to_string()
    };
    for (body, reason) in [
        (with("/s3/object", json!({})), "body.Records[0].s3.object.key: missing"),
        (with("/s3/object/key", json!(7)), "body.Records[0].s3.object.key: expected a string, found the number 7"),
        (
            with("/s3/object/key", json!("")),
            "body.Records[0].s3.object.key: expected the key of an object, found an empty string",
        ),
        (with("/s3/object/key", json!("a%2")), "body.Records[0].s3.object.key: `a%2`: `%2` is not a percent sequence"),
        (
            with("/s3/object/key", json!("a%zzü")),
            "body.Records[0].s3.object.key: `a%zzü`: `%zz` is not a percent sequence",
        ),
        (with("/s3/object/key", json!("a%FF")), "body.Records[0].s3.object.key: `a%FF`: its bytes are not UTF-8"),
        (with("/s3/bucket", json!({})), "body.Records[0].s3.bucket.name: missing"),
        (
            with("/s3/bucket/name", json!("a b")),
            "body.Records[0].s3.bucket.name: `a b` is not a bucket's name (use 1 to 255 letters, digits, `.`, `-` or `_`)",
        ),
        (with("/eventVersion", json!("3.0")), "body.Records[0].eventVersion: expected 2.x, found `3.0`"),
        (with("/eventVersion", json!(null)), "body.Records[0].eventVersion: missing (S3 writes `2.1`)"),
        (with("/s3/bucket", json!("x")), "body.Records[0].s3.bucket: expected an object, found the string \"x\""),
        (with("/eventName", json!(null)), "body.Records[0].eventName: missing"),
        (with("/s3", json!({})), "body.Records[0].s3.object.key: missing; also missing: `s3.bucket.name`"),
        (
            r#"{"Records":[{"eventSource":"aws:s3","eventVersion":"1.0"}]}"#.to_owned(),
            "body.Records[0].eventVersion: expected 2.x, found `1.0`; also missing: `eventName`, `s3.bucket.name`, \
             `s3.object.key`",
        ),
        (r#"{"source":"aws.s3","detail-type":"Object Created"}"#.to_owned(), "body.detail: missing"),
        (r#"{"Records":[null]}"#.to_owned(), "body.Records[0]: expected a record of S3, SQS or SNS, found null"),
        (
            r#"{"Records":[{"eventSource":"aws:kinesis"}]}"#.to_owned(),
            "body.Records[0]: expected a record of S3, SQS or SNS, found a record of `aws:kinesis`",
        ),
        (
            r#"{"source":"aws.s3","detail-type":"Object Created","detail":{}}"#.to_owned(),
            "body.detail.bucket.name: missing; also missing: `detail.object.key`",
        ),
        (r#"{"source":"aws.s3"}"#.to_owned(), "body.detail-type: missing"),
        (r#"{"Type":"Notification","Message":1}"#.to_owned(), "body.Message: expected a string, found the number 1"),
    ] {
        let event = read(&sqs(&[("1", good.clone()), ("bad", body.clone()), ("3", good.clone())]));
        let expected = ["1 created assets good", "3 created assets good", &format!("bad rejected {reason}")];
        assert_eq!(lines(&event), expected, "{body}");
    }
}

#[test]
fn a_body_that_is_no_event_says_what_was_seen() {
    for (body, seen) in [
        ("", "body: not an event: found only white space"),
        (
            "hello",
            "body: not an event: found text that is not JSON (expected value at line 1 column 1), beginning with `hello`",
        ),
        ("[1]", "body: not an event: found a JSON array"),
        ("[[]]", "body: not an event: found a JSON array"),
        ("{}", "body: not an event: found an empty JSON object"),
        (r#"{"a":1,"b":2}"#, "body: not an event: found a JSON object with `a`, `b`"),
    ] {
        let event = read(&sqs(&[("1", body.to_owned())]));
        assert_eq!(event.rejected[0].reason, seen);
        let error = decode(body.as_bytes()).unwrap_err().to_string();
        let seen = seen.trim_start_matches("body: ");
        assert!(error.starts_with(&format!("{seen}; expected S3 event notifications")), "{error}");
    }
    let error = decode(&[0xff, 0xfe, b'\n']).unwrap_err().to_string();
    assert!(!error.contains('\n'), "one line: {error}");
}

#[test]
fn what_is_no_value_in_one_record_does_not_reach_the_others() {
    let good = s3_record("ObjectCreated:Put", "good").to_string();
    for bad in [r#"{"size":1e999}"#, r#"{"key":"\ud800"}"#] {
        let event = decode(format!(r#"{{"Records":[{good},{bad},{good}]}}"#).as_bytes()).unwrap();
        let lines = lines(&event);
        assert_eq!(lines[..2], ["invocation created assets good", "invocation created assets good"]);
        assert!(
            lines[2].starts_with("invocation rejected Records[1]: expected JSON, found text that is not JSON ("),
            "{lines:?}"
        );
    }
}

#[test]
fn a_message_without_id_fails_the_invocation_and_wrapping_has_an_end() {
    let event = read(&records(&[json!({"eventSource": "aws:sqs", "body": "{}"})]));
    assert_eq!(lines(&event), ["invocation rejected Records[0].messageId: missing"]);
    let mut message = records(&[s3_record("ObjectCreated:Put", "a")]);
    for _ in 0..6 {
        message = sns(&message);
    }
    let event = read(&message);
    assert_eq!(event.rejected.len(), 1);
    assert!(event.rejected[0].reason.ends_with("wrapped more than 4 times"), "{:?}", event.rejected);
}

#[test]
fn a_message_has_what_sqs_says_of_it() {
    let arn = "arn:aws:sqs:eu-west-1:123456789012:purge-router";
    let full = json!({
        "messageId": "m-0", "receiptHandle": "h\u{e9}\"0", "body": "{\"Records\": []}", "eventSource": "aws:sqs",
        "eventSourceARN": arn, "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1700000000123"},
    });
    let least = json!({"messageId": "m-1", "body": "text"});
    let broken = json!({"messageId": "m-2", "body": 7});
    let event = json!({"Records": [full, least, broken, {"messageId": 3}, "text", {"s3": {}}]}).to_string();
    let messages = decode_with_messages(event.as_bytes()).unwrap().messages;
    let seen: Vec<_> = messages
        .iter()
        .map(|message| (&*message.id, &*message.receipt_handle, &*message.queue, message.receives(), message.body()))
        .collect();
    let sent_at: Vec<_> = messages.iter().map(|message| message.sent_at().map(|at| at.to_string())).collect();
    assert_eq!(sent_at, [Some("2023-11-14 22:13:20.123 +00".to_owned()), None, None]);
    assert_eq!(
        seen,
        [
            ("m-0", "hé\"0", arn, 3, Some("{\"Records\": []}")),
            ("m-1", "", "", 1, Some("text")),
            ("m-2", "", "", 1, None)
        ]
    );
}

#[test]
fn fields_of_no_interest_hide_no_change() {
    let record = s3_record("ObjectCreated:Put", "a");
    let detail = json!({"bucket": {"name": "assets"}, "object": {"key": "a"}, "reason": "PutObject"});
    for event in [
        json!({"Records": [record], "Messages": "x"}),
        json!({"Records": [record], "Event": "s3:TestEvent"}),
        json!({"Event": "s3:TestEvent", "source": "aws.s3", "detail-type": "Object Created", "detail": detail}),
        json!({"Event": "s3:TestEvent", "requestPayload": {"Records": [record]}}),
    ] {
        let found = read(&event);
        assert_eq!((found.changes.len(), found.ignored.len(), found.rejected.len()), (1, 0, 0), "{event}");
    }
}

#[test]
fn other_events_have_none() {
    let s3 = json!({"Records": [s3_record("bucket", "key")]}).to_string();
    for event in [&*s3, "{\"Records\": [{\"s3\": {}}]}"] {
        assert!(decode_with_messages(event.as_bytes()).unwrap().messages.is_empty(), "{event}");
    }
}

#[test]
fn reasons_quote_an_event_on_one_line_and_in_part() {
    let long = "-".repeat(100_000);
    for name in ["assets\u{85}", "assets\\n\\u001b[2J", &long] {
        let event = format!(
            r#"{{"Records":[{{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put",
                "s3":{{"bucket":{{"name":"{name}"}},"object":{{"key":"a"}}}}}}]}}"#
        );
        let reason = &decode(event.as_bytes()).unwrap().rejected[0].reason;
        assert!(!reason.chars().any(char::is_control), "{reason:?}");
        assert!(reason.len() < 10_000, "{} bytes", reason.len());
    }
}
