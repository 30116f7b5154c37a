//! The lines of the log, without secrets.

use axum::Router;
use purge_router_sandbox::{Sandbox, TokenStatus};
use purge_router_test_support::events::s3;
use serde_json::{Value, json};

use crate::function_process::{FunctionProcess, PLENTY, TOKEN, failures, sqs};

#[tokio::test]
async fn logs_have_a_line_for_each_batch_and_each_record_without_one() {
    let event = sqs(&[
        s3("www.website.com", ["a.css"]),
        s3("backups", ["b.css"]),
        json!("{\"Records\": [{\"eventSource\": \"aws:s3\"}]}"),
        json!("cfut_of_somebody"),
    ]);
    let variables = [("CLOUDFLARE_API_KEY", TOKEN)];
    let mut process = FunctionProcess::new(&variables, &[event]).await;
    assert_eq!(process.answer().await, ("response".to_owned(), failures(&["m-2", "m-3"])));
    let mut lines = process.log().await;
    for line in &mut lines {
        let fields = line.as_object_mut().unwrap();
        // Lambda treats a line without a timestamp as INFO, whatever its level.
        assert!(fields.remove("timestamp").unwrap().as_str().unwrap().ends_with('Z'));
        let span = json!({ "name": "Lambda runtime invoke", "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd" });
        assert_eq!(fields.remove("span").unwrap(), span);
        if let Some(milliseconds) = fields.remove("milliseconds") {
            assert!(milliseconds.as_u64().unwrap() < 30_000);
        }
        if let Some(ray) = fields.remove("ray") {
            assert!(ray.as_str().unwrap().ends_with("-SBX"));
        }
    }
    assert_eq!(
        lines,
        [
            json!({
                "level": "WARN", "message": "rejected", "origin": "m-2",
                "reason": "body.Records[0].eventVersion: missing (S3 writes `2.1`); also missing: `eventName`, `s3.bucket.name`, `s3.object.key`",
            }),
            json!({
                "level": "WARN", "message": "rejected", "origin": "m-3",
                "reason": "body: not an event: found text that is not JSON (expected value at line 1 column 1), beginning with `cfut_[redacted]`",
            }),
            json!({ "level": "INFO", "message": "unmatched", "bucket": "backups", "key": "b.css" }),
            json!({
                "level": "INFO", "message": "batch", "team": "script", "zone": "www.website.com", "method": "files",
                "items": 1, "outcome": "purged", "attempts": 1,
            }),
            json!({
                "level": "INFO", "message": "event", "changes": 2, "ignored": 0, "rejected": 2, "unmatched": 1,
                "batches": 1, "purged": 1, "failed": 2,
            }),
        ]
    );
}

#[tokio::test]
async fn the_log_level_is_lambdas() {
    for (level, messages) in [
        ("DEBUG", &["rejected", "unmatched", "batch", "event"][..]),
        ("INFO", &["rejected", "unmatched", "batch", "event"]),
        ("WARN", &["rejected"]),
        ("ERROR", &[]),
        ("FATAL", &[]),
    ] {
        let event = sqs(&[s3("www.website.com", ["a.css"]), s3("backups", ["b.css"]), json!("?")]);
        let variables = [("CLOUDFLARE_API_KEY", TOKEN), ("AWS_LAMBDA_LOG_LEVEL", level)];
        let mut process = FunctionProcess::new(&variables, &[event]).await;
        assert_eq!(process.answer().await.1, failures(&["m-2"]));
        let lines = process.log().await;
        assert_eq!(lines.iter().map(|line| line["message"].as_str().unwrap()).collect::<Vec<_>>(), messages, "{level}");
        assert!(lines.iter().all(|line| line["span"]["requestId"].is_string()), "{lines:#?}");
    }
}

/// With a token in SSM, so that all three services are called, and with the token refused, so that it is read again.
#[tokio::test]
async fn no_line_has_a_secret_even_at_trace_level() {
    let parameter = json!({ "Name": "/cf/token", "Type": "SecureString", "Value": TOKEN, "Version": 1 });
    let answer = json!({ "Parameters": [parameter], "InvalidParameters": [] }).to_string();
    let ssm = Router::new().fallback(move || async { ([("content-type", "application/x-amz-json-1.1")], answer) });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, ssm).await });
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let variables = [
        ("CLOUDFLARE_API_KEY_SSMPATH", "/cf/token"),
        ("AWS_ENDPOINT_URL", &url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("RUST_LOG", "trace"),
    ];
    let events = ["a.css", "b.css"].map(|key| sqs(&[s3("www.website.com", [key])]));
    for (status, failed) in [(TokenStatus::Active, &[][..]), (TokenStatus::Disabled, &["m-0"])] {
        let prepare = |sandbox: &Sandbox| assert!(sandbox.set_token_status(TOKEN, status));
        let mut process = FunctionProcess::within(PLENTY, &variables, &events, prepare).await;
        for _ in &events {
            assert_eq!(process.answer().await.1, failures(failed));
        }
        let text: String = process.printed().await.iter().map(Value::to_string).collect();
        assert!(text.len() > 50_000 && text.contains("/cf/token"), "everything is logged: {} bytes", text.len());
        for secret in [TOKEN, secret] {
            let bytes: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
            assert!(!text.contains(secret) && !text.contains(&bytes.join(", ")), "{text}");
        }
    }
}
