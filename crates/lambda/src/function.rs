//! One invocation in, one response out.

use std::fmt;

use aws_lambda_events::sqs::SqsBatchResponse;
use lambda_runtime::Diagnostic;
use purge_router_aws::{DynamoMappings, Lookup, SqsRetryQueue};
use purge_router_cloudflare::{Client, redact};
use purge_router_config::script_env::ScriptEnv;
use purge_router_core::names::{BucketName, TeamName};
use purge_router_core::{Event, Mappings, Origin, Plan, UncertainBuckets, decode, messages, plan_until};
use purge_router_pipeline::{Clock, Executor, PurgeApi, Redelivery, RetryQueue, Timestamp, TokenStore};

use crate::one_line::on_one_line;

/// Where the mappings come from.
#[derive(Debug)]
pub enum MappingSource {
    /// A DynamoDB table that teams edit.
    Table(DynamoMappings),
    /// A mapping file in the function's package.
    File(Mappings),
    /// The single-zone script's variables: each bucket's name is its hostname.
    Script(TeamName, ScriptEnv),
}

/// The function. It lives as long as its process.
#[derive(Debug)]
pub struct Function<T, A = Client, Q = SqsRetryQueue> {
    mappings: MappingSource,
    executor: Executor<T, A>,
    retry_queue: Option<Q>,
}

/// Why an invocation fails as a whole, without any token. Lambda retries it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvocationError {
    /// Lambda's error type: `NotAnEvent`, `NotPurged` or `BadMappings`.
    pub kind: &'static str,
    reason: String,
}

impl InvocationError {
    fn new(kind: &'static str, reason: &impl ToString) -> Self {
        Self { kind, reason: redact(&reason.to_string()).into_owned() }
    }
}

/// The form in which the runtime logs it.
impl fmt::Debug for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.reason)
    }
}

impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        Self { error_type: error.kind.to_owned(), error_message: error.reason }
    }
}

impl<T: TokenStore, A: PurgeApi, Q: RetryQueue> Function<T, A, Q> {
    /// A function that plans with these mappings, sends with this executor, and defers to this queue.
    pub fn new(mappings: MappingSource, executor: Executor<T, A>, retry_queue: Option<Q>) -> Self {
        Self { mappings, executor, retry_queue }
    }

    /// The clock of the deadlines.
    pub fn clock(&self) -> &Clock {
        self.executor.clock()
    }

    /// Handles one event, and returns at the deadline. The response names the failed messages of an SQS batch, without those
    /// that are in the retry queue now.
    ///
    /// # Errors
    /// The event is not understood, or it is not from SQS and any part of it failed: Lambda retries it as a whole.
    pub async fn handle(&self, event: &[u8], deadline: Timestamp) -> Result<SqsBatchResponse, InvocationError> {
        let messages = messages(event);
        let redelivery = Redelivery::new(self.retry_queue.as_ref(), &messages, self.clock());
        let event = decode(event).map_err(|error| InvocationError::new("NotAnEvent", &error))?;
        let plan = self.plan(event, deadline).await?;
        let report = self.executor.run(&plan, redelivery.patience(deadline)).await;
        let mut response = SqsBatchResponse::default();
        for origin in redelivery.redeliver(&report, deadline).await {
            match origin {
                Origin::Message(id) => response.add_failure(&*id),
                Origin::Invocation => return Err(InvocationError::new("NotPurged", &report.reason())),
            }
        }
        Ok(response)
    }

    async fn plan(&self, event: Event, deadline: Timestamp) -> Result<Plan, InvocationError> {
        let certain = UncertainBuckets::default();
        match &self.mappings {
            MappingSource::Table(table) => {
                let buckets = event.changes.iter().map(|change| change.bucket.clone()).collect();
                let Lookup { mappings, unreadable, stale, .. } = table.lookup(buckets, deadline).await;
                let unreadable = unreadable.into_iter().map(|(bucket, error)| (bucket, error.to_string())).collect();
                Ok(self.plan_in_time(&mappings, &UncertainBuckets { unreadable, stale }, event, deadline))
            }
            MappingSource::File(mappings) => Ok(self.plan_in_time(mappings, &certain, event, deadline)),
            MappingSource::Script(team, script) => {
                let buckets: Vec<BucketName> = event.changes.iter().map(|change| change.bucket.clone()).collect();
                match script.mappings(team, &buckets) {
                    Ok(mappings) => Ok(self.plan_in_time(&mappings, &certain, event, deadline)),
                    Err(problems) => Err(InvocationError::new("BadMappings", &on_one_line(&problems))),
                }
            }
        }
    }
    /// Plans for at most half of the time that is left; the other half is for sending.
    fn plan_in_time(
        &self,
        mappings: &Mappings,
        uncertain: &UncertainBuckets,
        event: Event,
        deadline: Timestamp,
    ) -> Plan {
        let start = self.clock().now();
        let planning_time = (deadline - start) / 2;
        plan_until(mappings, uncertain, event, || self.clock().now() - start >= planning_time)
    }
}
