//! Runs one scenario: queues, event sources, the function's instances and the sandbox, under load.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use purge_router_core::Mappings;
use purge_router_sandbox::{Fault, FaultKind, Received, Sandbox, zone_secret};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::aws_endpoint::AwsEndpoint;
use crate::event_source::{EventSource, SourceSettings};
use crate::function::Function;
use crate::instance::InstanceSettings;
use crate::load;
use crate::queue::{BatchLimit, Queue, QueueSettings};
use crate::scenario::{Scenario, Team, mapping_file};

const MAIN_QUEUE: &str = "purge-router";
const RETRY_QUEUE: &str = "purge-router-retry";

/// The concurrent invocations of each queue: the template's default.
const MAX_CONCURRENCY: usize = 2;

/// How long Cloudflare takes for every answer.
const LATENCY_MILLISECONDS: u64 = 50;

/// How long the last healthy changes are waited for after the load has ended.
const DRAIN_TIME: Duration = Duration::from_secs(120);

/// How it is run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) bootstrap: String,
    pub(crate) seed: u64,
    pub(crate) load_time: Duration,
    /// Where the function's logs are written.
    pub(crate) logs: Option<PathBuf>,
}

/// What was measured.
#[derive(Debug, Clone)]
pub(crate) struct Measurement {
    /// From the send of each healthy change to the arrival of the request that Cloudflare accepted, sorted. For those
    /// that were never purged, to the end: they waited for at least so long.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) healthy_not_purged: usize,
    pub(crate) invocations: usize,
    pub(crate) instances: usize,
    pub(crate) sick_requests: usize,
    pub(crate) deferred: usize,
    pub(crate) dead_letters: usize,
    /// Messages that were still in a queue when the last healthy change was purged. Its own invocation may still run.
    pub(crate) left: usize,
}

/// Runs a scenario.
pub(crate) async fn measure(scenario: &Scenario, options: &Options) -> Result<Measurement, Box<dyn Error>> {
    let teams = scenario.teams();
    let folder = tempfile::tempdir()?;
    let mapping_path = folder.path().join("mappings.toml");
    std::fs::write(&mapping_path, mapping_file(&teams))?;
    let mappings = purge_router_config::from_toml(&mapping_file(&teams))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let sandbox = sandbox(&teams, &mappings).await?;

    let (main, retry) = (queue(5), queue(1000));
    let aws = AwsEndpoint::start(
        [(MAIN_QUEUE, Arc::clone(&main)), (RETRY_QUEUE, Arc::clone(&retry))].into(),
        mappings.zones().map(|zone| (zone.token.to_string(), zone_secret(zone))).collect(),
    )
    .await?;
    let mut variables = variables(&aws, &sandbox);
    variables.push(("MAPPINGS_FILE", mapping_path.display().to_string()));
    if scenario.retries_apart {
        variables.push(("RETRY_QUEUE_URL", aws.queue_url(RETRY_QUEUE)));
        variables.push(("RETRY_CONCURRENCY", MAX_CONCURRENCY.to_string()));
    }
    let function = Arc::new(function(scenario, options, variables));

    // Dropped at the end, which ends the event sources and their invocations.
    let mut running = JoinSet::new();
    let sources = [(MAIN_QUEUE, &main), (RETRY_QUEUE, &retry)].map(|(name, queue)| {
        let source = Arc::new(EventSource::new(source_settings(name), Arc::clone(queue), Arc::clone(&function)));
        running.spawn(Arc::clone(&source).run());
        source
    });
    let changes = load::changes(options.seed, &teams, options.load_time);
    let sent = load::send(changes, Arc::clone(&main)).await;
    let requests = drain(&sandbox, &sent, &teams).await;
    let purged = purged(&requests, &teams, sandbox.started().into());
    Ok(Measurement {
        healthy_not_purged: sent.len() - purged.len(),
        latencies: latencies(&sent, &purged),
        invocations: sources.iter().map(|source| source.invocations()).sum(),
        instances: function.instances(),
        sick_requests: sick_requests(&requests, &teams),
        deferred: aws.sent(),
        dead_letters: main.dead_letters() + retry.dead_letters(),
        left: main.len() + retry.len(),
    })
}

