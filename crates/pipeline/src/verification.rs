//! Verifies purges: queues a sample of what was purged, fetches its URLs at the edge when they come back, and names what is
//! still served from before. Decision 44 says why it is done in this way.

mod allowed_hosts;
mod pace;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use purge_router_cloudflare::redact;
use purge_router_core::names::TeamName;
use purge_router_core::{
    EdgeCheck, EdgeResponse, Item, Judgment, Plan, Remember, Sample, TeamObject, Verdict, batches,
};

pub use self::allowed_hosts::{AllowedHosts, NotAHostPattern};
use self::pace::Pace;
use crate::clock::{Clock, Timestamp};
use crate::delay_queue::{DelayQueue, Delayed};
use crate::edge::Edge;
use crate::metrics;
use crate::report::Report;

/// How long after its purge a URL is fetched. Cloudflare needs less than a second; a fetch that was under way during the
/// purge has had time to end, and be cached.
const VERIFY_AFTER: Duration = Duration::from_secs(10);

/// The longest that an event waits for the delay queue.
const QUEUEING_TIME: Duration = Duration::from_secs(2);

/// The longest that an event waits for the edge: its instance takes no other messages meanwhile.
const CHECKING_TIME: Duration = Duration::from_secs(3);

/// How many URLs are fetched for one event, all at once, so that a host that hangs delays no other.
const CHECKS_PER_EVENT: usize = 20;

/// How many URLs an instance fetches in a second.
const CHECKS_PER_SECOND: usize = 20;

/// Verifies purges of the hosts that the operator allows.
#[derive(Debug)]
pub struct Verifier<E> {
    edge: E,
    hosts: AllowedHosts,
    pace: Pace,
}

impl<E: Edge> Verifier<E> {
    /// A verifier that asks this edge for URLs of these hosts.
    pub fn new(edge: E, hosts: AllowedHosts) -> Self {
        Self { edge, hosts, pace: Pace::new(CHECKS_PER_SECOND) }
    }

    /// Queues the samples of what was purged. What can't be queued is not verified: the purge itself is done.
    pub async fn queue<Q: DelayQueue>(
        &self,
        queue: &Q,
        report: &Report<'_>,
        purged_at: SystemTime,
        clock: &Clock,
        deadline: Timestamp,
    ) {
        if report.plan.samples.is_empty() {
            return;
        }
        let purged: Vec<Sample> = purged_samples(report).collect();
        let all = purged.len();
        let samples: Vec<Sample> = purged.into_iter().filter_map(|sample| self.allowed(sample)).collect();
        if samples.len() < all {
            tracing::info!(changes = all - samples.len(), "not verified: VERIFY_HOSTS does not allow their hosts");
        }
        let time = QUEUEING_TIME.min((deadline - clock.now()) / 2);
        if samples.is_empty() || time.is_zero() {
            return;
        }
        let purged_at = purged_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let purged_at = u64::try_from(purged_at.as_millis()).unwrap_or(u64::MAX);
        let delayed = |sample: &Sample| Delayed {
            body: sample.message(purged_at),
            team: sample.team.clone(),
            delay: VERIFY_AFTER,
        };
        let results = queue.send(&samples.iter().map(delayed).collect::<Vec<_>>(), time).await;
        let errors: Vec<&String> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        if errors.len() < samples.len() {
            tracing::info!(changes = samples.len() - errors.len(), "queued for verification");
        }
        if let Some(error) = errors.first() {
            tracing::warn!(changes = errors.len(), error, "can't queue verifications: they are left out");
        }
    }

    /// Fetches the URLs of a plan that came back for it. Returns a plan that purges those that are stale once more, and
    /// forgets what is remembered of their objects: an upload of the same content is to be purged.
    pub async fn check(&self, plan: &Plan, clock: &Clock, deadline: Timestamp) -> Plan {
        let time = CHECKING_TIME.min((deadline - clock.now()) / 2);
        let checks = self.chosen(&plan.checks, clock.now());
        let left_out = plan.checks.len() - checks.len();
        if left_out > 0 {
            tracing::info!(
                urls = left_out,
                "not verified: too many at once, or VERIFY_HOSTS does not allow their hosts"
            );
        }
        let verdicts = join_all(checks.iter().map(|check| self.verdict(check, time, clock))).await;
        let stale = checks.into_iter().zip(verdicts).filter(|(_, verdict)| *verdict == Verdict::Stale);
        let stale: Vec<&EdgeCheck> = stale.map(|(check, _)| check).collect();
        let objects: BTreeSet<&TeamObject> = stale.iter().map(|check| &check.object).collect();
        let remembered = plan.remember.iter().filter(|it| objects.contains(&it.object));
        let remember = remembered.map(|it| Remember { content: None, ..it.clone() }).collect();
        Plan { batches: batches(stale.into_iter().map(EdgeCheck::purge)), remember, ..Plan::default() }
    }

