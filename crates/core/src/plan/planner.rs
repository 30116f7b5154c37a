//! The steps from changes to batches.

use std::collections::HashMap;

use crate::model::bounds;
use crate::model::change::Change;
use crate::model::event::Event;
use crate::model::mappings::Mappings;
use crate::model::names::TeamName;
use crate::plan::batch::{PurgeRequest, batches};
use crate::plan::budget::EventBudget;
use crate::plan::expand::expand;
use crate::plan::hit::Hit;
use crate::plan::output::{Escalated, Plan, Unmatched};
use crate::plan::planned_mapping::PlannedMappings;
use crate::plan::rejections::Rejections;
use crate::plan::second_purges::second_purges;
use crate::plan::uncertain_buckets::UncertainBuckets;
use crate::route::{Route, hits_while};

/// Plans all purges of an event. The mappings of all its buckets are known.
pub fn plan(mappings: &Mappings, event: Event) -> Plan {
    plan_until(mappings, &UncertainBuckets::default(), event, || false)
}

/// As [`plan()`], but rejects what the mappings of some buckets would decide, and asks before each change whether to
/// stop, for example because a deadline is near. The changes that are left then are rejected as transient. What was
/// admitted before is still planned: the event's budget bounds that work. A full budget, of some 230,000 URLs, takes
/// about a second in a debug build.
pub fn plan_until(
    mappings: &Mappings,
    uncertain: &UncertainBuckets,
    event: Event,
    must_stop: impl Fn() -> bool,
) -> Plan {
    let Event { changes, ignored, mut rejected } = event;
    let mut planner = Planner::new(mappings, uncertain);
    planner.admit(&changes, must_stop);
    planner.report_problems();
    let escalated = planner.escalated();
    let again = second_purges(planner.budget.hits());
    let batches = batches(planner.expand());
    rejected.extend(planner.rejections.into_rejected());
    Plan { changes: changes.len(), ignored, rejected, unmatched: planner.unmatched, escalated, batches, again }
}

/// The steps of planning, and what they have found so far.
struct Planner<'p> {
    mappings: &'p Mappings,
    uncertain: &'p UncertainBuckets,
    planned_mappings: PlannedMappings<'p>,
    budget: EventBudget<'p>,
    unmatched: Vec<Unmatched>,
    rejections: Rejections<'p>,
}

/// What one change may still add to the event for one team.
struct TeamAllowance {
    /// Whether all hits of the team found room so far. After the first that did not, the others are not tried.
    has_room: bool,
    /// How many problems may still be reported.
    problems_left: usize,
}

impl<'p> Planner<'p> {
    fn new(mappings: &'p Mappings, uncertain: &'p UncertainBuckets) -> Self {
        Self {
            mappings,
            uncertain,
            planned_mappings: PlannedMappings::default(),
            budget: EventBudget::new(bounds::EVENT),
            unmatched: Vec::new(),
            rejections: Rejections::default(),
        }
    }

    /// Routes the changes, and admits their hits to the event's budget.
    fn admit(&mut self, changes: &'p [Change], must_stop: impl Fn() -> bool) {
        let mut changes = changes.iter().enumerate();
        while !must_stop()
            && let Some((index, change)) = changes.next()
        {
            self.admit_change(index, change);
        }
        changes.for_each(|(index, change)| self.rejections.deadline_exceeded(index, change));
    }

    fn admit_change(&mut self, index: usize, change: &'p Change) {
        if let Some(error) = self.uncertain.unreadable.get(&change.bucket) {
            return self.rejections.unreadable(index, change, error);
        }
        let routes = self.route(change);
        if !routes.is_empty() {
            self.admit_hits(index, change, &routes);
        } else if self.uncertain.incomplete.contains(&change.bucket) {
            self.rejections.unmatched_by_incomplete_mappings(index, change);
        } else {
            let (bucket, key, origin) = (change.bucket.to_string(), change.key.clone(), change.origin.clone());
            self.unmatched.push(Unmatched { bucket, key, origin });
        }
    }

    /// The mappings that accept a change, and those whose globs may not be compared any more.
    fn route(&mut self, change: &'p Change) -> Vec<Route<'p>> {
        hits_while(self.mappings, change, |mapping| self.budget.charge_matching(mapping))
    }

    fn admit_hits(&mut self, index: usize, change: &'p Change, routes: &[Route<'p>]) {
        let mut allowances: HashMap<&TeamName, TeamAllowance> = HashMap::new();
        for route in routes {
            let full = TeamAllowance { has_room: true, problems_left: bounds::REASONS };
            let allowance = allowances.entry(&route.mapping.team).or_insert(full);
            if !allowance.has_room {
                continue;
            }
            allowance.has_room = self.admit_hit(index, change, route, &mut allowance.problems_left);
            if !allowance.has_room {
                self.rejections.over_budget(index, change, route.mapping);
            }
            for shed in self.budget.take_shed() {
                self.rejections.over_budget(shed.change_index, shed.change, shed.mapping.mapping);
            }
        }
    }

    /// Whether there is room for what a mapping purges for a change.
    fn admit_hit(&mut self, index: usize, change: &'p Change, route: &Route<'p>, problems_left: &mut usize) -> bool {
        if route.is_too_much() {
            return false;
        }
        let hit = Hit::new(index, change, self.planned_mappings.of(route), *problems_left);
        *problems_left -= hit.problems.len();
        hit.is_empty() || self.budget.admit(hit)
    }

    /// Rejects what the admitted hits can't purge.
    fn report_problems(&mut self) {
        self.budget.hits().for_each(|hit| self.rejections.unpurgeable(hit));
    }

    /// The mappings whose URLs become one folder.
    fn escalated(&self) -> Vec<Escalated> {
        self.budget.counts().escalated()
    }

    /// Expands the admitted hits into items.
    fn expand(&mut self) -> impl Iterator<Item = PurgeRequest<'p>> {
        let hits = self.budget.take_hits();
        let counts = self.budget.counts();
        hits.flat_map(move |hit| {
            let (change, mode) = (hit.change, hit.mapping.mapping.mode);
            let items = expand(&hit, counts.is_escalated(&hit.mapping));
            items.into_iter().map(move |(zone, item)| {
                let (origin, changed_at) = (&change.origin, change.time);
                PurgeRequest { zone, mode, item, origin, changed_at }
            })
        })
    }
}
