//! The steps from changes to batches.

use std::collections::HashMap;

use crate::model::bounds;
use crate::model::change::Change;
use crate::model::event::Event;
use crate::model::mappings::Mappings;
use crate::model::names::TeamName;
use crate::plan::batch::{Batch, Groups, PurgeRequest};
use crate::plan::budget::EventBudget;
use crate::plan::escalate::MappingCounts;
use crate::plan::expand::Expander;
use crate::plan::hit::Hit;
use crate::plan::output::{Plan, Unmatched};
use crate::plan::rejections::Rejections;
use crate::route::{Route, route_while};

/// Plans all purges of an event.
pub fn plan(mappings: &Mappings, event: Event) -> Plan {
    plan_until(mappings, event, || false)
}

/// As [`plan()`], but asks before each change whether to stop, for example because a deadline is near. The changes that are
/// left then are rejected as transient. What was admitted before is still planned: the event's budget bounds that work. A
/// full budget, of some 230,000 URLs, takes about a second in a debug build.
pub fn plan_until(mappings: &Mappings, event: Event, must_stop: impl Fn() -> bool) -> Plan {
    let Event { changes, ignored, mut rejected } = event;
    let mut planner = Planner::new(mappings, must_stop);
    planner.admit(&changes);
    let Planner { budget, unmatched, mut rejections, .. } = planner;
    let (hits, counts) = budget.into_hits();
    let escalated = counts.escalated();
    let batches = batches_of(hits, &counts, &mut rejections);
    rejected.extend(rejections.into_rejected());
    Plan { changes: changes.len(), ignored, rejected, unmatched, escalated, batches }
}

/// The first steps: routes changes, and admits their hits to the event's budget.
struct Planner<'p, S> {
    mappings: &'p Mappings,
    must_stop: S,
    budget: EventBudget<'p>,
    unmatched: Vec<Unmatched>,
    rejections: Rejections<'p>,
}

impl<'p, S: Fn() -> bool> Planner<'p, S> {
    fn new(mappings: &'p Mappings, must_stop: S) -> Self {
        let budget = EventBudget::new(bounds::EVENT);
        Self { mappings, must_stop, budget, unmatched: Vec::new(), rejections: Rejections::default() }
    }

    fn admit(&mut self, changes: &'p [Change]) {
        let mut changes = changes.iter().enumerate();
        while !(self.must_stop)()
            && let Some((index, change)) = changes.next()
        {
            let hits = self.route(change);
            if hits.is_empty() {
                let (bucket, key, origin) = (change.bucket.to_string(), change.key.clone(), change.origin.clone());
                self.unmatched.push(Unmatched { bucket, key, origin });
            }
            self.admit_hits(index, change, &hits);
        }
        changes.for_each(|(index, change)| self.rejections.deadline_exceeded(index, change));
    }

    /// The mappings that accept a change, and those whose globs may not be compared any more.
    fn route(&mut self, change: &'p Change) -> Vec<Route<'p>> {
        let routes = route_while(self.mappings, change, |mapping| self.budget.charge_matching(mapping));
        routes.filter(|route| route.is_hit() || route.is_too_much()).collect()
    }

    fn admit_hits(&mut self, index: usize, change: &'p Change, routes: &[Route<'p>]) {
        // For each team how many problems are left to report; none if the team found no room.
        let mut problems_left: HashMap<&TeamName, Option<usize>> = HashMap::new();
        for route in routes {
            let left = problems_left.entry(&route.mapping.team).or_insert(Some(bounds::REASONS));
            let Some(max_problems) = *left else { continue };
            let hit = route.is_hit().then(|| Hit::new(index, change, route, max_problems));
            if hit.as_ref().is_some_and(Hit::is_empty) {
                continue;
            }
            let problems = hit.as_ref().map_or(0, |hit| hit.problems.len());
            *left = Some(max_problems - problems);
            if !hit.is_some_and(|hit| self.budget.admit(hit)) {
                *left = None;
                self.rejections.over_budget(index, change, route.mapping);
            }
            for shed in self.budget.take_shed() {
                self.rejections.over_budget(shed.change_index, shed.change, shed.mapping);
            }
        }
    }
}

/// The last steps: expands the admitted hits, and joins their items into batches.
fn batches_of<'p>(hits: Vec<Hit<'p>>, counts: &MappingCounts<'p>, rejections: &mut Rejections<'p>) -> Vec<Batch> {
    let mut expander = Expander::default();
    let mut groups = Groups::default();
    for hit in hits {
        rejections.unpurgeable(&hit);
        let (change, mode) = (hit.change, hit.mapping.mode);
        for (zone, item) in expander.expand(&hit, counts.is_escalated(hit.mapping_index)) {
            groups.add(PurgeRequest { zone, mode, item, origin: &change.origin, changed_at: change.time });
        }
    }
    groups.into_batches()
}
