//! The code under test, as one instance runs it: an event goes in, and the ids of failed messages come out.

use std::sync::Arc;

use purge_router_core::{Mappings, Origin, decode, plan_until};
use purge_router_pipeline::{Clock, Executor, Settings, Timestamp};

use crate::cloudflare::SimApi;
use crate::ssm::SimTokens;

pub(super) struct Function {
    mappings: Arc<Mappings>,
    executor: Executor<SimTokens, SimApi>,
}

/// The event failed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventFailed;

impl Function {
    pub(super) fn new(
        mappings: &Arc<Mappings>,
        api: SimApi,
        tokens: SimTokens,
        settings: Settings,
        clock: Clock,
    ) -> Self {
        Self { mappings: Arc::clone(mappings), executor: Executor::new(api, tokens, settings, clock) }
    }

    /// Handles one event.
    pub(super) async fn handle(&self, event: &[u8], deadline: Timestamp) -> Result<Vec<Arc<str>>, EventFailed> {
        let event = decode(event).map_err(|_| EventFailed)?;
        let clock = self.executor.clock();
        let start = clock.now();
        let planning_time = (deadline - start) / 2;
        let plan = plan_until(&self.mappings, event, || clock.now() - start >= planning_time);
        let report = self.executor.run(&plan, deadline).await;
        let id = |origin| match origin {
            Origin::Message(id) => Ok(id),
            Origin::Invocation => Err(EventFailed),
        };
        report.failed.into_iter().map(id).collect()
    }
}
