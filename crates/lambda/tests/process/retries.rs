//! The retry queue: what the process sends to SQS, and what it answers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use purge_router_sandbox::{Fault, FaultKind, Sandbox};
use purge_router_test_support::events::s3;
use serde_json::{Value, json};

use crate::function_process::{FunctionProcess, TOKEN, failures};

const MAIN: &str = "arn:aws:sqs:eu-west-1:123456789012:main";
const RETRY: &str = "arn:aws:sqs:eu-west-1:123456789012:retries";
const RETRY_URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/retries";
const DEAD_LETTERS_URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letters";

/// The operation and the entries of each call to the retry queue, or `DeadLetters` and those of a call to the other
/// one.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

async fn accept(State(calls): State<Calls>, headers: HeaderMap, body: String) -> Json<Value> {
    let body: Value = serde_json::from_str(&body).unwrap();
    let operation = match headers["x-amz-target"].to_str().unwrap() {
        "AmazonSQS.SendMessageBatch" if body["QueueUrl"] == DEAD_LETTERS_URL => "DeadLetters".to_owned(),
        operation => {
            assert_eq!(body["QueueUrl"], RETRY_URL);
            operation.to_owned()
        }
    };
    let entry = |entry: &Value| json!({ "Id": entry["Id"], "MessageId": "new", "MD5OfMessageBody": "" });
    let successful: Value = body["Entries"].as_array().unwrap().iter().map(entry).collect();
    calls.lock().unwrap().push((operation, body["Entries"].clone()));
    Json(json!({ "Successful": successful, "Failed": [] }))
}

/// An SQS that accepts everything: its URL and what it was sent.
async fn sqs() -> (String, Calls) {
    let calls = Calls::default();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(accept)).with_state(Arc::clone(&calls));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, calls)
}

/// Messages `m-0`, `m-1`, … of a queue with these bodies, received so many times.
fn event(queue: &str, receives: u32, bodies: &[Value]) -> Value {
    let message = |(index, body): (usize, &Value)| {
        json!({
            "messageId": format!("m-{index}"), "receiptHandle": format!("h-{index}"), "body": body.to_string(),
            "attributes": { "ApproximateReceiveCount": receives.to_string() },
            "eventSource": "aws:sqs", "eventSourceARN": queue,
        })
    };
    json!({ "Records": bodies.iter().enumerate().map(message).collect::<Value>() })
}

fn variables(sqs: &str) -> [(&str, &str); 7] {
    [
        ("CLOUDFLARE_API_KEY", TOKEN),
        ("RETRY_QUEUE_URL", RETRY_URL),
        ("RETRY_CONCURRENCY", "2"),
        ("DEAD_LETTER_QUEUE_URL", DEAD_LETTERS_URL),
        ("AWS_ENDPOINT_URL_SQS", sqs),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ]
}

fn hang(sandbox: &Sandbox) {
    sandbox.add_fault(Fault::new(FaultKind::Hang));
}

