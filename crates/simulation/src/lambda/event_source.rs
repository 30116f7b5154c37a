//! The event source of one queue: some pollers, each of which collects a batch, invokes the function, and deletes what
//! is done.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::fleet::{Fleet, INVOKE_DELAY};
use crate::clock::SimClock;
use crate::cloudflare::Cloudflare;
use crate::random::{Seed, millis};
use crate::scenario::Scenario;
use crate::sqs::{Queue, Received, change_of_body};

/// The settings of an event source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventSourceSettings {
    /// How many invocations run at once.
    pub(crate) concurrency: usize,
    pub(crate) batch_size: usize,
    pub(crate) window: Duration,
}

/// The event source of one queue.
pub(crate) struct EventSource {
    pub(crate) settings: EventSourceSettings,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) clock: SimClock,
    pub(crate) queue: Arc<Queue>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) cloudflare: Arc<Cloudflare>,
}

impl EventSource {
    /// Starts the pollers. They never end.
    pub(crate) fn start(self, seed: Seed) -> Vec<JoinHandle<()>> {
        let source = Arc::new(self);
        let queue = source.queue.settings.name as usize;
        let poller = |number| {
            let (source, rng) = (Arc::clone(&source), seed.stream("poller", queue * 1000 + number));
            tokio::spawn(async move { source.poll(rng).await })
        };
        (0..source.settings.concurrency).map(poller).collect()
    }

    async fn poll(&self, mut rng: Rng) {
        loop {
            let batch = self.collect(&mut rng).await;
            if batch.is_empty() {
                continue;
            }
            sleep(INVOKE_DELAY).await;
            let queue = self.queue.settings.name;
            let Some(failed) = self.fleet.invoke(queue, &batch).await else { continue };
            for message in batch.iter().filter(|message| !failed.contains(&message.id)) {
                self.queue.delete(message.id);
                self.visit(message);
            }
        }
    }

    /// Collects messages until the window is over or the batch is full.
    async fn collect(&self, rng: &mut Rng) -> Vec<Received> {
        let mut batch = Vec::new();
        let mut end = None;
        loop {
            match end {
                None => self.queue.wait_for_message().await,
                Some(end) => _ = tokio::time::timeout(end - self.clock.now(), self.queue.wait_for_message()).await,
            }
            sleep(millis(rng, 5..=20)).await;
            batch.extend(self.queue.receive(self.settings.batch_size - batch.len()));
            let end = *end.get_or_insert(self.clock.now() + self.settings.window);
            if batch.len() >= self.settings.batch_size || self.clock.now() >= end {
                return batch;
            }
        }
    }

    /// A visitor looks at what was just purged.
    fn visit(&self, message: &Received) {
        if let Some(change) = change_of_body(&message.body) {
            self.scenario.urls_of(change).for_each(|url| self.cloudflare.visit(url));
        }
    }
}
