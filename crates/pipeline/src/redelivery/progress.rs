//! What was purged of each message that is retried, so that a retry goes on with the rest. Without it, a message that
//! needs more requests than a rate limit allows in one event would begin anew with each receive, and never end.

use std::collections::{HashMap, HashSet};

use purge_router_core::names::TeamName;
use purge_router_core::{Message, Origin, PurgeHash, PurgedItems};

use crate::report::Report;

/// The most bytes of a message with the attribute's value, so that every queue takes it: some were created with 256 KiB as
/// their limit. The rest is for the attribute's name and type.
const MESSAGE: usize = 256 * 1024 - 1024;

/// The most bytes of the attribute's value: 16,896 items.
const ATTRIBUTE: usize = 176 * 1024;

/// The purges of an event that Cloudflare accepted, of each origin that failed nevertheless.
pub(super) struct Progress<'r>(HashMap<&'r Origin, Vec<PurgeHash>>);

impl<'r> Progress<'r> {
    /// What a team could not do after a purge is repeated with the purge, so its purges do not count.
    pub(super) fn of(report: &'r Report<'_>) -> Self {
        let mut purged: HashMap<&Origin, Vec<PurgeHash>> =
            report.failed.iter().map(|origin| (origin, Vec::new())).collect();
        let unfinished: HashSet<(&Origin, &TeamName)> =
            report.unfinished.iter().map(|it| (&it.origin, &it.team)).collect();
        if purged.is_empty() {
            return Self(purged);
        }
        for outcome in &report.outcomes {
            let Some(batch) = report.plan.batches.get(outcome.batch) else { continue };
            for item in outcome.accepted(batch) {
                let origins = item.origins.iter();
                for origin in origins.filter(|origin| !unfinished.contains(&(*origin, &batch.zone.team))) {
                    if let Some(purged) = purged.get_mut(origin) {
                        purged.push(batch.purge_hash(item));
                    }
                }
            }
        }
        Self(purged)
    }

    /// What was purged of a message now and at its earlier receives, as far as the message has room for it.
    pub(super) fn with_earlier(&self, origin: &Origin, message: &Message<'_>) -> PurgedItems {
        let mut purged = message.purged_items();
        let room = MESSAGE.saturating_sub(message.body().map_or(0, str::len)).min(ATTRIBUTE);
        purged.extend_up_to(room, self.0.get(origin).into_iter().flatten().copied());
        purged
    }
}
