//! However long something is wrong, Cloudflare refuses only so many requests of a team in a minute: 401, 403 and 429.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::Check;
use crate::event::{Entry, Event, Refused};
use crate::scenario::{Scenario, TeamId};

/// Per zone and minute: on each of four instances, eight requests in flight may be refused with 429 before each of the
/// pauses of
/// 0.1, 1, 2, 4, 8, 16 and 30 s. Tokens are refused less often: eight requests before the circuit opens, and then two
/// for the probe of every five seconds.
const PER_ZONE: usize = 4 * 8 * 7;

pub(super) struct RefusalsAreBounded {
    scenario: Arc<Scenario>,
    minute: u64,
    refused: BTreeMap<TeamId, usize>,
}

impl RefusalsAreBounded {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self { scenario: Arc::clone(scenario), minute: 0, refused: BTreeMap::new() }
    }
}

impl Check for RefusalsAreBounded {
    fn name(&self) -> &'static str {
        "refusals-are-bounded"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        let Event::Refused { zone, reason, .. } = event else { return Ok(()) };
        if !matches!(reason, Refused::Token | Refused::OverLimit | Refused::OverCalls | Refused::Limited) {
            return Ok(());
        }
        if at.minute() != self.minute {
            self.minute = at.minute();
            self.refused.clear();
        }
        let team = self.scenario.zones[*zone].team;
        let bound = PER_ZONE * self.scenario.teams[team].zones.len();
        let refused = self.refused.entry(team).or_default();
        *refused += 1;
        match *refused == bound + 1 {
            true => Err(format!("{at}: more than {bound} refused requests of team {team} in this minute")),
            false => Ok(()),
        }
    }
}
