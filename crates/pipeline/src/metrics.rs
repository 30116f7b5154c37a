//! Metrics, through the `metrics` facade. The function writes them in CloudWatch's embedded format; the command
//! discards them. Names of teams and zones are labels; keys never are.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use purge_router_core::{Plan, Verdict, Zone};
use strum::VariantArray;
use time::UtcDateTime;

use crate::clock::Clock;
use crate::outcome::{Outcome, Status};

const LATENCY: &str = "Latency";
const RATE_LIMIT_HITS: &str = "RateLimitHits";
const REJECTED: &str = "Rejected";
const UNCHANGED: &str = "Unchanged";
const UNMATCHED: &str = "Unmatched";
const UNPURGEABLE: &str = "Unpurgeable";

/// Describes all metrics to the recorder, with their units.
pub fn describe_metrics() {
    for status in Status::ALL {
        describe_counter!(status.metric(), Unit::Count, "batches that ended with this status");
    }
    describe_counter!(REJECTED, Unit::Count, "records that failed before any batch");
    describe_counter!(UNPURGEABLE, Unit::Count, "records for which no URL or tag exists; no retry can help");
    describe_counter!(UNCHANGED, Unit::Count, "changes that are not purged, because the same content was purged last");
    describe_counter!(UNMATCHED, Unit::Count, "changes that no mapping accepts");
    for verdict in Verdict::VARIANTS {
        describe_counter!(
            verdict_metric(*verdict),
            Unit::Count,
            "URLs that were verified after their purge, with this verdict"
        );
    }
    describe_counter!(RATE_LIMIT_HITS, Unit::Count, "answers of Cloudflare that there were too many requests");
    describe_histogram!(
        LATENCY,
        Unit::Milliseconds,
        "from an event's earliest change in a zone to its last purge there"
    );
}

/// The age of a change; zero if a wrong clock dated it in the future.
pub(crate) fn age(clock: &Clock, changed_at: UtcDateTime) -> Duration {
    let changed_at: SystemTime = changed_at.into();
    clock.wall_time().duration_since(changed_at).unwrap_or_default()
}

/// Counts an answer that there were too many requests.
pub(crate) fn count_rate_limit(zone: &Zone) {
    counter!(RATE_LIMIT_HITS, &labels(zone)).increment(1);
    counter!(RATE_LIMIT_HITS).increment(1);
}

/// Counts a URL that was verified after its purge.
pub(crate) fn count_verdict(zone: &Zone, verdict: Verdict) {
    counter!(verdict_metric(verdict), &labels(zone)).increment(1);
    counter!(verdict_metric(verdict)).increment(1);
}

fn verdict_metric(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fresh => "FreshAfterPurge",
        Verdict::Stale => "StaleAfterPurge",
        Verdict::Unknown => "UnknownAfterPurge",
    }
}

/// Counts an event's records and outcomes: per zone, and in total for alarms, which do not know zones. Each zone has
/// one latency, its longest: an event may have more batches of a zone than a metric takes values.
pub(crate) fn count_event(plan: &Plan, outcomes: &[Outcome]) {
    let (rejected, unpurgeable): (Vec<_>, Vec<_>) = plan.rejected.iter().partition(|it| it.kind.is_failure());
    counter!(REJECTED).increment(rejected.len() as u64);
    counter!(UNPURGEABLE).increment(unpurgeable.len() as u64);
    counter!(UNMATCHED).increment(plan.unmatched.len() as u64);
    if !plan.unchanged.is_empty() {
        counter!(UNCHANGED).increment(plan.unchanged.len() as u64);
    }
    let mut latencies = BTreeMap::new();
    for outcome in outcomes {
        let Some(batch) = plan.batches.get(outcome.batch) else { continue };
        let zone = batch.zone.as_ref();
        counter!(outcome.status.metric(), &labels(zone)).increment(1);
        counter!(outcome.status.metric()).increment(1);
        let (_, longest) = latencies.entry((&zone.team, &zone.domain)).or_insert((zone, None));
        *longest = outcome.latency.max(*longest);
    }
    for (zone, latency) in latencies.values() {
        if let Some(latency) = latency {
            histogram!(LATENCY, &labels(zone)).record(latency.as_secs_f64() * 1000.0);
        }
    }
    if let Some(longest) = latencies.values().filter_map(|(_, latency)| *latency).max() {
        histogram!(LATENCY).record(longest.as_secs_f64() * 1000.0);
    }
}

fn labels(zone: &Zone) -> [(&'static str, String); 2] {
    [("team", zone.team.to_string()), ("zone", zone.domain.to_string())]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, with_local_recorder};
    use purge_router_core::{Origin, Rejected, RejectionKind};

    use super::*;
    use crate::test_support::plan_of;

    /// Counters by name, with the number of their labels.
    #[derive(Default)]
    struct Counters(Mutex<BTreeMap<(String, usize), Arc<AtomicU64>>>);

    impl Recorder for Counters {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            let name = (key.name().to_owned(), key.labels().count());
            Counter::from_arc(Arc::clone(self.0.lock().unwrap().entry(name).or_default()))
        }

        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn rejections_are_counted_by_whether_they_fail_and_batches_by_their_status() {
        let kinds = [RejectionKind::Malformed, RejectionKind::Transient, RejectionKind::Unpurgeable];
        let rejected = |kind| Rejected { origin: Origin::Invocation, kind, reason: String::new() };
        let plan = Plan { rejected: kinds.map(rejected).into(), ..plan_of(1) };
        let outcome = Outcome { status: Status::DeadlineExceeded, ..Outcome::new(0) };
        let counters = Counters::default();
        with_local_recorder(&counters, || count_event(&plan, &[outcome]));
        let counters = counters.0.into_inner().unwrap();
        let counts = counters.iter().map(|((name, labels), count)| (&**name, *labels, count.load(Ordering::Relaxed)));
        let expected = [
            ("DeadlineExceeded", 0, 1),
            ("DeadlineExceeded", 2, 1),
            ("Rejected", 0, 2),
            ("Unmatched", 0, 0),
            ("Unpurgeable", 0, 1),
        ];
        assert_eq!(counts.collect::<Vec<_>>(), expected);
    }
}
