//! One execution environment: the function, with a clock that follows the true time but is set now and then.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use purge_router_core::Mappings;
use purge_router_lambda::{Function, MappingSource};
use purge_router_pipeline::{Clock, Executor, NoDelayQueue, Settings};
use tokio::time::{sleep, timeout};

use super::world::World;
use crate::call::{Call, Callee};
use crate::clock::SimTime;
use crate::cloudflare::SimApi;
use crate::dynamodb::{self, SimLastPurges};
use crate::event::{Event, InstanceId, MessageId, QueueName};
use crate::fault::Fault;
use crate::options::Sabotage;
use crate::random::{chance, millis};
use crate::sqs::{Received, SimRetryQueue, batch_event};
use crate::ssm::SimTokens;

/// How long before its timeout the function answers, but at most a quarter of that time.
const MARGIN: Duration = Duration::from_secs(1);

/// How often an invocation is killed in the middle.
const KILLS: f64 = 0.005;

/// By how much the wall clock of an instance may be wrong, in milliseconds. It is set back much further now and then.
const SKEW: i64 = 40;
const SET_BACK: i64 = 5000;

pub(super) struct Instance {
    pub(super) id: InstanceId,
    /// When it was started.
    pub(super) started_at: SimTime,
    /// When it was used last.
    pub(super) used_at: SimTime,
    /// How long it is kept without being used.
    pub(super) kept_for: Duration,
    function: Function<SimTokens, SimApi, SimRetryQueue, NoDelayQueue, SimLastPurges>,
    clock: Clock,
    skew_millis: Arc<AtomicI64>,
    rng: Rng,
    /// How many invocations it has answered.
    invocations: usize,
}

/// How an invocation ended.
pub(super) enum End {
    /// These messages failed.
    Answered(Vec<MessageId>),
    /// There was no answer, and the instance is gone.
    Killed,
}

impl Instance {
    pub(super) fn start(id: InstanceId, world: &World) -> Self {
        let mut rng = world.scenario.seed.stream("instance", id);
        let skew_millis = Arc::new(AtomicI64::new(rng.i64(-SKEW..=SKEW)));
        let (true_time, skew) = (world.clock.clone(), Arc::clone(&skew_millis));
        let wall_time = move || {
            let now = true_time.wall_time();
            let skew = skew.load(Ordering::Relaxed);
            let by = Duration::from_millis(skew.unsigned_abs());
            if skew < 0 { now - by } else { now + by }
        };
        let clock = Clock::with_wall_time(wall_time);
        let tokens = SimTokens::new(Arc::clone(&world.ssm));
        let api = SimApi(Arc::clone(&world.cloudflare));
        let deployment = world.scenario.deployment;
        let retry_queue = SimRetryQueue::new(&world.retry_queue, world.options, world.scenario.seed, id);
        let retry_queue = Some(retry_queue).filter(|_| deployment.has_retry_queue);
        let table = world.scenario.table.as_ref().and_then(|_| dynamodb::mappings(&world.database, &clock));
        let mappings = match table {
            Some(table) => MappingSource::Table(table),
            None => MappingSource::File(Mappings::clone(&world.scenario.mappings)),
        };
        let executor = Executor::new(api, tokens, settings(world), clock.clone());
        let last_purges = SimLastPurges::new(&world.last_purges, &world.trace, world.options, world.scenario.seed, id);
        let last_purges = Some(last_purges).filter(|_| deployment.has_last_purges);
        let function = Function::new(mappings, executor, retry_queue).with_last_purges(last_purges);
        let kept_for = Duration::from_secs(rng.u64(300..=900));
        let (started_at, used_at) = (world.clock.now(), world.clock.now());
        Self { id, started_at, used_at, kept_for, function, clock, skew_millis, rng, invocations: 0 }
    }

