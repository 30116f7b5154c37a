//! The queues of a deployment, its mappings and its log, as `dead-letters` needs them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use purge_router_aws::{
    CallError, DeadMessage, QueueState, SqsDeadLetters, aws_identity, load_patient_config, queue_state,
};
use purge_router_core::Mappings;
use purge_router_core::names::BucketName;
use purge_router_deployment::{Failures, Function, failures_since};

use super::examine::{Examined, buckets_of, examine};
use crate::args::{LettersArgs, MappingsSource};
use crate::deployment::{call_failed, read_function, source_of};
use crate::exit::Misuse;
use crate::input::shown;
use crate::mappings::{load_file_of, load_table_of_buckets, misuse, named};
use crate::print;

/// How long the log is read.
const LOG_TIME: Duration = Duration::from_secs(20);

/// What helps if a call is denied.
const RIGHTS: &str = "attach the policy that is the stack's output DeadLetterPolicyArn";

/// What a `dead-letters` command works with.
pub(super) struct Post {
    pub(super) config: SdkConfig,
    pub(super) function: Function,
    pub(super) queue: SqsDeadLetters,
    pub(super) queue_url: String,
    pub(super) source: MappingsSource,
}

/// Messages with what is known of them.
#[derive(Default)]
pub(super) struct Examination {
    pub(super) letters: Vec<Examined>,
    /// Those of the buckets that the messages are about.
    pub(super) mappings: Mappings,
    /// Why the log does not say all.
    pub(super) log_problem: Option<String>,
}

impl Post {
    pub(super) async fn open(args: &LettersArgs) -> anyhow::Result<Self> {
        let Some(name) = args.deployment.function() else {
            let help = "its settings name the queues; `aws cloudformation describe-stacks` shows it as FunctionName";
            return Err(Misuse(format!("name the function with --function or PURGE_ROUTER_FUNCTION: {help}")).into());
        };
        let config = load_patient_config().await;
        let function = read_function(&config, &name, RIGHTS).await?;
        let Some(queue_url) = function.setting("DEAD_LETTER_QUEUE_URL").map(str::to_owned) else {
            let problem = "has no setting DEAD_LETTER_QUEUE_URL; deploy this release's template";
            return Err(Misuse(format!("the function {name} {problem}")).into());
        };
        let queue = SqsDeadLetters::new(&config, &queue_url).map_err(misuse)?;
        let source = named(source_of(&args.deployment, &function)?);
        Ok(Self { config, function, queue, queue_url, source })
    }

    /// How many messages the queue has.
    pub(super) async fn state(&self) -> anyhow::Result<QueueState> {
        match queue_state(&self.config, &self.queue_url).await {
            Ok(state) => Ok(state),
            Err(error) => {
                Err(self.failed(&format!("can't read the dead-letter queue {}", self.queue_url), error).await)
            }
        }
    }

    /// The URL of the queue of new messages.
    pub(super) async fn queue_of_new_messages(&self) -> anyhow::Result<String> {
        let name = &self.function.name;
        let sources = match self.function.event_sources(&self.config).await {
            Ok(sources) => sources,
            Err(error) => return Err(self.failed(&format!("can't read what invokes {name}"), error).await),
        };
        let source = self.function.queue_of_new_messages(&sources);
        let source = source.with_context(|| {
            format!("no queue of new messages invokes {name}: purge-router doctor --function {name}")
        })?;
        Ok(source.queue_url(&self.queue_url))
    }

    /// The error for messages that can't be received.
    pub(super) async fn receive_failed(&self, error: CallError) -> anyhow::Error {
        self.failed("can't receive messages of the dead-letter queue", error).await
    }

    async fn failed(&self, what: &str, error: CallError) -> anyhow::Error {
        call_failed(&self.config, what, error, RIGHTS).await
    }

    /// Says how AWS was called, after errors that don't.
    pub(super) async fn note_caller(&self) {
        print::note(&format!("SQS was called like this: {}", aws_identity(&self.config, true).await));
    }

    /// The mappings of these buckets.
    async fn mappings(&self, buckets: BTreeSet<BucketName>) -> anyhow::Result<Mappings> {
        match &self.source {
            MappingsSource::Table(table, _) => load_table_of_buckets(&self.config, table, &[], buckets).await,
            MappingsSource::File(path, _) => {
                let loaded = load_file_of(path, &[]).await?;
                loaded.with_context(|| format!("the mapping file {} has problems", shown(path)))
            }
        }
    }

    /// Explains messages by the mappings, and by the log if it can be read.
    pub(super) async fn examine(&self, messages: Vec<DeadMessage>) -> anyhow::Result<Examination> {
        if messages.is_empty() {
            return Ok(Examination::default());
        }
        let buckets: BTreeSet<_> = messages.iter().flat_map(buckets_of).collect();
        let mappings = self.mappings(buckets).await?;
        let since = messages.iter().map(|message| message.sent_at).min().unwrap_or_default();
        let (failures, log_problem) = self.failures(since).await;
        let letters = messages.into_iter().map(|message| examine(message, &mappings, &failures)).collect();
        Ok(Examination { letters, mappings, log_problem })
    }

    async fn failures(&self, since: i64) -> (Failures, Option<String>) {
        let Some(group) = &self.function.log_group else {
            let problem = format!("the function {} has no log group of its own", self.function.name);
            return (Failures::default(), Some(problem));
        };
        match failures_since(&self.config, group, since, LOG_TIME).await {
            Ok(failures) if failures.is_complete => (failures, None),
            Ok(failures) => {
                let seconds = LOG_TIME.as_secs();
                (failures, Some(format!("the log {group} was read for {seconds} s only, so causes may be missing")))
            }
            Err(error) => {
                let problem = self.failed(&format!("can't read the log {group}, so causes are missing"), error).await;
                (Failures::default(), Some(format!("{problem:#}")))
            }
        }
    }
}