    async fn verdict(&self, check: &EdgeCheck, time: Duration, clock: &Clock) -> Verdict {
        let response = match clock.timeout_at(clock.now() + time, self.edge.head(&check.url, time)).await {
            Ok(response) => response,
            Err(late) => Err(late.to_string()),
        };
        let purged_at = SystemTime::UNIX_EPOCH + Duration::from_millis(check.purged_at);
        let verdict = match response {
            Ok(response) => {
                let since_purge = clock.wall_time().duration_since(purged_at).unwrap_or_default();
                let judgment = response.judge(&check.content, check.mode, since_purge);
                log(check, &response, judgment);
                judgment.verdict
            }
            Err(error) => {
                log_unknown(check, &error);
                Verdict::Unknown
            }
        };
        metrics::count_verdict(&check.zone, verdict);
        verdict
    }

    /// The URLs that are fetched now: those of allowed hosts, one of each team in turn.
    fn chosen<'c>(&self, checks: &'c [EdgeCheck], now: Timestamp) -> Vec<&'c EdgeCheck> {
        let mut nth_of_team: BTreeMap<&TeamName, usize> = BTreeMap::new();
        let allowed = checks.iter().filter(|check| self.hosts.allow_url(&check.url));
        let mut in_turn: Vec<(usize, &EdgeCheck)> = allowed
            .map(|check| {
                let nth = nth_of_team.entry(&check.zone.team).or_default();
                *nth += 1;
                (*nth, check)
            })
            .collect();
        in_turn.sort_by_key(|(nth, _)| *nth);
        in_turn.truncate(CHECKS_PER_EVENT);
        in_turn.truncate(self.pace.take(in_turn.len(), now));
        in_turn.into_iter().map(|(_, check)| check).collect()
    }

    /// A sample without the URLs that may not be fetched; `None` if it has no others.
    fn allowed(&self, sample: Sample) -> Option<Sample> {
        let Sample { change, team, mut urls } = sample;
        urls.retain(|url| self.hosts.allow_url(url));
        (!urls.is_empty()).then_some(Sample { change, team, urls })
    }
}

/// The samples, without URLs that were not purged. A retry purges them, and has a sample of its own.
fn purged_samples<'r>(report: &'r Report<'_>) -> impl Iterator<Item = Sample> + 'r {
    let sampled: BTreeSet<(&TeamName, &str)> =
        report.plan.samples.iter().flat_map(|it| it.urls.iter().map(|url| (&it.team, url.as_str()))).collect();
    let batches = report.outcomes.iter().filter_map(|it| Some((it, report.plan.batches.get(it.batch)?)));
    // What is fetched is production's.
    let items = batches.filter(|(_, batch)| batch.environment.is_none()).flat_map(|(outcome, batch)| {
        outcome.accepted(batch).filter_map(|item| match &item.item {
            Item::Url(url) => Some((&batch.zone.team, url.as_str())),
            _ => None,
        })
    });
    let purged: HashSet<(&TeamName, &str)> = items.filter(|item| sampled.contains(item)).collect();
    report.plan.samples.iter().filter_map(move |sample| {
        let is_purged = |url: &&String| purged.contains(&(&sample.team, url.as_str()));
        let urls: Vec<String> = sample.urls.iter().filter(is_purged).cloned().collect();
        (!urls.is_empty()).then(|| Sample { urls, ..sample.clone() })
    })
}

fn log(check: &EdgeCheck, response: &EdgeResponse, Judgment { verdict, reason }: Judgment) {
    let (team, zone, url) = (check.zone.team.as_str(), check.zone.domain.as_str(), &*redact(&check.url));
    let EdgeResponse { status, cache_status, age, etag } = response;
    let text = |text: &Option<String>| text.as_deref().map(|text| redact(text).into_owned());
    let (cache_status, etag) = (text(cache_status), text(etag));
    match verdict {
        Verdict::Stale => {
            tracing::warn!(team, zone, url, status, cache_status, age, etag, reason, "stale after purge");
        }
        Verdict::Unknown => tracing::info!(team, zone, url, status, cache_status, age, etag, reason, "not verified"),
        Verdict::Fresh => tracing::debug!(team, zone, url, status, cache_status, age, etag, reason, "verified"),
    }
}

fn log_unknown(check: &EdgeCheck, error: &str) {
    let (team, zone, url) = (check.zone.team.as_str(), check.zone.domain.as_str(), &*redact(&check.url));
    tracing::info!(team, zone, url, error = &*redact(error), "not verified");
}

#[cfg(test)]
mod tests;
