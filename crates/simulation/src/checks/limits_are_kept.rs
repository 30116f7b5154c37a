//! What Cloudflare accepts in any span of time is at most the bucket of the plan and what refills it in that span.

use std::collections::BTreeMap;
use std::sync::Arc;

use purge_router_core::limits::{CloudflarePlan, LimitClass};

use super::check::Check;
use crate::clock::SimTime;
use crate::event::{Entry, Event};
use crate::scenario::Scenario;

pub(super) struct LimitsAreKept {
    scenario: Arc<Scenario>,
    used: BTreeMap<(usize, CloudflarePlan, LimitClass), Used>,
}

/// The most that was accepted in a span that ends then, less what refilled the bucket in it.
#[derive(Default)]
struct Used {
    at: SimTime,
    excess: f64,
}

impl LimitsAreKept {
    pub(super) fn new(scenario: &Arc<Scenario>) -> Self {
        Self { scenario: Arc::clone(scenario), used: BTreeMap::new() }
    }
}

impl Check for LimitsAreKept {
    fn name(&self) -> &'static str {
        "limits-are-kept"
    }

    fn observe(&mut self, Entry { at, event }: &Entry) -> Result<(), String> {
        let Event::Accepted { zone, class, cost, .. } = event else { return Ok(()) };
        let zone = &self.scenario.zones[*zone];
        let (bucket, per_second) = limit(zone.plan, *class);
        let used = self.used.entry((zone.account, zone.plan, *class)).or_default();
        let refilled = (*at - used.at).as_secs_f64() * per_second;
        *used = Used { at: *at, excess: (used.excess - refilled).max(0.0) + *cost as f64 };
        match used.excess <= bucket + 0.001 {
            true => Ok(()),
            false => {
                let (account, plan, excess) = (zone.account, zone.plan.as_str(), used.excess);
                Err(format!("{at}: account {account} ({plan}, {class:?}) used {excess:.1} of {bucket}"))
            }
        }
    }
}

/// The bucket of a plan, and its refill per second, from Cloudflare's documentation.
fn limit(plan: CloudflarePlan, class: LimitClass) -> (f64, f64) {
    match (class, plan) {
        (LimitClass::Urls, CloudflarePlan::Free) => (800.0, 800.0),
        (LimitClass::Urls, CloudflarePlan::Pro | CloudflarePlan::Business) => (1500.0, 1500.0),
        (LimitClass::Urls, CloudflarePlan::Enterprise) => (3000.0, 3000.0),
        (LimitClass::Requests, CloudflarePlan::Free) => (25.0, 5.0 / 60.0),
        (LimitClass::Requests, CloudflarePlan::Pro) => (25.0, 5.0),
        (LimitClass::Requests, CloudflarePlan::Business) => (50.0, 10.0),
        (LimitClass::Requests, CloudflarePlan::Enterprise) => (500.0, 50.0),
    }
}
