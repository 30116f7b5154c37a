//! Parts of EventBridge events, as rules and input transformers pass them.

use serde_json::json;

use crate::events::{call, detail, lines, sqs};

#[test]
fn details_of_eventbridge() {
    let key = "a+%20b";
    for (detail, expected) in [
        (detail(json!({"reason": "PutObject"})), format!("created {key}")),
        (detail(json!({"reason": "POST Object"})), format!("created {key}")),
        (detail(json!({"reason": "CompleteMultipartUpload"})), format!("created {key}")),
        (
            detail(json!({"reason": "Lifecycle Expiration", "deletion-type": "Delete Marker Created"})),
            format!("removed {key}"),
        ),
        (detail(json!({"deletion-type": "Permanently Deleted"})), format!("removed {key}")),
        (
            detail(json!({"restore-expiry-time": "2026-11-13", "source-storage-class": "GLACIER"})),
            format!("restored {key}"),
        ),
        (detail(json!({"source-storage-class": "GLACIER"})), "ignored Object Restore Initiated".to_owned()),
        (detail(json!({"destination-storage-class": "GLACIER"})), "ignored Object Storage Class Changed".to_owned()),
        (detail(json!({"detail-type": "Object Tags Added"})), format!("tagged {key}")),
        (json!({"detail-type": "Object Deleted", "detail": detail(json!({}))}), format!("removed {key}")),
        (json!({"detail-type": "Object ACL Updated", "detail": detail(json!({}))}), format!("acl {key}")),
        (json!({"detail": detail(json!({"reason": "PutObject"}))}), format!("created {key}")),
        (json!({"source": "aws.s3", "detail": detail(json!({"reason": "DeleteObject"}))}), format!("removed {key}")),
        (json!({"detail": call("PutObject", json!({}))}), format!("created {key}")),
        (json!({"source": "aws.s3", "detail": call("DeleteObject", json!({}))}), format!("removed {key}")),
        (detail(json!({"source": "aws.s3", "detail-type": "Object Deleted"})), format!("removed {key}")),
    ] {
        assert_eq!(lines(&detail), [format!("invocation {expected}")]);
        assert_eq!(lines(&json!([sqs("1", &detail), detail])).len(), 2);
        assert_eq!(lines(&json!({"Records": [sqs("1", &detail)]})), [format!("1 {expected}")]);
    }
}

#[test]
fn what_a_rule_leaves_out_is_not_guessed() {
    // Tags or an ACL: nothing in the detail says which.
    let same = detail(json!({"requester": "1"}));
    for (event, expected) in [
        (same.clone(), "detail-type: missing, and the detail alone does not say what happened"),
        (json!({"detail": same}), "detail-type: missing, and the detail alone does not say what happened"),
        (json!({"detail-type": "Object Created", "detail": {}}), "detail.bucket.name: missing"),
        (json!({"source": "aws.s3", "bucket": "assets", "key": "a"}), "detail-type: missing"),
        (json!({"bucket": "assets", "key": "a"}), "not an event: found a JSON object with `bucket`, `key`"),
        (
            json!({"bucket": "assets", "key": "a", "detail-type": "Object Created"}),
            "not an event: found a JSON object with `bucket`, `key`, `detail-type`",
        ),
    ] {
        let dot = if expected.starts_with("not") { ": " } else { "." };
        let lines = lines(&json!({"Records": [sqs("1", &event)]}));
        assert!(lines.len() == 1 && lines[0].starts_with(&format!("1 rejected body{dot}{expected}")), "{lines:?}");
    }
}
