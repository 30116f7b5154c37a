//! Requests of function URLs and API gateways: what the sender of a webhook is answered.

use purge_router_sandbox::{Fault, FaultKind, Sandbox};
use purge_router_test_support::events::s3;
use serde_json::{Value, json};

use crate::function_process::{FunctionProcess, PLENTY, TOKEN};

fn function_url(method: &str, body: &Value) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "headers": {}, "isBase64Encoded": false,
        "requestContext": {"http": {"method": method, "path": "/"}}, "body": body,
    })
}

fn api_gateway_v1(body: &Value, is_base64: bool) -> Value {
    json!({
        "resource": "/", "path": "/", "httpMethod": "POST", "headers": {}, "isBase64Encoded": is_base64,
        "requestContext": {"httpMethod": "POST", "stage": "prod"}, "body": body,
    })
}

fn response(status: u16, body: &str) -> (String, Value) {
    let headers = json!({"content-type": "text/plain; charset=utf-8"});
    let response = json!({"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": false});
    ("response".to_owned(), response)
}

/// Two objects, of which the key of the second is not form-encoded.
fn partly_malformed() -> Value {
    function_url("POST", &json!(s3("www.website.com", ["b.css", "%zz.css"]).to_string()))
}

#[tokio::test]
async fn a_request_succeeds_if_nothing_of_it_failed() {
    let base64_of_an_event = "eyJSZWNvcmRzIjpbeyJldmVudFZlcnNpb24iOiIyLjEiLCJldmVudFNvdXJjZSI6ImF3czpzMyIsImV2ZW50TmFt\
                              ZSI6Ik9iamVjdENyZWF0ZWQ6UHV0IiwiczMiOnsiYnVja2V0Ijp7Im5hbWUiOiJ3d3cud2Vic2l0ZS5jb20ifSwib2Jq\
                              ZWN0Ijp7ImtleSI6ImMuY3NzIn19fV19";
    let events = [
        function_url("GET", &Value::Null),
        function_url("POST", &json!(s3("www.website.com", ["a.css"]).to_string())),
        // No mapping has this bucket.
        function_url("POST", &json!(s3("backups", ["a.css"]).to_string())),
        api_gateway_v1(&json!(s3("www.website.com", ["b.css"]).to_string()), false),
        api_gateway_v1(&json!(base64_of_an_event), true),
    ];
    let mut process = FunctionProcess::new(&[("CLOUDFLARE_API_KEY", TOKEN)], &events).await;
    for _ in &events {
        assert_eq!(process.answer().await, response(200, "done\n"));
    }
    let files: Vec<Value> = process.sent(&[]).into_iter().map(|(_, _, body)| body["files"].clone()).collect();
    assert_eq!(json!(files), json!(["a", "b", "c"].map(|name| [format!("https://www.website.com/{name}.css")])));
}

#[tokio::test]
async fn a_malformed_request_is_answered_400_and_what_it_has_of_others_is_purged() {
    let events = [
        function_url("POST", &Value::Null),
        function_url("POST", &json!("hello")),
        api_gateway_v1(&json!("{\"Records\": []}"), true),
        partly_malformed(),
    ];
    let mut process = FunctionProcess::new(&[("CLOUDFLARE_API_KEY", TOKEN)], &events).await;
    let reasons = [
        "body: missing\n",
        "body: not an event: found text that is not JSON (expected value at line 1 column 1), beginning with `hello`\n",
        "body: expected base64, found `{\"Records\": []}`: Invalid symbol 123, offset 0.\n",
        "body.Records[1].s3.object.key: `%zz.css`: `%zz` is not a percent sequence\n",
    ];
    for reason in reasons {
        assert_eq!(process.answer().await, response(400, &format!("not understood: {reason}")));
    }
    let [(_, _, body)] = &process.sent(&[])[..] else { panic!("{:?}", process.sent(&[])) };
    assert_eq!(body["files"], json!(["https://www.website.com/b.css"]));
    assert_eq!(errors(&process.log().await).len(), 4);
}

#[tokio::test]
async fn a_request_is_answered_503_if_a_retry_may_purge_some_of_it() {
    let refuse = |sandbox: &Sandbox| {
        let message = "no access".to_owned();
        sandbox.add_fault(Fault::new(FaultKind::Status { status: 403, code: 9109, message, retry_after: None }));
    };
    let events = [function_url("POST", &json!(s3("www.website.com", ["a.css"]).to_string())), partly_malformed()];
    let mut process = FunctionProcess::within(PLENTY, &[("CLOUDFLARE_API_KEY", TOKEN)], &events, refuse).await;
    for _ in &events {
        assert_eq!(process.answer().await, response(503, "not all is purged; send the request again\n"));
    }
    let errors = errors(&process.log().await);
    assert!(errors[0].starts_with("NotPurged: www.website.com of team script: token-refused: HTTP 403"), "{errors:?}");
    assert!(errors[1].starts_with("NotPurged: body.Records[1].s3.object.key: "), "{errors:?}");
}

/// What is logged as the errors of whole requests.
fn errors(lines: &[Value]) -> Vec<String> {
    let errors = lines.iter().filter(|line| line["level"] == "ERROR" && line["status"].is_u64());
    errors.filter_map(|line| Some(line["message"].as_str()?.to_owned())).collect()
}
