//! What the retry queue sends to SQS, and what it makes of the answers.

#![allow(clippy::unwrap_used, reason = "clippy does not treat helpers of tests as tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use purge_router_aws::{SqsDelayQueue, SqsRetryQueue};
use purge_router_core::PurgedItems;
use purge_router_core::names::TeamName;
use purge_router_pipeline::{DeadLetter, Deferred, DelayQueue, Delayed, Hidden, RetryQueue};
use serde_json::{Value, json};

/// The operation and the body of each call.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

const URL: &str = "http://127.0.0.1:4566/123456789012/retries";
const DELAY_URL: &str = "http://127.0.0.1:4566/123456789012/delay";
const DEAD_LETTERS_URL: &str = "http://127.0.0.1:4566/123456789012/dead-letters";

const PLENTY: Duration = Duration::from_secs(30);

/// Accepts entries, but for those whose body or handle is `refused` or `forgotten`, and fails calls with
/// `throttled`. Does not answer calls with `hangs`.
async fn answer(State(calls): State<Calls>, headers: HeaderMap, body: String) -> (StatusCode, Json<Value>) {
    let body: Value = serde_json::from_str(&body).unwrap();
    let operation = headers["x-amz-target"].to_str().unwrap().to_owned();
    calls.lock().unwrap().push((operation, body.clone()));
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in body["Entries"].as_array().unwrap() {
        let content = entry.get("MessageBody").unwrap_or(&entry["ReceiptHandle"]);
        match content.as_str().unwrap() {
            "throttled" => {
                let error = json!({ "__type": "com.amazonaws.sqs#RequestThrottled", "message": "slower" });
                return (StatusCode::BAD_REQUEST, Json(error));
            }
            "hangs" => std::future::pending().await,
            "refused" => failed.push(json!({
                "Id": entry["Id"], "SenderFault": true, "Code": "InvalidMessageContents", "Message": "no",
            })),
            "forgotten" => {}
            _ => successful.push(json!({ "Id": entry["Id"], "MessageId": "new", "MD5OfMessageBody": "" })),
        }
    }
    (StatusCode::OK, Json(json!({ "Successful": successful, "Failed": failed })))
}

async fn stand() -> (SqsRetryQueue, Calls) {
    let (config, calls) = config().await;
    (SqsRetryQueue::new(&config, URL).unwrap(), calls)
}

/// Of an SQS that [`answer`]s, and what it was sent.
async fn config() -> (SdkConfig, Calls) {
    let calls = Calls::default();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&calls));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(purge_router_aws::http_client())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint)
        .build();
    (config, calls)
}

fn deferred(body: impl Into<String>, team: Option<&str>) -> Deferred {
    let team = team.map(|team| TeamName::parse(team).unwrap());
    Deferred { body: body.into(), purged: PurgedItems::default(), team, delay: Duration::ZERO }
}

fn hidden(handle: &str, seconds: u64) -> Hidden {
    Hidden { receipt_handle: handle.to_owned(), time: Duration::from_secs(seconds) }
}

