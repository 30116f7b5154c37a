//! The queues of a deployment, its mappings and its log, as `dead-letters` needs them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use purge_router_aws::{DeadMessage, QueueState, SqsDeadLetters, load_patient_config, queue_state};
use purge_router_deployment::{Failures, Function, failures_since};

use super::examine::{Examined, buckets_of, examine};
use crate::args::LettersArgs;
use crate::deployment::MappingsSource;
use crate::exit::Misuse;
use crate::mappings::misuse;

/// How long the log is read.
const LOG_TIME: Duration = Duration::from_secs(20);

/// What a `dead-letters` command works with.
pub(super) struct Post {
    pub(super) config: SdkConfig,
    pub(super) function: Function,
    pub(super) queue: SqsDeadLetters,
    pub(super) queue_url: String,
    pub(super) source: MappingsSource,
}

/// Messages with what is known of them.
pub(super) struct Examination {
    pub(super) letters: Vec<Examined>,
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
        let function = Function::read(&config, &name).await;
        let function = function.with_context(|| format!("can't read the settings of the function {name}"))?;
        let Some(queue_url) = function.setting("DEAD_LETTER_QUEUE_URL").map(str::to_owned) else {
            let problem = "has no setting DEAD_LETTER_QUEUE_URL; deploy this release's template";
            return Err(Misuse(format!("the function {name} {problem}")).into());
        };
        let queue = SqsDeadLetters::new(&config, &queue_url).map_err(misuse)?;
        let source = MappingsSource::of(&args.deployment, Some(&function));
        Ok(Self { config, function, queue, queue_url, source })
    }

    /// How many messages the queue has.
    pub(super) async fn state(&self) -> anyhow::Result<QueueState> {
        let state = queue_state(&self.config, &self.queue_url).await;
        state.with_context(|| format!("can't read the dead-letter queue {}", self.queue_url))
    }

    /// The URL of the queue of new messages.
    pub(super) async fn queue_of_new_messages(&self) -> anyhow::Result<String> {
        let sources = self.function.event_sources(&self.config).await;
        let sources = sources.with_context(|| format!("can't read what invokes {}", self.function.name))?;
        let source = self.function.queue_of_new_messages(&sources);
        let source = source.with_context(|| format!("no queue of new messages invokes {}", self.function.name))?;
        Ok(source.queue_url(&self.queue_url))
    }

    /// Explains messages by the mappings, and by the log if it can be read.
    pub(super) async fn examine(&self, messages: Vec<DeadMessage>) -> anyhow::Result<Examination> {
        if messages.is_empty() {
            return Ok(Examination { letters: Vec::new(), log_problem: None });
        }
        let buckets: BTreeSet<_> = messages.iter().flat_map(buckets_of).collect();
        let mappings = self.source.of_buckets(&self.config, buckets).await?;
        let since = messages.iter().map(|message| message.sent_at).min().unwrap_or_default();
        let (failures, log_problem) = self.failures(since).await;
        let letters = messages.into_iter().map(|message| examine(message, &mappings, &failures)).collect();
        Ok(Examination { letters, log_problem })
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
            Err(error) => (Failures::default(), Some(format!("can't read the log {group}: {error}"))),
        }
    }
}