    /// Handles messages of a queue.
    pub(super) async fn invoke(&mut self, world: &World, queue: QueueName, messages: &[Received]) -> End {
        self.set_wall_clock(world);
        let (instance, time_limit, allowed) = (self.id, world.scenario.deployment.timeout, allowed(world));
        world.trace.note(Event::Invoked { instance, queue, messages: messages.len() });
        let start = world.clock.now();
        let deadline = self.clock.now() + allowed;
        let event = batch_event(queue, messages);
        let handle = async {
            let response = self.function.handle(&event, deadline).await.ok();
            world.trace.note_call(|| Call::new(Callee::Caller, messages.len(), allowed, &response));
            let failed = response.map(|response| response.batch_item_failures);
            let failed = failed.map(|failed| failed.into_iter().map(|failure| failure.item_identifier).collect());
            if world.options.sabotage == Some(Sabotage::AnswersAreLate) && instance.is_multiple_of(3) {
                sleep(allowed + Duration::from_millis(500)).await;
            }
            failed
        };
        let killed_after =
            (world.options.chaos && chance(&mut self.rng, KILLS)).then(|| millis(&mut self.rng, 0..=400));
        let Ok(response) = timeout(killed_after.unwrap_or(time_limit), handle).await else {
            world.trace.note(Event::Killed { instance, is_timeout: killed_after.is_none() });
            return End::Killed;
        };
        let failed = failed(world, messages, response);
        let took = world.clock.now() - start;
        world.trace.note(Event::Answered { instance, failed: failed.len(), took, allowed });
        self.report_caches(world);
        End::Answered(failed)
    }

    /// Handles an event that is from no queue, and is not retried.
    pub(super) async fn invoke_directly(&mut self, world: &World, event: &str) {
        let allowed = allowed(world);
        let deadline = self.clock.now() + allowed;
        let response = self.function.respond(event.as_bytes(), deadline).await;
        let response = response.map_err(|error| error.to_string());
        world.trace.note_call(|| Call::new(Callee::Caller, 1, allowed, &response));
        self.report_caches(world);
    }

    fn report_caches(&mut self, world: &World) {
        let mut sizes = self.function.cache_sizes();
        self.invocations += 1;
        if world.options.sabotage == Some(Sabotage::CachesGrow) {
            sizes.zone_circuits *= self.invocations;
        }
        world.trace.note(Event::Cached { instance: self.id, sizes });
    }

    /// While it was frozen, its wall clock may have been set.
    fn set_wall_clock(&mut self, world: &World) {
        if !world.options.chaos {
            return;
        }
        match self.rng.u32(0..20) {
            0 => _ = self.skew_millis.fetch_sub(self.rng.i64(0..=SET_BACK), Ordering::Relaxed),
            1 => self.skew_millis.store(self.rng.i64(-SKEW..=SKEW), Ordering::Relaxed),
            _ => return,
        }
        world.trace.note(Event::Injected { fault: Fault::ClockSet });
    }
}

/// How long an invocation has for its answer.
fn allowed(world: &World) -> Duration {
    let timeout = world.scenario.deployment.timeout;
    timeout - MARGIN.min(timeout / 4)
}

fn settings(world: &World) -> Settings {
    if matches!(world.options.sabotage, Some(Sabotage::SharesAreNotKept | Sabotage::LimitsAreNotKept)) {
        return Settings::default();
    }
    let number = |instances| u32::try_from(instances).unwrap_or(u32::MAX);
    let instances = NonZeroU32::new(number(world.scenario.instances)).unwrap_or(NonZeroU32::MIN);
    let retrying = if world.scenario.deployment.has_retry_queue { world.scenario.lane_concurrency } else { 0 };
    Settings { instances, retrying_instances: number(retrying), ..Settings::default() }
}

/// The failed messages: those that the response names, or all of them.
fn failed(world: &World, messages: &[Received], response: Option<Vec<String>>) -> Vec<MessageId> {
    match response {
        _ if world.options.sabotage == Some(Sabotage::FailuresAreHidden) => Vec::new(),
        Some(ids) => ids.iter().filter_map(|id| id.strip_prefix("m-")?.parse().ok()).collect(),
        None => messages.iter().map(|message| message.id).collect(),
    }
}
