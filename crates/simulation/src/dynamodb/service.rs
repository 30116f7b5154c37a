//! What the API answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::http::StatusCode;
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::clock::SimClock;
use crate::event::Event;
use crate::fault::Fault;
use crate::options::Options;
use crate::random::{chance, millis};
use crate::scenario::{MappingTable, Scenario, TableRow};
use crate::trace::Trace;

/// The name of the table.
pub(super) const TABLE: &str = "mappings";

/// How often a call is slow or throttled, and how often a key of a batch is not processed.
const SLOW: f64 = 0.01;
const THROTTLED: f64 = 0.002;
const UNPROCESSED: f64 = 0.01;

/// The same during a burst.
const SLOW_IN_BURST: f64 = 0.4;
const THROTTLED_IN_BURST: f64 = 0.5;

/// DynamoDB with the table of a scenario.
pub(crate) struct DynamoDb {
    scenario: Arc<Scenario>,
    clock: SimClock,
    trace: Arc<Trace>,
    options: Options,
    rng: Mutex<Rng>,
}

/// An answer.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

/// What happens to one call.
struct Fate {
    delay: Duration,
    fault: Option<Fault>,
}

impl DynamoDb {
    pub(crate) fn new(scenario: &Arc<Scenario>, clock: &SimClock, trace: &Arc<Trace>, options: Options) -> Self {
        let rng = Mutex::new(scenario.seed.stream("dynamodb", 0));
        let (scenario, trace) = (Arc::clone(scenario), Arc::clone(trace));
        Self { scenario, clock: clock.clone(), trace, options, rng }
    }

    /// Answers a call after some time.
    pub(super) async fn answer(&self, operation: &str, body: &Value) -> Response {
        let Some(table) = &self.scenario.table else { return refused("ResourceNotFoundException") };
        let Fate { delay, fault } = self.fate(table, operation);
        sleep(delay).await;
        if let Some(fault) = fault {
            self.note(fault);
        }
        match operation {
            _ if fault == Some(Fault::DynamoThrottled) => refused("ThrottlingException"),
            "Query" => self.query(table, body),
            "BatchGetItem" => self.batch_get(table, body, fault == Some(Fault::DynamoUnprocessed)),
            _ => refused("UnknownOperationException"),
        }
    }

    fn fate(&self, table: &MappingTable, operation: &str) -> Fate {
        let now = self.clock.now();
        let is_burst = self.options.chaos && table.bursts.iter().any(|(from, until)| *from <= now && now < *until);
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let [slow, throttled] = if is_burst { [SLOW_IN_BURST, THROTTLED_IN_BURST] } else { [SLOW, THROTTLED] };
        let quick = millis(&mut rng, 3..=15);
        let happens = |rng: &mut Rng, probability| chance(rng, probability) && self.options.chaos;
        if happens(&mut rng, throttled) {
            return Fate { delay: quick, fault: Some(Fault::DynamoThrottled) };
        }
        if happens(&mut rng, slow) {
            let longest = if is_burst { 6000 } else { 800 };
            return Fate { delay: millis(&mut rng, 100..=longest), fault: Some(Fault::DynamoSlow) };
        }
        let is_incomplete = operation == "BatchGetItem" && happens(&mut rng, UNPROCESSED);
        Fate { delay: quick, fault: is_incomplete.then_some(Fault::DynamoUnprocessed) }
    }

    /// The rows of a bucket, as the index has them.
    fn query(&self, table: &MappingTable, body: &Value) -> Response {
        let now = self.clock.now();
        let bucket = body["ExpressionAttributeValues"][":bucket"]["S"].as_str();
        let of_bucket = || table.rows.iter().filter(|row| row.bucket.is_some() && row.bucket.as_deref() == bucket);
        if of_bucket().any(|row| row.in_table.has(now) != row.in_index.has(now)) {
            self.note(Fault::IndexBehind);
        }
        let items: Vec<&Value> = of_bucket().filter(|row| row.in_index.has(now)).map(|row| &row.item).collect();
        ok(json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items }))
    }

    /// The rows with some keys, as the table has them.
    fn batch_get(&self, table: &MappingTable, body: &Value, is_incomplete: bool) -> Response {
        let now = self.clock.now();
        let keys = body["RequestItems"][TABLE]["Keys"].as_array().map(Vec::as_slice).unwrap_or_default();
        let processed = keys.len() - usize::from(is_incomplete && keys.len() > 1);
        let (keys, unprocessed) = keys.split_at(processed);
        let has_key = |row: &TableRow, key: &Value| {
            key["pk"]["S"] == row.partition.as_str() && key["sk"]["S"] == row.sort.as_str()
        };
        let row_of = |key: &Value| table.rows.iter().find(|row| row.in_table.has(now) && has_key(row, key));
        let items: Vec<&Value> = keys.iter().filter_map(row_of).map(|row| &row.item).collect();
        let unprocessed = match unprocessed {
            [] => json!({}),
            keys => json!({ TABLE: { "Keys": keys, "ConsistentRead": true } }),
        };
        ok(json!({ "Responses": { TABLE: items }, "UnprocessedKeys": unprocessed }))
    }

    fn note(&self, fault: Fault) {
        self.trace.note(Event::Injected { fault });
    }
}

fn ok(body: Value) -> Response {
    Response { status: status(200), body }
}

fn refused(code: &str) -> Response {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "simulated" });
    Response { status: status(400), body }
}

#[expect(clippy::expect_used, reason = "both are valid")]
fn status(code: u16) -> StatusCode {
    StatusCode::try_from(code).expect("a status of HTTP")
}
