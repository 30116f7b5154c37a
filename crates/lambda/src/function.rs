//! One invocation in, one response out.

use std::time::SystemTime;

use aws_lambda_events::sqs::SqsBatchResponse;
use purge_router_aws::SqsRetryQueue;
use purge_router_cloudflare::{Client, EdgeClient};
use purge_router_core::{Decoded, Event, LastPurges, Origin, Plan, decode_with_messages, plan_until};
use purge_router_pipeline::{
    CacheSizes, Clock, DelayQueue, Edge, Executor, LastPurgeStore, NoDelayQueue, NoLastPurges, PurgeApi, Redelivery,
    Report, RetryQueue, Timestamp, TokenStore, Verifier, queue_second_purges, read_last_purges, remember,
    sending_deadline,
};

use crate::invocation_error::InvocationError;
use crate::mapping_source::{KnownMappings, MappingSource};
use crate::response::{HttpResponse, Response, sqs_response};

/// The function. It lives as long as its process.
#[derive(Debug)]
pub struct Function<T, A = Client, Q = SqsRetryQueue, G = NoDelayQueue, S = NoLastPurges, E = EdgeClient> {
    mappings: MappingSource,
    executor: Executor<T, A>,
    retry_queue: Option<Q>,
    delay_queue: Option<G>,
    last_purges: Option<S>,
    verifier: Option<Verifier<E>>,
}

impl<T, A, Q> Function<T, A, Q> {
    /// A function that plans with these mappings, sends with this executor, and defers to this queue.
    pub fn new(mappings: MappingSource, executor: Executor<T, A>, retry_queue: Option<Q>) -> Self {
        Self { mappings, executor, retry_queue, delay_queue: None, last_purges: None, verifier: None }
    }
}

impl<T, A, Q, G, S, E> Function<T, A, Q, G, S, E> {
    /// With the delay queue of second purges and verifications.
    pub fn with_delay_queue<H>(self, delay_queue: Option<H>) -> Function<T, A, Q, H, S, E> {
        let Self { mappings, executor, retry_queue, last_purges, verifier, .. } = self;
        Function { mappings, executor, retry_queue, delay_queue, last_purges, verifier }
    }

    /// With the store of what was purged last, for mappings with `skip_unchanged`.
    pub fn with_last_purges<L>(self, last_purges: Option<L>) -> Function<T, A, Q, G, L, E> {
        let Self { mappings, executor, retry_queue, delay_queue, verifier, .. } = self;
        Function { mappings, executor, retry_queue, delay_queue, last_purges, verifier }
    }

    /// With what verifies purges. It needs the delay queue.
    pub fn with_verifier<F>(self, verifier: Option<Verifier<F>>) -> Function<T, A, Q, G, S, F> {
        let Self { mappings, executor, retry_queue, delay_queue, last_purges, .. } = self;
        Function { mappings, executor, retry_queue, delay_queue, last_purges, verifier }
    }
}

impl<T, A, Q, G, S, E> Function<T, A, Q, G, S, E>
where
    T: TokenStore,
    A: PurgeApi,
    Q: RetryQueue,
    G: DelayQueue,
    S: LastPurgeStore,
    E: Edge,
{
    /// The clock of the deadlines.
    pub fn clock(&self) -> &Clock {
        self.executor.clock()
    }

    /// How much the function remembers for later events, besides mappings and tokens.
    pub fn cache_sizes(&self) -> CacheSizes {
        self.executor.cache_sizes()
    }

    /// Handles one event, as [`Function::handle`] does, and responds in the form that its source reads.
    ///
    /// # Errors
    /// As [`Function::handle`], but not for an HTTP request: its response has a status.
    pub async fn respond(&self, event: &[u8], deadline: Timestamp) -> Result<Response, InvocationError> {
        let decoded = decode_with_messages(event).map_err(InvocationError::not_an_event)?;
        if !decoded.is_http_request {
            return Ok(Response::Sqs(self.execute(decoded, deadline, sqs_response).await??));
        }
        let response = self.execute(decoded, deadline, |_, report| HttpResponse::of(report)).await;
        Ok(Response::Http(response.unwrap_or_else(|error| HttpResponse::unavailable(&error))))
    }

    /// Handles one event, and returns at the deadline. The response names the failed messages of an SQS batch, without
    /// those that are in the retry queue now.
    ///
    /// # Errors
    /// The event is not understood, or it is not from SQS and any part of it failed: Lambda retries it as a whole.
    pub async fn handle(&self, event: &[u8], deadline: Timestamp) -> Result<SqsBatchResponse, InvocationError> {
        let decoded = decode_with_messages(event).map_err(InvocationError::not_an_event)?;
        self.execute(decoded, deadline, sqs_response).await?
    }

    /// Plans and executes one event. The response is made of the failed origins that nothing retries yet, and of the
    /// report.
    async fn execute<R>(
        &self,
        Decoded { event, messages, .. }: Decoded<'_>,
        deadline: Timestamp,
        response: impl FnOnce(Vec<Origin>, &Report<'_>) -> R,
    ) -> Result<R, InvocationError> {
        let redelivery = Redelivery::new(self.retry_queue.as_ref(), &messages, self.clock());
        let mappings = self.mappings.for_event(&event, redelivery.is_soon(), deadline).await?;
        let (store, clock) = (self.last_purges.as_ref(), self.clock());
        let last_purges = read_last_purges(store, &mappings.mappings, &event, clock, deadline).await;
        let plan = self.plan(&mappings, &last_purges, event, deadline);
        let patience = redelivery.patience(sending_deadline(&plan, clock, deadline));
        let sent_at = clock.wall_time();
        let report = self.executor.run(&plan, patience).await;
        let report = queue_second_purges(self.delay_queue.as_ref(), report, clock, deadline).await;
        let report = remember(store, report, clock, deadline).await;
        let mut failed = redelivery.redeliver(&report, deadline).await;
        // Last, so that it is in the way of nothing else of this event.
        let stale = self.verify(&report, sent_at, deadline).await;
        if stale.batches.is_empty() {
            return Ok(response(failed, &report));
        }
        let purged_again = self.executor.run(&stale, redelivery.patience(deadline)).await;
        let purged_again = remember(store, purged_again, clock, deadline).await;
        failed.extend(redelivery.redeliver(&purged_again, deadline).await);
        Ok(response(failed, if report.failed.is_empty() { &purged_again } else { &report }))
    }

    /// Queues the samples of what was purged, and verifies what came back for it. Returns the purges of what is stale.
    async fn verify(&self, report: &Report<'_>, sent_at: SystemTime, deadline: Timestamp) -> Plan {
        let plan = report.plan;
        let Some((verifier, queue)) = self.verifier.as_ref().zip(self.delay_queue.as_ref()) else {
            let changes = plan.samples.len() + plan.checks.len();
            if changes > 0 {
                tracing::info!(changes, "not verified: VERIFY_HOSTS is not set");
            }
            return Plan::default();
        };
        verifier.queue(queue, report, sent_at, self.clock(), deadline).await;
        verifier.check(plan, self.clock(), deadline).await
    }

    /// Plans for at most half of the time that is left; the other half is for sending.
    fn plan(
        &self,
        KnownMappings { mappings, uncertain }: &KnownMappings<'_>,
        last_purges: &LastPurges,
        event: Event,
        deadline: Timestamp,
    ) -> Plan {
        let start = self.clock().now();
        let planning_time = (deadline - start) / 2;
        plan_until(mappings, uncertain, last_purges, event, || self.clock().now() - start >= planning_time)
    }
}
