//! The circuits and probes of all teams. They outlive events. An evicted circuit is one of an untried token, which
//! costs its team a probe.

use std::sync::Arc;
use std::time::Duration;

use purge_router_core::Zone;

use super::probe_limiter::{ProbeLimiter, TokenKey};
use crate::bounded_map::BoundedMap;
use crate::circuit::{Circuit, OpenTimes};
use crate::clock::Clock;
use crate::per_team::PerTeam;

/// How many circuits of one team are kept.
const CIRCUITS_PER_TEAM: usize = 1024;

/// What is known about the tokens of all teams.
#[derive(Debug)]
pub(crate) struct TokenCircuits {
    clock: Clock,
    open_times: OpenTimes,
    teams: PerTeam<TeamTokens>,
}

/// What is known about the tokens of one team.
#[derive(Debug)]
pub(super) struct TeamTokens {
    circuits: BoundedMap<TokenKey, Circuit>,
    pub(super) probes: ProbeLimiter,
}

impl TokenCircuits {
    /// `open_for` is how long a circuit stays open before one request probes the token.
    pub(crate) fn new(open_for: Duration, clock: Clock) -> Self {
        let open_times = OpenTimes { first: open_for, longest: open_for };
        Self { clock, open_times, teams: PerTeam::new() }
    }

    /// The tokens of a zone's team, and the circuit of the zone's token.
    pub(super) fn of(&self, zone: &Zone) -> (Arc<TeamTokens>, Arc<Circuit>) {
        let new = || TeamTokens {
            circuits: BoundedMap::new(CIRCUITS_PER_TEAM),
            probes: ProbeLimiter::new(self.clock.clone()),
        };
        let team = self.teams.get_or_insert_with(&zone.team, new);
        let circuit = team.circuits.get_or_insert_with(&key(zone), || Circuit::new(self.open_times));
        (team, circuit)
    }

    /// How many teams are known.
    pub(crate) fn teams(&self) -> usize {
        self.teams.len()
    }

    /// How many circuits the team with the most of them has.
    pub(crate) fn circuits_of_team(&self) -> usize {
        self.teams.largest(|team| team.circuits.len())
    }

    /// How many tokens of a team were refused in the last minute, at most.
    pub(crate) fn refused_of_team(&self) -> usize {
        self.teams.largest(|team| team.probes.refused_in_minute())
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }
}

pub(super) fn key(zone: &Zone) -> TokenKey {
    (zone.token.clone(), zone.zone_id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::CircuitPass;
    use crate::test_support::{paused_clock, zones};

    #[tokio::test(start_paused = true)]
    async fn a_circuit_is_of_one_token_in_one_zone_and_probes_are_of_the_team() {
        let all = TokenCircuits::new(Duration::from_secs(5), paused_clock());
        let token = "token = \"shared\"";
        let zones = zones(&[("red", token), ("red", token), ("red", ""), ("blue", token)]);
        let of: Vec<_> = zones.iter().map(|zone| all.of(zone)).collect();
        let same_zone = Zone { domain: zones[1].domain.clone(), ..Zone::clone(&zones[0]) };
        assert!(Arc::ptr_eq(&all.of(&same_zone).1, &of[0].1), "two domains of one zone");
        for (at, (team, circuit)) in of.iter().enumerate() {
            for (other, (other_team, other_circuit)) in of.iter().enumerate() {
                assert_eq!(Arc::ptr_eq(circuit, other_circuit), at == other, "{at}, {other}");
                let is_same_team = zones[at].team == zones[other].team;
                assert_eq!(Arc::ptr_eq(team, other_team), is_same_team, "{at}, {other}");
            }
        }
        of[0].1.open(all.clock().now(), &CircuitPass::WITHOUT_PROBE);
        assert_eq!(
            of[0].1.open(all.clock().now() + Duration::from_secs(5), &CircuitPass::WITHOUT_PROBE),
            Some(Duration::from_secs(5)),
            "never longer"
        );
    }
}
