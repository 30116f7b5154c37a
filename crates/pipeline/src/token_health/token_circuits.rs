//! The circuits and probes of all teams. They outlive events, and are bounded per team: a team that writes many zones
//! evicts only circuits of its own. An evicted circuit is one of an untried token, which costs its team a probe.

use std::sync::Arc;
use std::time::Duration;

use purge_router_core::Zone;
use purge_router_core::names::TeamName;

use super::probe_limiter::{ProbeLimiter, TokenKey};
use crate::bounded_map::BoundedMap;
use crate::circuit::{Circuit, OpenTimes};
use crate::clock::Clock;

/// Operators write teams. More than this many are not in use at once.
const TEAMS: usize = 4096;

/// How many circuits of one team are kept.
const CIRCUITS_PER_TEAM: usize = 1024;

/// What is known about the tokens of all teams.
#[derive(Debug)]
pub(crate) struct TokenCircuits {
    clock: Clock,
    open_times: OpenTimes,
    teams: BoundedMap<TeamName, TeamTokens>,
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
        Self { clock, open_times, teams: BoundedMap::new(TEAMS) }
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

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }
}

pub(super) fn key(zone: &Zone) -> TokenKey {
    (zone.token.clone(), zone.zone_id.clone())
}
