//! Runs one seed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use purge_router_test_support::LastPurgesInMemory;

use crate::clock::{SimClock, SimTime};
use crate::cloudflare::{Cloudflare, WARM_AFTER};
use crate::dynamodb::DynamoDb;
use crate::event::{Event, QueueName};
use crate::fault::Fault;
use crate::lambda::{EventSource, EventSourceSettings, Fleet, World};
use crate::options::{Options, Sabotage};
use crate::random::chance;
use crate::report::RunReport;
use crate::scenario::{ChangeId, ObjectId, Scenario};
use crate::sqs::{MessageIds, Queue, QueueSettings, malformed_body, notification};
use crate::ssm::Ssm;
use crate::trace::{Trace, TraceEnd};

/// The main queue, as the template has it.
const MAIN: QueueSettings =
    QueueSettings { name: QueueName::Main, visibility_timeout: Duration::from_secs(240), max_receives: 5 };
const SOURCE: EventSourceSettings =
    EventSourceSettings { concurrency: 2, batch_size: 1000, window: Duration::from_secs(1) };

/// The queue of what could not be purged at once.
const RETRY: QueueSettings =
    QueueSettings { name: QueueName::Retry, visibility_timeout: Duration::from_secs(240), max_receives: 1000 };

/// How long after the last upload all messages must be done or dead letters.
const DRAINED_AFTER: Duration = Duration::from_secs(48 * 3600);

/// A pause of the uploads that is longer may be a freeze of all instances.
const FREEZES_FROM: Duration = Duration::from_secs(60);

/// A notification that takes this long is counted as late.
const LATE: Duration = Duration::from_secs(1);

/// Runs a scenario, in a runtime with one thread whose clock is paused. The caller seeds nothing: every random number
/// of the run, the pipeline's included, comes from the scenario's seed.
pub async fn run(scenario: Arc<Scenario>, options: Options) -> RunReport {
    // The pipeline's backoff draws from the thread's generator.
    fastrand::seed(scenario.seed.0);
    let simulation = Simulation::start(&scenario, options);
    simulation.upload().await;
    simulation.drain().await;
    simulation.end()
}

struct Simulation {
    scenario: Arc<Scenario>,
    options: Options,
    clock: SimClock,
    trace: Arc<Trace>,
    cloudflare: Arc<Cloudflare>,
    main: Arc<Queue>,
    retry: Arc<Queue>,
    fleet: Arc<Fleet>,
}

/// Something that happens outside of the function at its time.
enum Step {
    Upload(ChangeId),
    Notify(ChangeId),
    Malformed,
    /// A message about no single upload.
    Message(Arc<str>),
    /// An event that is passed to the function.
    Direct(Arc<str>),
}

impl Simulation {
    fn start(scenario: &Arc<Scenario>, options: Options) -> Self {
        let clock = SimClock::new();
        let trace = Arc::new(Trace::new(clock.clone(), scenario, options.keep_trace));
        let cloudflare = Arc::new(Cloudflare::new(scenario, &clock, &trace, options));
        let ids = MessageIds::default();
        let queue =
            |settings| Arc::new(Queue::new(settings, options.noise_seed(scenario.seed), options, &ids, &clock, &trace));
        let few = RETRY.max_receives.min(if options.sabotage == Some(Sabotage::RetriesAreFew) { 5 } else { u32::MAX });
        let (main, retry) = (queue(MAIN), queue(QueueSettings { max_receives: few, ..RETRY }));
        let fleet = Arc::new(Fleet::new(World {
            scenario: Arc::clone(scenario),
            options,
            clock: clock.clone(),
            trace: Arc::clone(&trace),
            cloudflare: Arc::clone(&cloudflare),
            ssm: Arc::new(Ssm::new(scenario, &clock, &trace, options.sabotage)),
            database: Arc::new(DynamoDb::new(scenario, &clock, &trace, options)),
            retry_queue: Arc::clone(&retry),
            last_purges: LastPurgesInMemory::default(),
        }));
        for queue in [&main, &retry] {
            let source = EventSource {
                settings: EventSourceSettings { concurrency: scenario.lane_concurrency, ..SOURCE },
                scenario: Arc::clone(scenario),
                clock: clock.clone(),
                queue: Arc::clone(queue),
                fleet: Arc::clone(&fleet),
                cloudflare: Arc::clone(&cloudflare),
            };
            source.start(options.noise_seed(scenario.seed));
        }
        Self { scenario: Arc::clone(scenario), options, clock, trace, cloudflare, main, retry, fleet }
    }

