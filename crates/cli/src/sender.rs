//! Sends plans through the pipeline, to Cloudflare or to a sandbox in this process.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use purge_router_aws::aws_identity;
use purge_router_core::{Mappings, Plan};
use purge_router_pipeline::{Clock, DelayQueue, Executor, Outcome, Report, Settings, Status, queue_second_purges};
use purge_router_sandbox::Sandbox;

use crate::args::SendingArgs;
use crate::environment::{client_of, cloudflare_client};
use crate::print::Progress;
use crate::token_source::TokenSource;
use crate::watched_client::{SharedProgress, WatchedClient};
use crate::{print, shutdown};

/// The pipeline of the command, with its token source.
pub(crate) struct Sender {
    executor: Executor<TokenSource, WatchedClient>,
    progress: SharedProgress,
    deadline: Duration,
    /// AWS's settings, if SSM has the tokens.
    aws: Option<SdkConfig>,
    /// Runs until the sender is dropped.
    _sandbox: Option<Sandbox>,
}

impl Sender {
    /// The pipeline for a plan.
    ///
    /// # Errors
    /// The plan has batches, and no token can be read, because AWS's settings are missing or not accepted.
    pub(crate) async fn new(args: &SendingArgs, mappings: &Mappings, plan: &Plan) -> anyhow::Result<Self> {
        let (client, tokens, sandbox) = if args.sandbox {
            let sandbox = Sandbox::builder().mappings(mappings).start().await.context("can't start the sandbox")?;
            print::note(&format!("sandbox: nothing leaves this machine ({})", sandbox.api_url()));
            (client_of(&sandbox.api_url())?, TokenSource::of_sandbox(mappings), Some(sandbox))
        } else {
            (cloudflare_client()?, TokenSource::from_environment()?, None)
        };
        let aws = match plan.batches.first() {
            Some(batch) => tokens.check_settings(&batch.zone).await?,
            None => None,
        };
        let progress = SharedProgress::default();
        let client = WatchedClient::new(client, Arc::clone(&progress));
        let executor = Executor::new(client, tokens, Settings::default(), Clock::system());
        Ok(Self { executor, progress, deadline: Duration::from_secs(args.deadline), aws, _sandbox: sandbox })
    }

    /// Sends a plan, until a signal stops it.
    pub(crate) async fn send<'p>(&self, plan: &'p Plan) -> Report<'p> {
        let stop = async {
            shutdown::requested().await;
        };
        let deadline = self.executor.clock().now() + self.deadline;
        self.set_progress(Some(Progress::new("sending batches", plan.batches.len() as u64)));
        let advance = |_: &Outcome| self.advance();
        let report = shutdown::reporting(self.executor.run_until(plan, deadline, stop, advance)).await;
        self.set_progress(None);
        if let Some(aws) = &self.aws
            && report.outcomes.iter().any(|outcome| outcome.status == Status::TokenMissing)
        {
            print::note(&format!("SSM was called like this: {}", aws_identity(aws, true).await));
        }
        report
    }

    fn set_progress(&self, progress: Option<Progress>) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    fn advance(&self) {
        if let Some(progress) = &*self.progress.lock().unwrap_or_else(PoisonError::into_inner) {
            progress.advance(1);
        }
    }

    /// Puts the second purges of what was purged into a queue in memory.
    pub(crate) async fn queue_second_purges(&self, queue: &impl DelayQueue, report: Report<'_>) {
        let clock = self.executor.clock();
        queue_second_purges(Some(queue), report, clock, clock.now() + self.deadline).await;
    }
}
