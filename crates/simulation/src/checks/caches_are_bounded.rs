//! However many events an instance has handled, its caches have no more entries than there are teams, zones, hostnames
//! and tokens to know something about. Decision 23 has the bounds for teams that write more of them than they use; tests
//! of pipeline fill those.

use std::sync::Arc;

use purge_router_pipeline::CacheSizes;

use super::check::Check;
use crate::event::{Entry, Event};
use crate::scenario::Scenario;

/// A zone has a bucket for URLs and one for all other purges.
const BUCKETS_PER_ZONE: usize = 2;

pub(super) struct CachesAreBounded {
    bounds: CacheSizes,
}

impl CachesAreBounded {
    /// A zone has one hostname that can be refused and one token, and a team's tokens are of one user or of accounts.
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        let teams = scenario.teams.len();
        let zones_of_team = scenario.teams.iter().map(|team| team.zones.len()).max().unwrap_or_default();
        let has_account_tokens = scenario.zones.iter().any(|zone| zone.extras.has_account_token);
        Self {
            bounds: CacheSizes {
                teams_with_limits: teams,
                teams_with_tokens: teams,
                teams_with_zones: teams,
                teams_with_hostnames: teams,
                teams_at_bucket: teams,
                granted_buckets: BUCKETS_PER_ZONE * scenario.zones.len(),
                buckets: BUCKETS_PER_ZONE * zones_of_team,
                callers: if has_account_tokens { zones_of_team } else { 1 },
                token_circuits: zones_of_team,
                refused_tokens: zones_of_team,
                zone_circuits: zones_of_team,
                hostnames: zones_of_team,
            },
        }
    }
}

impl Check for CachesAreBounded {
    fn name(&self) -> &'static str {
        "caches-are-bounded"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        let Event::Cached { instance, sizes } = event else { return Ok(()) };
        let mut pairs = sizes.named().into_iter().zip(self.bounds.named());
        match pairs.find(|((_, size), (_, bound))| size > bound) {
            None => Ok(()),
            Some(((name, size), (_, bound))) => {
                Err(format!("{at}: instance {instance} has {size} {name}, and there can be {bound}"))
            }
        }
    }
}