#[tokio::test]
async fn messages_are_sent_ten_a_call_each_in_the_group_of_its_team() {
    let (queue, calls) = stand().await;
    let messages: Vec<Deferred> =
        (0..12).map(|index| deferred(index.to_string(), [None, Some("red")][index % 2])).collect();
    assert_eq!(queue.defer(&messages, PLENTY).await, vec![Ok(()); 12]);
    let mut calls = calls.lock().unwrap().clone();
    calls.sort_by_key(|(_, body)| body["Entries"].as_array().unwrap().len());
    let operations: Vec<&str> = calls.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(operations, ["AmazonSQS.SendMessageBatch"; 2]);
    let entries =
        json!([{ "Id": "0", "MessageBody": "10" }, { "Id": "1", "MessageBody": "11", "MessageGroupId": "red" }]);
    assert_eq!(calls[0].1, json!({ "QueueUrl": URL, "Entries": entries }));
    assert_eq!(calls[1].1["Entries"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_message_of_which_a_part_was_purged_says_so_and_waits() {
    let (queue, calls) = stand().await;
    let purged = PurgedItems::parse("AQAAAAAAAAACAAAAAAAAAA");
    assert_eq!(purged.len(), 2);
    let message = Deferred { purged, delay: Duration::from_secs(7), ..deferred("a", Some("red")) };
    assert_eq!(queue.defer(&[message], PLENTY).await, [Ok(())]);
    let purged = json!({ "DataType": "String", "StringValue": "AQAAAAAAAAACAAAAAAAAAA" });
    let entry = json!({
        "Id": "0", "MessageBody": "a", "MessageGroupId": "red", "DelaySeconds": 7,
        "MessageAttributes": { "PurgedItems": purged },
    });
    assert_eq!(calls.lock().unwrap()[0].1["Entries"], json!([entry]));
}

#[tokio::test]
async fn attributes_count_towards_the_bytes_of_a_call() {
    let (queue, calls) = stand().await;
    // In base64, 32 digits are three hashes, of which the last one differs.
    let purged = PurgedItems::parse(&(0..16_000).map(|number| format!("{number:032}")).collect::<String>());
    assert_eq!(purged.len(), 16_002);
    let messages = vec![Deferred { purged, ..deferred("a", None) }; 10];
    assert_eq!(queue.defer(&messages, PLENTY).await, vec![Ok(()); 10]);
    let mut entries: Vec<usize> =
        calls.lock().unwrap().iter().map(|(_, body)| body["Entries"].as_array().unwrap().len()).collect();
    entries.sort_unstable();
    assert_eq!(entries, [5, 5], "170,688 bytes each");
}

#[tokio::test]
async fn only_what_sqs_names_as_accepted_is_accepted() {
    let (queue, _) = stand().await;
    let messages = ["a", "refused", "b", "forgotten"].map(|body| deferred(body, None));
    let refused = Err("InvalidMessageContents: no".to_owned());
    let forgotten = Err("SQS did not say what became of it".to_owned());
    assert_eq!(queue.defer(&messages, PLENTY).await, [Ok(()), refused, Ok(()), forgotten]);

    // A call that fails does not affect the others.
    let mut messages: Vec<Deferred> = (0..10).map(|index| deferred(index.to_string(), None)).collect();
    messages.extend(["throttled", "a"].map(|body| deferred(body, None)));
    let results = queue.defer(&messages, PLENTY).await;
    assert_eq!(results[..10], vec![Ok(()); 10]);
    assert_eq!(results[10..], vec![Err("RequestThrottled: slower".to_owned()); 2]);
}

#[tokio::test]
async fn messages_are_hidden_by_their_handles() {
    let (queue, calls) = stand().await;
    let results = queue.hide(&[hidden("h-0", 5), hidden("refused", 300)], PLENTY).await;
    assert_eq!(results, [Ok(()), Err("InvalidMessageContents: no".to_owned())]);
    let entries = json!([
        { "Id": "0", "ReceiptHandle": "h-0", "VisibilityTimeout": 5 },
        { "Id": "1", "ReceiptHandle": "refused", "VisibilityTimeout": 300 },
    ]);
    let expected =
        ("AmazonSQS.ChangeMessageVisibilityBatch".to_owned(), json!({ "QueueUrl": URL, "Entries": entries }));
    assert_eq!(*calls.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn dead_letters_have_the_id_of_the_message_that_they_replace() {
    let (queue, calls) = stand().await;
    let letter = |body: &str| DeadLetter { body: body.to_owned(), message_id: format!("id of {body}") };
    let letters = ["a", "refused"].map(letter);
    let not_set = Err("DEAD_LETTER_QUEUE_URL is not set".to_owned());
    assert_eq!(queue.send_dead_letters(&letters, PLENTY).await, [not_set.clone(), not_set]);
    assert!(calls.lock().unwrap().is_empty());

    let queue = queue.with_dead_letters(DEAD_LETTERS_URL).unwrap();
    let results = queue.send_dead_letters(&letters, PLENTY).await;
    assert_eq!(results, [Ok(()), Err("InvalidMessageContents: no".to_owned())]);
    let attributes = |id| json!({ "ReplacedMessageId": { "DataType": "String", "StringValue": id } });
    let entries = json!([
        { "Id": "0", "MessageBody": "a", "MessageAttributes": attributes("id of a") },
        { "Id": "1", "MessageBody": "refused", "MessageAttributes": attributes("id of refused") },
    ]);
    let call = json!({ "QueueUrl": DEAD_LETTERS_URL, "Entries": entries });
    assert_eq!(*calls.lock().unwrap(), [("AmazonSQS.SendMessageBatch".to_owned(), call)]);
}

#[tokio::test]
async fn one_call_that_hangs_says_nothing_about_the_others() {
    let (queue, calls) = stand().await;
    let time = Duration::from_millis(500);
    let expected = |ok: usize, late: usize| {
        let late = vec![Err("deadline exceeded".to_owned()); late];
        [vec![Ok(()); ok], late].concat()
    };
    let mut messages: Vec<Deferred> = (0..10).map(|index| deferred(index.to_string(), None)).collect();
    messages.extend(["hangs", "a"].map(|body| deferred(body, None)));
    assert_eq!(queue.defer(&messages, time).await, expected(10, 2));
    let mut messages: Vec<Hidden> = (0..10).map(|index| hidden(&format!("h-{index}"), 5)).collect();
    messages.push(hidden("hangs", 5));
    assert_eq!(queue.hide(&messages, time).await, expected(10, 1));
    assert_eq!(calls.lock().unwrap().len(), 4, "ten entries a call");
}

#[tokio::test]
async fn second_purges_are_delayed_each_by_its_own_time_in_the_group_of_its_team() {
    let (config, calls) = config().await;
    let queue = SqsDelayQueue::new(&config, DELAY_URL).unwrap();
    let delayed = |body: &str, team: &str, seconds| {
        let team = TeamName::parse(team).unwrap();
        Delayed { body: body.to_owned(), team, delay: Duration::from_secs(seconds) }
    };
    let results = queue.send(&[delayed("a", "web", 1), delayed("refused", "docs", 900)], PLENTY).await;
    assert_eq!(results, [Ok(()), Err("InvalidMessageContents: no".to_owned())]);
    let entries = json!([
        { "Id": "0", "MessageBody": "a", "DelaySeconds": 1, "MessageGroupId": "web" },
        { "Id": "1", "MessageBody": "refused", "DelaySeconds": 900, "MessageGroupId": "docs" },
    ]);
    let expected = ("AmazonSQS.SendMessageBatch".to_owned(), json!({ "QueueUrl": DELAY_URL, "Entries": entries }));
    assert_eq!(*calls.lock().unwrap(), [expected]);
    let late = queue.send(&[delayed("hangs", "web", 1)], Duration::from_millis(50)).await;
    assert_eq!(late, [Err("deadline exceeded".to_owned())]);
}
