//! What one read can't know.
//!
//! The index follows the table a moment later, and may show that a row is removed before it shows the row that replaces
//! it. So a mapping that a read does not find is used until a second read, at least a second later, does not find it
//! either. And the first read of a bucket may miss a mapping that it has not seen before: until a second read, at least
//! a second later, the bucket is unconfirmed.

use std::borrow::Cow;
use std::collections::HashSet;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use purge_router_config::Skipped;
use purge_router_core::Mappings;
use purge_router_pipeline::Timestamp;

use crate::dynamo_mappings::bucket_mappings::BucketMappings;

/// How much later than the end of the first read the second one must start.
const GRACE: Duration = Duration::from_secs(1);

/// For how long a read is remembered as the first one, if the TTL is shorter.
const SHORTEST_MEMORY: Duration = Duration::from_secs(60);

/// The mappings of one bucket that are in use: those of the last read, and those in their grace period.
#[derive(Debug)]
pub(super) struct BucketState {
    current: BucketMappings,
    /// When the last read started and ended.
    started_at: Timestamp,
    ended_at: Timestamp,
    removed: Vec<Removed>,
    /// When the first read ended, while no read confirms it.
    unconfirmed_since: Option<Timestamp>,
}

/// Mappings that a read did not find.
#[derive(Debug)]
struct Removed {
    /// When the read that found them last read their grants and zones.
    needs_read_at: Timestamp,
    /// When the read that did not find them ended.
    noticed_at: Timestamp,
    mappings: Mappings,
    /// The weight of all that the read found: they keep its grants and zones in memory.
    weight: u64,
}

impl BucketState {
    /// The state after a read that started at `started_at` and ended now. A state before that is older than the TTL says
    /// nothing about mappings that were added since, so this read counts as the first one.
    pub(super) fn new(
        current: BucketMappings,
        before: Option<&Self>,
        started_at: Timestamp,
        now: Timestamp,
        ttl: Duration,
    ) -> Self {
        let removed = before.map(|before| before.removed_by(&current, started_at, now)).unwrap_or_default();
        let recent = before.filter(|before| started_at - before.started_at < ttl.max(SHORTEST_MEMORY));
        let unconfirmed_since = match recent {
            Some(before) => before.unconfirmed_since.filter(|first_read| started_at - *first_read < GRACE),
            None => Some(now),
        };
        Self { current, started_at, ended_at: now, removed, unconfirmed_since }
    }

    /// The mappings of the last read and those in their grace period, each with the time at which their grants and
    /// zones were read.
    pub(super) fn mappings(&self) -> impl Iterator<Item = (Timestamp, &Mappings)> {
        let removed = self.removed.iter().map(|removed| (removed.needs_read_at, &removed.mappings));
        iter::once((self.current.needs_read_at, &self.current.mappings)).chain(removed)
    }

    /// What the last read found.
    pub(super) fn current(&self) -> &BucketMappings {
        &self.current
    }

    /// About how many bytes of memory all of them take, at most.
    pub(super) fn weight(&self) -> u64 {
        self.current.weight() + self.removed.iter().map(|removed| removed.weight).sum::<u64>()
    }

    /// The rows that the last read skipped.
    pub(super) fn skipped(&self) -> Arc<[Skipped]> {
        Arc::clone(&self.current.skipped)
    }

    /// Whether mappings may be missing, because they were read only once, or twice within a second.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.unconfirmed_since.is_some()
    }

    /// Whether it is time for the read that confirms the first one.
    pub(super) fn needs_confirmation(&self, now: Timestamp) -> bool {
        self.unconfirmed_since.is_some_and(|first_read| now - first_read >= GRACE)
    }

    /// Whether it is time for a second read of mappings that were not found, or of rows that could not be verified.
    pub(super) fn needs_recheck(&self, now: Timestamp) -> bool {
        let unverified = (!self.current.unverified.is_empty()).then_some(self.ended_at);
        let mut times = self.removed.iter().map(|removed| removed.noticed_at).chain(unverified);
        times.any(|noticed_at| now - noticed_at >= GRACE)
    }

    /// The mappings of this state that stay in use besides those that a newer read found.
    fn removed_by(&self, newer: &BucketMappings, started_at: Timestamp, now: Timestamp) -> Vec<Removed> {
        let unverified: HashSet<String> = newer.unverified.iter().map(ToString::to_string).collect();
        let known = known_rows(newer, &unverified);
        let still_in_use = |mappings: &Mappings, weight: u64, needs_read_at: Timestamp, noticed_at: Timestamp| {
            let is_in_grace = started_at - noticed_at < GRACE;
            let mappings = mappings.only(|mapping| {
                !known.contains(mapping.name.as_str()) && (is_in_grace || unverified.contains(&mapping.name))
            });
            Removed { needs_read_at, noticed_at, mappings, weight }
        };
        let earlier =
            self.removed.iter().map(|old| still_in_use(&old.mappings, old.weight, old.needs_read_at, old.noticed_at));
        let mut removed: Vec<Removed> = earlier.collect();
        removed.push(still_in_use(&self.current.mappings, self.current.weight(), self.current.needs_read_at, now));
        removed.retain(|removed| !removed.mappings.all().is_empty());
        removed
    }
}

