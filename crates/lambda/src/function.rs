//! One invocation in, one response out.

use std::fmt;

use aws_lambda_events::sqs::SqsBatchResponse;
use lambda_runtime::Diagnostic;
use purge_router_aws::DynamoMappings;
use purge_router_cloudflare::redact;
use purge_router_config::script_env::ScriptEnv;
use purge_router_core::names::{BucketName, TeamName};
use purge_router_core::{Event, Mappings, Origin, Plan, decode, plan};
use purge_router_pipeline::{Executor, TokenStore};
use tokio::time::Instant;

use crate::settings::on_one_line;

/// What decides where changes lead.
#[derive(Debug)]
pub enum Routing {
    /// A table that teams edit.
    Table(DynamoMappings),
    /// A mapping file.
    File(Mappings),
    /// The single-zone script's variables: whatever the bucket, its name is the hostname.
    Script(TeamName, ScriptEnv),
}

/// The function, from one invocation to the next.
#[derive(Debug)]
pub struct Function<T> {
    routing: Routing,
    executor: Executor<T>,
}

/// Why an invocation fails as a whole, without any token. Lambda invokes it again.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotDone {
    /// What Lambda calls the type of the error: `NotAnEvent`, `NotPurged` or `BadMappings`.
    pub kind: &'static str,
    reason: String,
}

impl NotDone {
    fn new(kind: &'static str, reason: &impl ToString) -> Self {
        Self { kind, reason: redact(&reason.to_string()).into_owned() }
    }
}

/// The runtime logs it.
impl fmt::Debug for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.reason)
    }
}

impl From<NotDone> for Diagnostic {
    fn from(error: NotDone) -> Self {
        Self { error_type: error.kind.to_owned(), error_message: error.reason }
    }
}

impl<T: TokenStore> Function<T> {
    /// A function that sends what this routing plans with this executor.
    pub fn new(routing: Routing, executor: Executor<T>) -> Self {
        Self { routing, executor }
    }

    /// Purges what an event asks for, and is back at the deadline. The response names the failed messages of an SQS batch.
    ///
    /// # Errors
    /// What is no event, and an event outside of SQS of which anything failed: it comes again as a whole.
    pub async fn handle(&self, event: &[u8], deadline: Instant) -> Result<SqsBatchResponse, NotDone> {
        let event = decode(event).map_err(|error| NotDone::new("NotAnEvent", &error))?;
        let plan = self.plan(event, deadline).await?;
        let report = self.executor.run(&plan, deadline).await;
        let mut response = SqsBatchResponse::default();
        for origin in &report.failed {
            match origin {
                Origin::Message(id) => response.add_failure(&**id),
                Origin::Invocation => return Err(NotDone::new("NotPurged", &report.reason())),
            }
        }
        Ok(response)
    }

    async fn plan(&self, event: Event, deadline: Instant) -> Result<Plan, NotDone> {
        match &self.routing {
            Routing::Table(mappings) => Ok(mappings.plan(event, deadline).await),
            Routing::File(mappings) => Ok(plan(mappings, event)),
            Routing::Script(team, script) => {
                let buckets: Vec<BucketName> = event.changes.iter().map(|change| change.bucket.clone()).collect();
                match script.mappings(team, &buckets) {
                    Ok(mappings) => Ok(plan(&mappings, event)),
                    Err(problems) => Err(NotDone::new("BadMappings", &on_one_line(&problems))),
                }
            }
        }
    }
}
