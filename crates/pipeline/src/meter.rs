//! What is measured, through the `metrics` facade. The function writes it in CloudWatch's embedded format; in the command
//! nobody listens. Names of teams and zones are labels; keys never are.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use purge_router_core::{Plan, Zone};
use time::UtcDateTime;

use crate::outcome::{Outcome, Status};

const LATENCY: &str = "Latency";
const RATE_LIMIT_HITS: &str = "RateLimitHits";
const REJECTED: &str = "Rejected";
const UNMATCHED: &str = "Unmatched";

/// Tells whoever listens the units.
pub fn describe_metrics() {
    for status in Status::ALL {
        describe_counter!(status.metric(), Unit::Count, "batches that ended so");
    }
    describe_counter!(REJECTED, Unit::Count, "records that can't be understood or have no URL");
    describe_counter!(UNMATCHED, Unit::Count, "changes that no mapping accepts");
    describe_counter!(RATE_LIMIT_HITS, Unit::Count, "answers of Cloudflare that there were too many requests");
    describe_histogram!(
        LATENCY,
        Unit::Milliseconds,
        "from an event's earliest change in a zone to its last purge there"
    );
}

/// The age of a change; zero if it is in the future, because a clock is slow.
pub(crate) fn age(changed_at: UtcDateTime) -> Duration {
    Duration::try_from(UtcDateTime::now() - changed_at).unwrap_or_default()
}

/// Cloudflare said that there were too many requests.
pub(crate) fn rate_limited(zone: &Zone) {
    counter!(RATE_LIMIT_HITS, &of(zone)).increment(1);
    counter!(RATE_LIMIT_HITS).increment(1);
}

/// What became of an event: in each zone, and of all, for an alarm that knows no zones. One latency of each, the longest:
/// an event may have more batches of a zone than a metric takes values.
pub(crate) fn event(plan: &Plan, outcomes: &[Outcome]) {
    let rejected = plan.rejected.iter().filter(|rejected| rejected.kind.is_failure()).count();
    counter!(REJECTED).increment(rejected as u64);
    counter!(UNMATCHED).increment(plan.unmatched.len() as u64);
    let mut latencies = BTreeMap::new();
    for outcome in outcomes {
        let zone = plan.batches[outcome.batch].zone.as_ref();
        counter!(outcome.status.metric(), &of(zone)).increment(1);
        counter!(outcome.status.metric()).increment(1);
        let longest = latencies.entry((&zone.team, &zone.domain)).or_insert((zone, None));
        longest.1 = longest.1.max(outcome.latency);
    }
    for (zone, latency) in latencies.values() {
        if let Some(latency) = latency {
            histogram!(LATENCY, &of(zone)).record(latency.as_secs_f64() * 1000.0);
        }
    }
    if let Some(longest) = latencies.values().filter_map(|(_, latency)| *latency).max() {
        histogram!(LATENCY).record(longest.as_secs_f64() * 1000.0);
    }
}

fn of(zone: &Zone) -> [(&'static str, String); 2] {
    [("team", zone.team.to_string()), ("zone", zone.domain.to_string())]
}
