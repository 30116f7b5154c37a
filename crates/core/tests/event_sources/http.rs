//! Bodies of HTTP requests.

use purge_router_core::decode_with_messages;
use serde_json::{Value, json};

use crate::events::{destination_record, lines, s3, sqs, v1, v2};

#[test]
fn bodies_of_http_requests() {
    let request = |body: Value, is_base64| [v2(body.clone(), is_base64), v1(body, is_base64)];
    for (body, is_base64, expected) in [
        (json!(""), false, "rejected body: not an event: found only white space"),
        (json!(null), false, "rejected body: missing"),
        (json!("hello"), false, "rejected body: not an event: found text that is not JSON"),
        (json!("aGVsbG8="), true, "rejected body: not an event: found text that is not JSON"),
        (json!("//79"), true, "rejected body: expected text in base64, found bytes that are not UTF-8"),
        (json!("{\"a\"}"), true, "rejected body: expected base64, found `{"),
        // {"Records":[{"eventSource":"minio:s3"}]}
        (
            json!("eyJSZWNvcmRzIjpbeyJldmVudFNvdXJjZSI6Im1pbmlvOnMzIn1dfQ=="),
            true,
            "rejected body.Records[0].eventVersion: missing",
        ),
        // The same, but not encoded, though a proxy says so.
        (json!("{\"Records\":[]}"), true, "rejected body: expected base64"),
    ] {
        for request in request(body.clone(), is_base64) {
            let lines = lines(&request);
            assert!(lines.len() == 1 && lines[0].starts_with(&format!("invocation {expected}")), "{lines:?} of {body}");
        }
    }
    for method in ["GET", "HEAD"] {
        let mut request = v2(json!(null), false);
        request["requestContext"]["http"]["method"] = json!(method);
        assert_eq!(lines(&request), ["invocation ignored health-check"]);
        request["body"] = json!(s3("a").to_string());
        assert_eq!(lines(&request), ["invocation created a"]);
    }
}

#[test]
fn only_an_http_request_has_an_http_response() {
    for (event, expected) in [
        (v2(json!(s3("a").to_string()), false), true),
        (v1(json!("hello"), false), true),
        (s3("a"), false),
        (destination_record(&v2(json!("{}"), false)), false),
        (json!({"Records": [sqs("1", &v2(json!(s3("a").to_string()), false))]}), false),
    ] {
        assert_eq!(decode_with_messages(event.to_string().as_bytes()).unwrap().is_http_request, expected, "{event}");
    }
}
