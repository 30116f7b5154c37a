//! What the function calls of AWS, on loopback in the AWS JSON protocol: `SendMessageBatch` and
//! `ChangeMessageVisibilityBatch` of SQS, and `GetParameters` of SSM.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::queue::{Queue, VisibilityError};

const MAX_ENTRIES: usize = 10;
const MAX_BATCH_BYTES: usize = 1 << 20;
const MAX_VISIBILITY_SECONDS: u64 = 12 * 3600;
const MAX_DELAY_SECONDS: u64 = 15 * 60;

/// The queues and parameters.
struct Aws {
    /// By name.
    queues: HashMap<&'static str, Arc<Queue>>,
    /// SSM's values by name.
    parameters: BTreeMap<String, String>,
    /// How many messages were sent through the endpoint.
    sent: AtomicUsize,
}

/// A running endpoint. Dropping it stops it.
pub(crate) struct AwsEndpoint {
    pub(crate) url: String,
    aws: Arc<Aws>,
    _server: JoinSet<io::Result<()>>,
}

impl AwsEndpoint {
    /// Serves these queues and parameters, each by its name.
    pub(crate) async fn start(
        queues: HashMap<&'static str, Arc<Queue>>,
        parameters: BTreeMap<String, String>,
    ) -> io::Result<Self> {
        let aws = Arc::new(Aws { queues, parameters, sent: AtomicUsize::new(0) });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/", post(call))
            .layer(DefaultBodyLimit::max(4 * MAX_BATCH_BYTES))
            .with_state(Arc::clone(&aws));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, aws, _server: server })
    }

    /// The URL of a queue.
    pub(crate) fn queue_url(&self, name: &str) -> String {
        format!("{}/123456789012/{name}", self.url)
    }

    /// How many messages the function sent.
    pub(crate) fn sent(&self) -> usize {
        self.aws.sent.load(Ordering::Relaxed)
    }
}

