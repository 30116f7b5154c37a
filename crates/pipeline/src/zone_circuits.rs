//! One circuit breaker per zone, for zones that do not answer or answer with server errors.
//!
//! Without it, every event with a change of such a zone would wait for it, and all teams that share the function would wait
//! with it. Decision 27 has the reasons for the numbers.

use std::sync::Arc;
use std::time::Duration;

use purge_router_core::Zone;
use purge_router_core::names::{CloudflareId, TeamName};

use crate::bounded_map::BoundedMap;
use crate::circuit::{Circuit, OpenTimes};

/// Operators write teams. More than this many are not in use at once.
const TEAMS: usize = 4096;

/// How many circuits of one team are kept. A zone whose circuit was evicted is tried once more.
const CIRCUITS_PER_TEAM: usize = 1024;

const OPEN_TIMES: OpenTimes = OpenTimes { first: Duration::from_secs(5), longest: Duration::from_secs(300) };

/// The circuits of all zones. They outlive events, and are bounded per team: a team that writes many zones evicts only
/// circuits of its own.
#[derive(Debug)]
pub(crate) struct ZoneCircuits(BoundedMap<TeamName, BoundedMap<CloudflareId, Circuit>>);

impl ZoneCircuits {
    pub(crate) fn new() -> Self {
        Self(BoundedMap::new(TEAMS))
    }

    pub(crate) fn of(&self, zone: &Zone) -> Arc<Circuit> {
        let team = self.0.get_or_insert_with(&zone.team, || BoundedMap::new(CIRCUITS_PER_TEAM));
        team.get_or_insert_with(&zone.zone_id, || Circuit::new(OPEN_TIMES))
    }
}