#[tokio::test]
async fn what_hangs_is_deferred_within_a_second_or_two_and_not_tried_again_at_once() {
    let (url, calls) = sqs().await;
    let body = s3("www.website.com", ["a.css"]);
    let events =
        [event(MAIN, 1, &[body.clone(), s3("backups", ["a.css"])]), event(MAIN, 1, std::slice::from_ref(&body))];
    let start = Instant::now();
    let mut process = FunctionProcess::within(Duration::from_secs(30), &variables(&url), &events, hang).await;
    for _ in &events {
        assert_eq!(process.answer().await, ("response".to_owned(), failures(&[])));
    }
    assert!(start.elapsed() < Duration::from_secs(25), "one does not wait for its deadline: {:?}", start.elapsed());
    let entries = json!([{ "Id": "0", "MessageBody": body.to_string(), "MessageGroupId": "script" }]);
    let call = ("AmazonSQS.SendMessageBatch".to_owned(), entries);
    assert_eq!(*calls.lock().unwrap(), [call.clone(), call]);
    assert_eq!(process.sent(&[]).len(), 1, "the second message's zone is not tried");
    let log = process.log().await;
    let deferred: Vec<&Value> = log.iter().filter(|line| line["message"] == "deferred to the retry queue").collect();
    assert_eq!(deferred.iter().map(|line| &line["messages"]).collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn what_fails_again_is_hidden_for_a_part_of_its_age() {
    let error = |status, code, retry_after| FaultKind::Status { status, code, message: "no".to_owned(), retry_after };
    let (broken, limited) = (error(500, 10_000, None), error(429, 1134, Some(60)));
    for (fault, age, shortest) in [(&broken, 0, 5), (&broken, 80, 40), (&limited, 0, 5), (&limited, 80, 40)] {
        let (url, calls) = sqs().await;
        let mut event = event(RETRY, 4, &[s3("backups", ["a.css"]), s3("www.website.com", ["a.css"])]);
        let sent_at = SystemTime::now() - Duration::from_secs(age);
        let timestamp = sent_at.duration_since(UNIX_EPOCH).unwrap().as_millis();
        event["Records"][1]["attributes"]["SentTimestamp"] = timestamp.to_string().into();
        let fail = |sandbox: &Sandbox| sandbox.add_fault(Fault::new(fault.clone()));
        let mut process = FunctionProcess::within(Duration::from_secs(30), &variables(&url), &[event], fail).await;
        assert_eq!(process.answer().await, ("response".to_owned(), failures(&["m-1"])));
        let calls = calls.lock().unwrap();
        assert_eq!((calls.len(), calls[0].0.as_str()), (1, "AmazonSQS.ChangeMessageVisibilityBatch"));
        assert_eq!(calls[0].1[0]["ReceiptHandle"], "h-1");
        // The message is older by now, on a busy machine by seconds.
        let longest = sent_at.elapsed().unwrap().as_secs_f64().round().max(10.0) as u64;
        let seconds = calls[0].1[0]["VisibilityTimeout"].as_u64().unwrap();
        assert!((shortest..=longest).contains(&seconds), "{age} s: {seconds} s of at most {longest} s");
    }
}

#[tokio::test]
async fn in_the_retry_queue_what_cloudflare_refuses_for_good_is_a_dead_letter_at_once() {
    let (url, calls) = sqs().await;
    let bodies = ["bad.css", "good.css"].map(|key| s3("www.website.com", [key]));
    let refuse = |sandbox: &Sandbox| {
        let url = "https://www.website.com/bad.css".to_owned();
        sandbox.add_fault(Fault::new(FaultKind::RejectUrl { url }));
    };
    let events = [event(RETRY, 3, &bodies)];
    let mut process = FunctionProcess::within(Duration::from_secs(30), &variables(&url), &events, refuse).await;
    assert_eq!(process.answer().await, ("response".to_owned(), failures(&[])));
    let id = json!({ "ReplacedMessageId": { "DataType": "String", "StringValue": "m-0" } });
    let entries = json!([{ "Id": "0", "MessageBody": bodies[0].to_string(), "MessageAttributes": id }]);
    assert_eq!(*calls.lock().unwrap(), [("DeadLetters".to_owned(), entries)]);
    let log = process.log().await;
    let sent = "sent to the dead-letter queue: no retry can purge it";
    assert!(log.iter().any(|line| line["message"] == sent && line["origin"] == "m-0"), "{log:#?}");
}

#[tokio::test]
async fn what_sqs_does_not_take_is_reported_as_failed() {
    let events = [event(MAIN, 1, &[s3("www.website.com", ["a.css"])])];
    // Nothing listens there.
    let mut process =
        FunctionProcess::within(Duration::from_secs(30), &variables("http://127.0.0.1:9"), &events, hang).await;
    assert_eq!(process.answer().await, ("response".to_owned(), failures(&["m-0"])));
    let log = process.log().await;
    let warning = "can't defer messages to the retry queue: their own queue redelivers them";
    assert!(log.iter().any(|line| line["message"] == warning && line["messages"] == 1), "{log:#?}");
}
