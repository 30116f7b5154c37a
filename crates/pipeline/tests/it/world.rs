//! A mapping file, a sandbox with its zones and a token for each, and an executor that sends to it.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use purge_router_cloudflare::Client;
use purge_router_core::{Mappings, Plan, decode, plan};
use purge_router_pipeline::{Backoff, Clock, Executor, Outcome, Report, Settings, Status};
use purge_router_sandbox::{Fault, FaultKind, Received, Sandbox, SandboxToken, SandboxZone};
use purge_router_test_support::{MovedClock, until};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::store::Store;

/// More time than any purge needs that succeeds.
pub(crate) const PLENTY: Duration = Duration::from_secs(20);

/// Short waits between tries; a request timeout that a slow machine does not reach.
pub(crate) const SETTINGS: Settings = Settings {
    instances: NonZeroU32::MIN,
    retrying_instances: 0,
    request_timeout: Duration::from_secs(5),
    requests_per_zone: 8,
    backoff: Backoff { base: Duration::from_millis(20), cap: Duration::from_millis(100) },
    // Tests move the clock past it.
    open_circuit_for: Duration::from_secs(3600),
};

/// A team of the account that all teams here may share, with these zones, all of which its one mapping purges for its
/// bucket, `<name>-files`.
pub(crate) fn team(name: &str, zones: &[(&str, &str)], mapping: &str) -> String {
    let mut text =
        format!("[teams.{name}]\nowns = [\"s3://{name}-files/\"]\naccounts = [\"acacacacacacacacacacacacacacacac\"]\n");
    for (domain, lines) in zones {
        let zone_id = zone_id(domain);
        text += &format!(
            "[teams.{name}.zones.\"{domain}\"]\nzone_id = \"{zone_id}\"\nhostnames = [\"www.{domain}\"]\n{lines}\n"
        );
    }
    let domains: Vec<&str> = zones.iter().map(|(domain, _)| *domain).collect();
    text + &format!("[[teams.{name}.mappings]]\nsource = \"s3://{name}-files/\"\nzones = {domains:?}\n{mapping}\n")
}

/// The team red, with the zone red.com.
pub(crate) fn red(zone: &str, mapping: &str) -> String {
    team("red", &[("red.com", zone)], mapping)
}

/// The team blue, with the zone blue.net.
pub(crate) fn blue(zone: &str, mapping: &str) -> String {
    team("blue", &[("blue.net", zone)], mapping)
}

/// The id of a domain's zone: its bytes in hexadecimal.
pub(crate) fn zone_id(domain: &str) -> String {
    let digits: String = domain.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits:0<32.32}")
}

/// The token that a domain's zone has at first. It looks like none of Cloudflare's newer ones, which are easy to spot.
pub(crate) fn secret(domain: &str) -> String {
    format!("Sn3Rq-token-of-{domain}")
}

/// Where the store has a zone's token.
pub(crate) fn parameter(team: &str, domain: &str) -> String {
    format!("/purge-router/{team}/{domain}")
}

pub(crate) fn sandbox_token(secret: &str, domain: &str) -> SandboxToken {
    let id = "10101010101010101010101010101010".to_owned();
    SandboxToken { secret: secret.to_owned(), id, zones: vec![zone_id(domain)], ..SandboxToken::default() }
}

/// A fault of one zone.
pub(crate) fn fault(domain: &str, kind: FaultKind, times: Option<u32>) -> Fault {
    Fault { zone_id: Some(zone_id(domain)), times, ..Fault::new(kind) }
}

/// An error in Cloudflare's envelope.
pub(crate) fn status(status: u16, code: i64, retry_after: Option<u32>) -> FaultKind {
    FaultKind::Status { status, code, message: "no".to_owned(), retry_after }
}

/// A world yet to be built.
pub(crate) struct Setup {
    pub(crate) teams: String,
    pub(crate) settings: Settings,
    pub(crate) rate_limits: bool,
    pub(crate) origin: Option<String>,
    pub(crate) sandbox_zone: fn(&mut SandboxZone),
}

impl Default for Setup {
    fn default() -> Self {
        Self { teams: String::new(), settings: SETTINGS, rate_limits: false, origin: None, sandbox_zone: |_| {} }
    }
}

pub(crate) struct World {
    pub(crate) store: Store,
    mappings: Mappings,
    executor: Executor<Store>,
    sandbox: Option<Sandbox>,
    clock: MovedClock,
}

impl Setup {
    pub(crate) async fn build(self) -> World {
        let mappings = purge_router_config::from_toml(&format!("version = 1\n{}", self.teams)).unwrap();
        let store = Store::default();
        let mut builder = Sandbox::builder().rate_limits(self.rate_limits);
        for mut zone in SandboxZone::from_mappings(&mappings) {
            (self.sandbox_zone)(&mut zone);
            builder = builder.token(sandbox_token(&secret(&zone.domain), &zone.domain)).zone(zone);
        }
        for zone in mappings.zones() {
            store.set(zone.token.as_str(), &secret(zone.domain.as_str()));
        }
        if let Some(origin) = self.origin {
            builder = builder.origin(None, origin);
        }
        let sandbox = builder.start().await.unwrap();
        let clock = MovedClock::default();
        let executor = executor(&sandbox, &store, self.settings, clock.clock.clone());
        World { store, mappings, executor, sandbox: Some(sandbox), clock }
    }
}

fn executor(sandbox: &Sandbox, store: &Store, settings: Settings, clock: Clock) -> Executor<Store> {
    let client = Client::new(&sandbox.api_url()).unwrap();
    Executor::new(client, store.clone(), settings, clock)
}