/// An error of a whole call, or of one entry of a batch.
struct CallError(&'static str, String);

impl CallError {
    fn entry(self, id: &str) -> Value {
        json!({ "Id": id, "Code": self.0, "Message": self.1, "SenderFault": true })
    }
}

impl IntoResponse for CallError {
    fn into_response(self) -> Response {
        let body = json!({ "__type": format!("com.amazonaws.sqs#{}", self.0), "message": self.1 });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

async fn call(State(aws): State<Arc<Aws>>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, CallError> {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let request: Value = serde_json::from_slice(&body)
        .map_err(|error| CallError("SerializationException", format!("not JSON: {error}")))?;
    match target {
        "AmazonSQS.SendMessageBatch" => aws.send_message_batch(&request).map(Json),
        "AmazonSQS.ChangeMessageVisibilityBatch" => aws.change_visibility_batch(&request).map(Json),
        "AmazonSSM.GetParameters" => Ok(Json(aws.get_parameters(&request))),
        other => Err(CallError("UnknownOperationException", format!("`{other}` is not served here"))),
    }
}

/// The message attributes of an entry, as Lambda writes them.
fn attributes(entry: &Value) -> Value {
    let sent = entry["MessageAttributes"].as_object().into_iter().flatten();
    let written = |(name, value): (&String, &Value)| {
        (name.clone(), json!({ "stringValue": value["StringValue"], "dataType": value["DataType"] }))
    };
    Value::Object(sent.map(written).collect())
}

impl Aws {
    fn send_message_batch(&self, request: &Value) -> Result<Value, CallError> {
        let queue = self.queue(request)?;
        let entries = entries(request)?;
        let bytes: usize = entries.iter().map(|(_, entry)| entry["MessageBody"].as_str().map_or(0, str::len)).sum();
        if bytes > MAX_BATCH_BYTES {
            return Err(CallError("BatchRequestTooLong", format!("{bytes} bytes")));
        }
        let send = |entry: &Value| {
            let Some(body) = entry["MessageBody"].as_str().filter(|body| !body.is_empty()) else {
                return Err(CallError("MissingParameter", "MessageBody".to_owned()));
            };
            let delay = seconds(entry, "DelaySeconds", MAX_DELAY_SECONDS)?.unwrap_or_default();
            let id = queue.send_with(body.to_owned(), attributes(entry), delay);
            self.sent.fetch_add(1, Ordering::Relaxed);
            // The SDK does not check the digest.
            Ok(json!({ "MessageId": id, "MD5OfMessageBody": "0".repeat(32) }))
        };
        Ok(results(&entries, send))
    }

    fn change_visibility_batch(&self, request: &Value) -> Result<Value, CallError> {
        let queue = self.queue(request)?;
        let change = |entry: &Value| {
            let missing = |name: &str| CallError("MissingParameter", name.to_owned());
            let receipt = entry["ReceiptHandle"].as_str().ok_or_else(|| missing("ReceiptHandle"))?;
            let timeout = seconds(entry, "VisibilityTimeout", MAX_VISIBILITY_SECONDS)?;
            let timeout = timeout.ok_or_else(|| missing("VisibilityTimeout"))?;
            let changed = queue.change_visibility(receipt, timeout).map_err(|error| match error {
                VisibilityError::ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
                VisibilityError::MessageNotInflight => "MessageNotInflight",
            });
            changed.map_err(|code| CallError(code, receipt.to_owned())).map(|()| json!({}))
        };
        Ok(results(&entries(request)?, change))
    }

    fn get_parameters(&self, request: &Value) -> Value {
        let names: Vec<&str> = request["Names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let found = names.iter().filter_map(|name| {
            let value = self.parameters.get(*name)?;
            Some(json!({ "Name": name, "Type": "SecureString", "Value": value, "Version": 1, "DataType": "text" }))
        });
        let invalid = names.iter().filter(|name| !self.parameters.contains_key(**name));
        json!({ "Parameters": found.collect::<Vec<_>>(), "InvalidParameters": invalid.collect::<Vec<_>>() })
    }

    fn queue(&self, request: &Value) -> Result<&Queue, CallError> {
        let url = request["QueueUrl"].as_str().unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or_default();
        let queue = self.queues.get(name).map(Arc::as_ref);
        queue.ok_or_else(|| CallError("QueueDoesNotExist", format!("no queue has the URL `{url}`")))
    }
}

/// The entries of a batch, each with its id.
fn entries(request: &Value) -> Result<Vec<(&str, &Value)>, CallError> {
    let entries: Vec<&Value> = request["Entries"].as_array().into_iter().flatten().collect();
    if entries.is_empty() {
        return Err(CallError("EmptyBatchRequest", "the batch has no entries".to_owned()));
    }
    if entries.len() > MAX_ENTRIES {
        return Err(CallError("TooManyEntriesInBatchRequest", format!("the batch has {} entries", entries.len())));
    }
    let entries: Vec<_> = entries.into_iter().map(|entry| (entry["Id"].as_str().unwrap_or_default(), entry)).collect();
    let mut ids = HashSet::new();
    let is_id =
        |id: &str| (1..=80).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    for (id, _) in &entries {
        if !is_id(id) {
            return Err(CallError("InvalidBatchEntryId", format!("`{id}`")));
        }
        if !ids.insert(*id) {
            return Err(CallError("BatchEntryIdsNotDistinct", format!("`{id}`")));
        }
    }
    Ok(entries)
}

/// The answer to a batch: each entry succeeds or fails alone.
fn results(entries: &[(&str, &Value)], act: impl Fn(&Value) -> Result<Value, CallError>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, entry) in entries {
        match act(entry) {
            Ok(mut result) => {
                result["Id"] = json!(id);
                successful.push(result);
            }
            Err(error) => failed.push(error.entry(id)),
        }
    }
    json!({ "Successful": successful, "Failed": failed })
}

fn seconds(entry: &Value, name: &str, max: u64) -> Result<Option<Duration>, CallError> {
    match &entry[name] {
        Value::Null => Ok(None),
        value => match value.as_u64().filter(|seconds| *seconds <= max) {
            Some(seconds) => Ok(Some(Duration::from_secs(seconds))),
            None => Err(CallError("InvalidParameterValue", format!("{name} is {value}"))),
        },
    }
}
