//! One circuit breaker per zone, for zones that do not answer or answer with server errors.
//!
//! Without it, every event with a change of such a zone would wait for it, and all teams that share the function would
//! wait with it. Decision 27 has the reasons for the numbers.

use std::sync::Arc;
use std::time::Duration;

use purge_router_core::Zone;
use purge_router_core::names::CloudflareId;

use crate::bounded_map::BoundedMap;
use crate::circuit::{Circuit, OpenTimes};
use crate::per_team::PerTeam;

/// How many circuits of one team are kept. A zone whose circuit was evicted is tried once more.
const CIRCUITS_PER_TEAM: usize = 1024;

const OPEN_TIMES: OpenTimes = OpenTimes { first: Duration::from_secs(5), longest: Duration::from_secs(300) };

/// The circuits of all zones. They outlive events.
#[derive(Debug)]
pub(crate) struct ZoneCircuits(PerTeam<BoundedMap<CloudflareId, Circuit>>);

impl ZoneCircuits {
    pub(crate) fn new() -> Self {
        Self(PerTeam::new())
    }

    pub(crate) fn of(&self, zone: &Zone) -> Arc<Circuit> {
        let team = self.0.get_or_insert_with(&zone.team, || BoundedMap::new(CIRCUITS_PER_TEAM));
        team.get_or_insert_with(&zone.zone_id, || Circuit::new(OPEN_TIMES))
    }

    /// How many teams are known.
    pub(crate) fn teams(&self) -> usize {
        self.0.len()
    }

    /// How many circuits the team with the most of them has.
    pub(crate) fn circuits_of_team(&self) -> usize {
        self.0.largest(BoundedMap::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{paused_clock, zones};

    #[tokio::test(start_paused = true)]
    async fn a_circuit_is_of_one_team_and_zone_and_is_open_for_five_seconds_to_five_minutes() {
        let (all, zones) = (ZoneCircuits::new(), zones(&[("blue", ""), ("red", ""), ("red", "")]));
        let circuit = all.of(&zones[0]);
        let same_zone_of_blue = Zone { zone_id: zones[0].zone_id.clone(), ..Zone::clone(&zones[2]) };
        assert!(Arc::ptr_eq(&circuit, &all.of(&zones[0])));
        for other in [&*zones[1], &*zones[2], &same_zone_of_blue] {
            assert!(!Arc::ptr_eq(&circuit, &all.of(other)), "{}", other.domain);
        }
        let clock = paused_clock();
        for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
            let pass = circuit.enter(&clock).await.unwrap();
            let period = circuit.open(clock.now(), &pass).unwrap();
            assert_eq!(period.as_secs(), seconds);
            tokio::time::advance(period).await;
        }
    }
}