/// The names of the rows that a read found, valid or not. What unverified rows say now is unknown.
fn known_rows<'f>(found: &'f BucketMappings, unverified: &HashSet<String>) -> HashSet<Cow<'f, str>> {
    let valid = found.mappings.all().iter().map(|mapping| Cow::Borrowed(mapping.name.as_str()));
    let skipped = found.skipped.iter().map(|skipped| skipped.key.to_string());
    valid.chain(skipped.filter(|name| !unverified.contains(name)).map(Cow::Owned)).collect()
}

#[cfg(test)]
mod tests {
    use purge_router_config::{Row, RowKey};
    use purge_router_pipeline::Clock;
    use serde_json::{Value, json};

    use super::*;

    fn row(partition: &str, sort: &str, fields: Value) -> Row {
        Row { key: RowKey::parse(partition, sort), fields: fields.as_object().unwrap().clone() }
    }

    fn found(prefixes: &[&str]) -> BucketMappings {
        found_after(None, prefixes)
    }

    /// A team with a mapping of each prefix.
    fn found_after(before: Option<&BucketMappings>, prefixes: &[&str]) -> BucketMappings {
        let zone_id = "023e105f4ecef8ad9ca31a8372d0c353";
        let mut rows = vec![
            row("GRANTS", "web", json!({ "version": 1, "owns": ["s3://assets/"] })),
            row("TEAM#web", "ZONE#web.com", json!({ "version": 1, "zone_id": zone_id, "hostnames": ["www.web.com"] })),
        ];
        rows.extend(prefixes.iter().map(|prefix| {
            let fields = json!({ "version": 1, "bucket": "assets", "prefix": prefix, "zones": ["web.com"] });
            row("TEAM#web", &format!("MAPPING#assets/{prefix}"), fields)
        }));
        let found = BucketMappings::from_rows(rows.iter(), Clock::system().now(), before);
        assert_eq!(found.mappings.all().len(), prefixes.len(), "{:?}", found.skipped);
        found
    }

    #[test]
    fn a_read_that_finds_the_same_rows_makes_nothing_anew() {
        let first = found(&["a/", "b/"]);
        let mapping = |found: &BucketMappings| Arc::clone(&found.mappings.all()[0]);
        assert!(Arc::ptr_eq(&mapping(&first), &mapping(&found_after(Some(&first), &["a/", "b/"]))));
        assert!(!Arc::ptr_eq(&mapping(&first), &mapping(&found_after(Some(&first), &["a/", "c/"]))));
    }

    #[test]
    fn mappings_in_their_grace_period_have_weight() {
        let start = Clock::system().now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let (both, one) = (found(&["a/", "b/"]).weight(), found(&["a/"]).weight());
        let mut state = None::<BucketState>;
        for (seconds, prefixes, mappings, weight) in [
            (0.0, &["a/", "b/"][..], 2, both),
            (1.0, &["a/"], 2, one + both),
            (1.5, &["a/"], 2, one + both),
            (2.5, &["a/"], 1, one),
            (3.0, &["a/", "b/"], 2, both),
        ] {
            let new = BucketState::new(found(prefixes), state.as_ref(), at(seconds), at(seconds), Duration::ZERO);
            let count = new.mappings().map(|(_, mappings)| mappings.all().len()).sum::<usize>();
            assert_eq!((count, new.weight()), (mappings, weight), "at {seconds} s");
            state = Some(new);
        }
    }
}
