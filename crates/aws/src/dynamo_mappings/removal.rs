//! The grace period of removed mappings.
//!
//! The index follows the table a moment later, and may show that a row is removed before it shows the row that replaces it.
//! So a mapping that a read does not find is used until a second read, at least a second later, does not find it either.

use std::borrow::Cow;
use std::collections::HashSet;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use purge_router_config::Skipped;
use purge_router_core::Mappings;
use purge_router_pipeline::Timestamp;

use crate::dynamo_mappings::bucket_mappings::BucketMappings;

/// How much later than the first read the second one must begin.
const REMOVAL_GRACE: Duration = Duration::from_secs(1);

/// The mappings of one bucket that are in use: those of the last read, and those in their grace period.
#[derive(Debug)]
pub(super) struct BucketState {
    current: BucketMappings,
    /// When the last read began and ended.
    began: Timestamp,
    ended: Timestamp,
    removed: Vec<Removed>,
}

/// Mappings that a read did not find, when the last read that found them began, and when the one that did not ended.
#[derive(Debug)]
struct Removed {
    began: Timestamp,
    noticed: Timestamp,
    mappings: Mappings,
}

impl BucketState {
    /// The state after a read that began then and ended now.
    pub(super) fn new(current: BucketMappings, before: Option<&Self>, began: Timestamp, now: Timestamp) -> Self {
        let removed = before.map(|before| before.removed_by(&current, began, now)).unwrap_or_default();
        Self { current, began, ended: now, removed }
    }

    /// The mappings of the last read and those in their grace period, each with the begin of the read that found them.
    pub(super) fn mappings(&self) -> impl Iterator<Item = (Timestamp, &Mappings)> {
        let removed = self.removed.iter().map(|removed| (removed.began, &removed.mappings));
        iter::once((self.began, &self.current.mappings)).chain(removed)
    }

    /// The rows that the last read left out.
    pub(super) fn skipped(&self) -> Arc<[Skipped]> {
        Arc::clone(&self.current.skipped)
    }

    /// Whether it is time for a second read of mappings that were not found, or of rows that could not be verified.
    pub(super) fn needs_recheck(&self, now: Timestamp) -> bool {
        let unverified = (!self.current.unverified.is_empty()).then_some(self.ended);
        let mut noticed = self.removed.iter().map(|removed| removed.noticed).chain(unverified);
        noticed.any(|noticed| now - noticed >= REMOVAL_GRACE)
    }

    /// The mappings of this state that stay in use beside what a newer read has found.
    fn removed_by(&self, found: &BucketMappings, began: Timestamp, now: Timestamp) -> Vec<Removed> {
        let unverified: HashSet<String> = found.unverified.iter().map(ToString::to_string).collect();
        let known = known_rows(found, &unverified);
        let keep = |mappings: &Mappings, found: Timestamp, noticed: Timestamp| {
            let is_in_grace = began - noticed < REMOVAL_GRACE;
            let mappings = mappings.only(|mapping| {
                !known.contains(mapping.name.as_str()) && (is_in_grace || unverified.contains(&mapping.name))
            });
            Removed { began: found, noticed, mappings }
        };
        let kept = self.removed.iter().map(|old| keep(&old.mappings, old.began, old.noticed));
        let mut removed: Vec<Removed> = kept.collect();
        removed.push(keep(&self.current.mappings, self.began, now));
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