    /// Lets everything happen that the scenario holds.
    async fn upload(&self) {
        let mut rng = self.scenario.seed.stream("freezes", 0);
        let mut changed_at = vec![SimTime::default(); self.scenario.uploads.len()];
        for (at, step) in self.steps() {
            while self.clock.now() < at {
                let left = at - self.clock.now();
                let may_freeze = left > FREEZES_FROM && self.is_idle();
                if may_freeze && chance(&mut rng, 0.2) {
                    self.clock.skip(left - Duration::from_secs(1));
                    self.trace.note(Event::Injected { fault: Fault::Frozen });
                }
                self.clock.sleep_until(at.min(self.clock.now() + Duration::from_secs(20))).await;
            }
            match step {
                Step::Upload(change) => {
                    changed_at[change] = self.clock.now();
                    self.cloudflare.change(self.scenario.uploads[change].object);
                    self.trace.note(Event::Uploaded { change });
                }
                Step::Notify(change) => {
                    if self.scenario.uploads[change].notified_after >= LATE {
                        self.trace.note(Event::Injected { fault: Fault::LateNotification });
                    }
                    self.main.send(notification(&self.scenario, change, changed_at[change]), Some(change));
                }
                Step::Malformed => {
                    self.trace.note(Event::Injected { fault: Fault::Malformed });
                    self.main.send(malformed_body(), None);
                }
                Step::Message(body) => self.main.send(body, None),
                Step::Direct(event) => {
                    let fleet = Arc::clone(&self.fleet);
                    tokio::spawn(async move { fleet.invoke_directly(&event).await });
                }
            }
        }
    }

    /// What happens, in the order of its time.
    fn steps(&self) -> Vec<(SimTime, Step)> {
        let mut steps = Vec::new();
        for (change, upload) in self.scenario.uploads.iter().enumerate() {
            if self.options.sick_teams || self.scenario.is_healthy(self.scenario.team_of(change)) {
                steps.push((upload.at, Step::Upload(change)));
                steps.push((upload.at + upload.notified_after, Step::Notify(change)));
            }
        }
        if self.options.sick_teams {
            steps.extend(self.scenario.malformed.iter().map(|at| (*at, Step::Malformed)));
        }
        steps.extend(self.scenario.messages.iter().map(|(at, body)| (*at, Step::Message(Arc::clone(body)))));
        steps.extend(self.scenario.direct_events.iter().map(|(at, event)| (*at, Step::Direct(Arc::clone(event)))));
        steps.sort_by_key(|(at, _)| *at);
        steps
    }

    /// Waits until everything is purged, and a bit longer for the edge's fetches.
    async fn drain(&self) {
        // What is broken on purpose may never end.
        let longest = if self.options.sabotage.is_some() { FREEZES_FROM } else { DRAINED_AFTER };
        let until = self.clock.now() + longest;
        while !self.is_drained() && self.clock.now() < until {
            self.clock.sleep_until(self.clock.now() + Duration::from_secs(60)).await;
        }
        self.clock.sleep_until(self.clock.now() + WARM_AFTER).await;
    }

    fn is_drained(&self) -> bool {
        self.main.is_empty() && self.retry.is_empty()
    }

    fn is_idle(&self) -> bool {
        self.main.is_empty() && self.retry.is_empty() && self.fleet.is_frozen()
    }

    fn end(self) -> RunReport {
        let changed: BTreeSet<ObjectId> = self.scenario.uploads.iter().map(|upload| upload.object).collect();
        let urls = changed.into_iter().flat_map(|object| self.scenario.objects[object].urls.clone());
        urls.for_each(|url| self.cloudflare.visit(url));
        let TraceEnd { hash, events, kept, violations, figures, healthy_times } = self.trace.end();
        let (seed, simulated) = (self.scenario.seed, self.clock.now().elapsed());
        RunReport { seed, hash, events, simulated, violations, healthy_times, figures, trace: kept }
    }
}