/// The function, with the template's timeout.
fn function(scenario: &Scenario, options: &Options, variables: Vec<(&'static str, String)>) -> Function {
    let program = options.bootstrap.clone();
    let settings = InstanceSettings { program, variables, timeout: Duration::from_secs(30) };
    let log = options.logs.as_ref().map(|folder| folder.join(format!("{}.log", scenario.name)));
    Function::new(settings, log)
}

/// A sandbox with these zones, in which the sick ones are sick.
async fn sandbox(teams: &[Team], mappings: &Mappings) -> Result<Sandbox, Box<dyn Error>> {
    let sandbox = Sandbox::builder().mappings(mappings).start().await?;
    sandbox.add_fault(Fault::new(FaultKind::Delay { milliseconds: LATENCY_MILLISECONDS }));
    let tokens: BTreeMap<&str, String> =
        mappings.zones().map(|zone| (zone.zone_id.as_str(), zone_secret(zone))).collect();
    for team in teams {
        team.infect(&sandbox, &tokens[team.zone_id().as_str()]);
    }
    Ok(sandbox)
}

/// A queue with the template's visibility timeout.
fn queue(max_receives: u32) -> Arc<Queue> {
    Arc::new(Queue::new(QueueSettings { visibility_timeout: Duration::from_secs(240), max_receives }))
}

/// The template's defaults.
fn source_settings(queue: &str) -> SourceSettings {
    SourceSettings {
        arn: format!("arn:aws:sqs:eu-west-1:123456789012:{queue}"),
        max_concurrency: MAX_CONCURRENCY,
        window: Duration::from_secs(1),
        limit: BatchLimit { messages: 1000, bytes: 6 << 20 },
    }
}

fn variables(aws: &AwsEndpoint, sandbox: &Sandbox) -> Vec<(&'static str, String)> {
    let fixed = [
        ("AWS_LAMBDA_FUNCTION_NAME", "purge-router"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let mut variables: Vec<_> = fixed.map(|(name, value)| (name, value.to_owned())).into();
    variables.push(("MAX_CONCURRENCY", MAX_CONCURRENCY.to_string()));
    variables.push(("CLOUDFLARE_BASE_URL", sandbox.api_url()));
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_SSM"] {
        variables.push((name, aws.url.clone()));
    }
    variables
}

/// Waits until every healthy change is purged, or for the drain time. Returns all requests to Cloudflare.
async fn drain(sandbox: &Sandbox, sent: &HashMap<String, Instant>, teams: &[Team]) -> Vec<Received> {
    let end = Instant::now() + DRAIN_TIME;
    loop {
        let requests = sandbox.requests();
        let purged = purged(&requests, teams, sandbox.started().into());
        if Instant::now() >= end || sent.keys().all(|url| purged.contains_key(url)) {
            return requests;
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// When each URL of a healthy team was first purged: the arrival of the request that Cloudflare accepted.
fn purged(requests: &[Received], teams: &[Team], started: Instant) -> HashMap<String, Instant> {
    let healthy: Vec<String> = teams.iter().filter(|team| team.sickness.is_none()).map(zone_path).collect();
    let mut purged = HashMap::new();
    for request in requests {
        if request.status != Some(200) || !healthy.iter().any(|path| request.path.starts_with(path)) {
            continue;
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        for url in body["files"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            purged.entry(url.to_owned()).or_insert(started + request.at);
        }
    }
    purged
}

/// The time from the send of each healthy change to its purge, or until now, sorted.
fn latencies(sent: &HashMap<String, Instant>, purged: &HashMap<String, Instant>) -> Vec<Duration> {
    let now = Instant::now();
    let latency =
        |(url, sent_at): (&String, &Instant)| purged.get(url).unwrap_or(&now).saturating_duration_since(*sent_at);
    let mut latencies: Vec<Duration> = sent.iter().map(latency).collect();
    latencies.sort_unstable();
    latencies
}

/// How many requests were for zones of sick teams.
fn sick_requests(requests: &[Received], teams: &[Team]) -> usize {
    let sick: Vec<String> = teams.iter().filter(|team| team.sickness.is_some()).map(zone_path).collect();
    requests.iter().filter(|request| sick.iter().any(|path| request.path.starts_with(path))).count()
}

/// What the paths of all requests for the team's zone begin with.
fn zone_path(team: &Team) -> String {
    format!("/client/v4/zones/{}/", team.zone_id())
}