impl World {
    /// A world without rate limits at Cloudflare.
    pub(crate) async fn new(teams: String) -> Self {
        Setup { teams, ..Setup::default() }.build().await
    }

    /// Moves the clock past the time for which a circuit stays open.
    pub(crate) fn pass_open_circuits(&self) {
        self.clock.advance(SETTINGS.open_circuit_for);
    }

    pub(crate) fn executor(&self) -> &Executor<Store> {
        &self.executor
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    pub(crate) async fn stop_sandbox(&mut self) {
        self.sandbox.take().unwrap().stop().await;
    }

    /// One of several instances that share the rate limits.
    pub(crate) fn instance(&self, instances: u32) -> Executor<Store> {
        let settings = Settings { instances: NonZeroU32::new(instances).unwrap(), ..SETTINGS };
        executor(self.sandbox(), &self.store, settings, Clock::system())
    }

    /// An event's whole way. The plan is leaked, which spares each test to hold it.
    pub(crate) fn plan(&self, event: &Value) -> &'static Plan {
        let event = decode(event.to_string().as_bytes()).unwrap();
        Box::leak(Box::new(plan(&self.mappings, event)))
    }

    pub(crate) async fn run(&self, event: &Value) -> Report<'static> {
        self.run_within(PLENTY, event).await
    }

    pub(crate) async fn run_within(&self, time: Duration, event: &Value) -> Report<'static> {
        run_on(&self.executor, self.plan(event), time).await
    }

    /// Runs, and checks that the deadline was kept.
    pub(crate) async fn timed(&self, time: Duration, event: &Value) -> (Report<'static>, Duration) {
        let start = Instant::now();
        let report = self.run_within(time, event).await;
        let elapsed = start.elapsed();
        assert!(elapsed < time + Duration::from_secs(1), "the deadline was {time:?}, it took {elapsed:?}");
        (report, elapsed)
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.sandbox().requests()
    }

    /// The requests to one zone.
    pub(crate) fn requests_of(&self, domain: &str) -> Vec<Received> {
        let path = format!("/client/v4/zones/{}/", zone_id(domain));
        self.requests().into_iter().filter(|request| request.path.starts_with(&path)).collect()
    }

    /// Waits until this many requests arrived.
    pub(crate) async fn arrived(&self, count: usize) {
        until(async || self.requests().len() >= count).await;
    }

    /// The items of all requests to one zone that were answered with 200, sorted.
    pub(crate) fn purged_items(&self, domain: &str) -> Vec<String> {
        let accepted = self.requests_of(domain).into_iter().filter(|request| request.status == Some(200));
        let mut purged: Vec<String> = accepted.flat_map(|request| items(&request)).collect();
        purged.sort();
        purged
    }
}

pub(crate) async fn run_on(executor: &Executor<Store>, plan: &'static Plan, time: Duration) -> Report<'static> {
    let outcomes = async { executor.run(plan, executor.clock().now() + time).await.outcomes };
    let bounded = tokio::time::timeout(time + Duration::from_secs(5), outcomes);
    Report::new(plan, bounded.await.expect("the executor ends by its deadline"))
}

pub(crate) fn body(request: &Received) -> &str {
    std::str::from_utf8(&request.body).unwrap()
}

/// The items of a request's body, whatever its field.
pub(crate) fn items(request: &Received) -> Vec<String> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let items = body.as_object().unwrap().values().next().unwrap().as_array().unwrap();
    items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

pub(crate) fn header<'r>(request: &'r Received, name: &str) -> &'r str {
    request.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// `https://www.<domain>/<key>` of each key, sorted.
pub(crate) fn urls<K: AsRef<str>>(domain: &str, keys: impl IntoIterator<Item = K>) -> Vec<String> {
    let mut urls: Vec<String> = keys.into_iter().map(|key| format!("https://www.{domain}/{}", key.as_ref())).collect();
    urls.sort();
    urls
}

/// `prefix0.css`, `prefix1.css`, …
pub(crate) fn keys(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{prefix}{index}.css")).collect()
}

/// The failed origins, as text.
pub(crate) fn failed(report: &Report<'_>) -> Vec<String> {
    report.failed.iter().map(ToString::to_string).collect()
}

pub(crate) fn statuses(report: &Report<'_>) -> Vec<Status> {
    report.outcomes.iter().map(|outcome| outcome.status).collect()
}

/// The outcomes of one zone.
pub(crate) fn outcomes_of<'r>(report: &'r Report<'_>, domain: &str) -> Vec<&'r Outcome> {
    let of_zone = |outcome: &&Outcome| report.plan.batches[outcome.batch].zone.domain.as_str() == domain;
    report.outcomes.iter().filter(of_zone).collect()
}

/// Every batch was purged, and nothing failed.
pub(crate) fn assert_all_purged(report: &Report<'_>, case: &str) {
    assert_eq!(report.outcomes.len(), report.plan.batches.len(), "{case}");
    for outcome in &report.outcomes {
        assert_eq!((outcome.status, &outcome.error, &outcome.failed), (Status::Purged, &None, &vec![]), "{case}");
    }
    assert!(report.failed.is_empty(), "{case}: {:?}", report.failed);
}

/// Runs cases side by side. A world is built outside of its case: that takes a moment in which no other case goes on.
pub(crate) async fn side_by_side<F>(cases: Vec<F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running: JoinSet<()> = cases.into_iter().collect();
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
