//! Cloudflare accepts at most 200 requests of one address in any second, and 1,200 calls of one user in any five minutes.
//! All instances have one address, and the tokens of a team are of one user. Purges by URL are no calls.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use purge_router_core::limits::LimitClass;

use super::check::Check;
use crate::clock::SimTime;
use crate::event::{Entry, Event};
use crate::scenario::{Scenario, TeamId};

const REQUESTS: usize = 200;
const SECOND: Duration = Duration::from_secs(1);
const CALLS: usize = 1200;
const FIVE_MINUTES: Duration = Duration::from_secs(300);

pub(super) struct ClientLimitsAreKept {
    scenario: Arc<Scenario>,
    requests: VecDeque<SimTime>,
    calls: BTreeMap<TeamId, VecDeque<SimTime>>,
}

impl ClientLimitsAreKept {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self { scenario: Arc::clone(scenario), requests: VecDeque::new(), calls: BTreeMap::new() }
    }
}

impl Check for ClientLimitsAreKept {
    fn name(&self) -> &'static str {
        "client-limits-are-kept"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        let Event::Accepted { zone, class, .. } = event else { return Ok(()) };
        let requests = within(&mut self.requests, SECOND, *at);
        if requests > REQUESTS {
            return Err(format!("{at}: {requests} requests of the address in a second"));
        }
        let team = self.scenario.zones[*zone].team;
        if *class != LimitClass::Requests {
            return Ok(());
        }
        match within(self.calls.entry(team).or_default(), FIVE_MINUTES, *at) {
            calls if calls > CALLS => Err(format!("{at}: {calls} calls of team {team} in five minutes")),
            _ => Ok(()),
        }
    }
}

/// Adds a request, and returns how many there were in the period that ends with it.
fn within(times: &mut VecDeque<SimTime>, period: Duration, now: SimTime) -> usize {
    while times.front().is_some_and(|at| now - *at >= period) {
        times.pop_front();
    }
    times.push_back(now);
    times.len()
}
