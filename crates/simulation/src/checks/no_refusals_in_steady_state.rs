//! While all instances keep their shares, Cloudflare answers no request with 429. A new instance begins with full
//! buckets and without calls, so this holds only while no more instances were in use than share the limit, in the time
//! that refills an empty bucket, or in which calls count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::check::Check;
use crate::clock::SimTime;
use crate::event::{Entry, Event, InstanceId, Refused};
use crate::scenario::{Scenario, ZoneId};

/// The longest time in which an empty bucket is full again. The free plan's bucket of five requests a minute takes
/// longer, but no scenario uses it.
const REFILL: Duration = Duration::from_secs(10);

/// How long Cloudflare counts calls and blocks their user.
const CALLS: Duration = Duration::from_secs(600);

pub(super) struct NoRefusalsInSteadyState {
    scenario: Arc<Scenario>,
    /// Since when each instance is not used any more, if it is not.
    idle_since: BTreeMap<InstanceId, Option<SimTime>>,
}

impl NoRefusalsInSteadyState {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self { scenario: Arc::clone(scenario), idle_since: BTreeMap::new() }
    }

    fn refused(&self, zone: ZoneId, reason: Refused, at: SimTime) -> Result<(), String> {
        let time = match reason {
            Refused::OverLimit => REFILL,
            Refused::OverCalls => CALLS,
            _ => return Ok(()),
        };
        match self.in_use(at, time) <= self.scenario.instances {
            true => {
                let domain = &self.scenario.zones[zone].domain;
                Err(format!("{at}: 429 for {domain}, with all instances at their shares"))
            }
            false => Ok(()),
        }
    }

    /// How many instances were in use in this time.
    fn in_use(&self, now: SimTime, time: Duration) -> usize {
        self.idle_since.values().filter(|idle| idle.is_none_or(|idle| now - idle <= time)).count()
    }
}

impl Check for NoRefusalsInSteadyState {
    fn name(&self) -> &'static str {
        "no-refusals-in-steady-state"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        match event {
            Event::Invoked { instance, .. } => _ = self.idle_since.insert(*instance, None),
            Event::Answered { instance, .. } | Event::Killed { instance, .. } => {
                self.idle_since.insert(*instance, Some(*at));
            }
            Event::Refused { zone, reason, .. } => return self.refused(*zone, *reason, *at),
            _ => {}
        }
        Ok(())
    }
}
