//! One invocation in, one response out.

use aws_lambda_events::sqs::SqsBatchResponse;
use lambda_runtime::Diagnostic;
use purge_router_core::names::{BucketName, TeamName};
use purge_router_core::script_env::ScriptEnv;
use purge_router_core::{Event, Mappings, NotAnEvent, Origin, Plan, Problem, decode, plan};
use purge_router_pipeline::{Executor, TokenStore};
use tokio::time::Instant;

/// What decides where changes lead.
#[derive(Debug)]
pub enum Routing {
    /// A mapping file.
    Mappings(Mappings),
    /// The single-zone script's variables: whatever the bucket, its name is the hostname.
    Script(TeamName, ScriptEnv),
}

/// The function, from one invocation to the next.
#[derive(Debug)]
pub struct Function<T> {
    routing: Routing,
    executor: Executor<T>,
}

/// Why an invocation fails as a whole. Lambda invokes it again, and then puts it where the function's settings say.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There is nothing in it to tell apart.
    #[error(transparent)]
    NotAnEvent(#[from] NotAnEvent),
    /// A direct event was not purged, or not all of it.
    #[error("{0}")]
    NotPurged(String),
    /// The single-zone script's variables make no mappings.
    #[error("the single-zone script's variables make no mappings: {0:?}")]
    BadMappings(Vec<Problem>),
}

impl From<NotDone> for Diagnostic {
    fn from(error: NotDone) -> Self {
        let error_type = match error {
            NotDone::NotAnEvent(_) => "NotAnEvent",
            NotDone::NotPurged(_) => "NotPurged",
            NotDone::BadMappings(_) => "BadMappings",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
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
        let plan = self.plan(decode(event)?)?;
        let report = self.executor.run(&plan, deadline).await;
        let mut response = SqsBatchResponse::default();
        for origin in &report.failed {
            match origin {
                Origin::Message(id) => response.add_failure(&**id),
                Origin::Invocation => return Err(NotDone::NotPurged(report.reason())),
            }
        }
        Ok(response)
    }

    fn plan(&self, event: Event) -> Result<Plan, NotDone> {
        match &self.routing {
            Routing::Mappings(mappings) => Ok(plan(mappings, event)),
            Routing::Script(team, script) => {
                let buckets: Vec<BucketName> = event.changes.iter().map(|change| change.bucket.clone()).collect();
                Ok(plan(&script.mappings(team, &buckets).map_err(NotDone::BadMappings)?, event))
            }
        }
    }
}
