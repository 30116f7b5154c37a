//! Executes a plan: its zones concurrently, and the batches of a zone concurrently.

use std::collections::BTreeMap;

use futures_util::stream::{FuturesUnordered, StreamExt};
use purge_router_cloudflare::Client;
use purge_router_core::names::{Hostname, TeamName};
use purge_router_core::{Batch, Plan};

use crate::api::PurgeApi;
use crate::cache_sizes::CacheSizes;
use crate::clock::Clock;
use crate::outcome::Outcome;
use crate::patience::Patience;
use crate::report::Report;
use crate::sender::ZoneSender;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::store::TokenStore;
use crate::{log, metrics};

/// Executes plans. It can be shared, and should live as long as its process, because what it knows about rate limits,
/// tokens and hostnames outlives a plan.
#[derive(Debug)]
pub struct Executor<T, A = Client>(Shared<T, A>);

impl<T: TokenStore, A: PurgeApi> Executor<T, A> {
    /// An executor that sends to this API with tokens from this store.
    pub fn new(api: A, tokens: T, settings: Settings, clock: Clock) -> Self {
        Self(Shared::new(api, tokens, settings, clock))
    }

    /// The clock of the deadlines.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// How much is remembered for later plans.
    pub fn cache_sizes(&self) -> CacheSizes {
        self.0.cache_sizes()
    }

    /// Executes a plan, logs and counts its records and outcomes, and reports.
    pub async fn run<'p>(&self, plan: &'p Plan, patience: impl Into<Patience>) -> Report<'p> {
        self.run_until(plan, patience, std::future::pending(), |_| ()).await
    }

    /// Like [`Executor::run`], until `stop` ends: batches that have not ended by then have no outcome. Each outcome is shown to
    /// `on_outcome` when its batch ends.
    pub async fn run_until<'p>(
        &self,
        plan: &'p Plan,
        patience: impl Into<Patience>,
        stop: impl Future<Output = ()>,
        on_outcome: impl FnMut(&Outcome),
    ) -> Report<'p> {
        let start = self.0.clock.now();
        log::records(plan);
        let report = Report::new(plan, self.execute(plan, patience, stop, on_outcome).await);
        metrics::count_event(plan, &report.outcomes);
        log::event(&report, self.0.clock.now() - start);
        report
    }

    /// Sends every batch. What is not purged at the deadline has failed. One outcome per batch that ended, in the plan's
    /// order.
    async fn execute(
        &self,
        plan: &Plan,
        patience: impl Into<Patience>,
        stop: impl Future<Output = ()>,
        on_outcome: impl FnMut(&Outcome),
    ) -> Vec<Outcome> {
        let patience = patience.into();
        let _running = self.0.limits.share().run(patience.work);
        let mut zones: BTreeMap<(&TeamName, &Hostname), Vec<(usize, &Batch)>> = BTreeMap::new();
        for (index, batch) in plan.batches.iter().enumerate() {
            zones.entry((&batch.zone.team, &batch.zone.domain)).or_default().push((index, batch));
        }
        let senders: Vec<_> = zones
            .into_values()
            .filter_map(|batches| {
                let (_, first) = batches.first()?;
                Some((ZoneSender::new(&self.0, &first.zone, patience), batches))
            })
            .collect();
        let sending = senders
            .iter()
            .flat_map(|(sender, batches)| batches.iter().map(|(index, batch)| sender.send(*index, batch)));
        let ended = sending.collect::<FuturesUnordered<_>>().take_until(stop).inspect(on_outcome);
        let mut outcomes: Vec<Outcome> = ended.collect().await;
        outcomes.sort_by_key(|outcome| outcome.batch);
        outcomes
    }
}
