//! The steps from changes to batches.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::model::bounds;
use crate::model::change::{Change, Origin};
use crate::model::event::Event;
use crate::model::last_purge::LastPurges;
use crate::model::mappings::Mappings;
use crate::model::names::TeamName;
use crate::model::purged_items::PurgedItems;
use crate::model::verification::Verification;
use crate::plan::batch::{Batch, ItemGroups, PurgeRequest};
use crate::plan::budget::EventBudget;
use crate::plan::expand::expand;
use crate::plan::fingerprint::fingerprint;
use crate::plan::hit::Hit;
use crate::plan::memory::Memory;
use crate::plan::output::{Escalated, Plan, Unchanged, Unmatched};
use crate::plan::planned_mapping::PlannedMappings;
use crate::plan::rejections::Rejections;
use crate::plan::sample::Sampler;
use crate::plan::second_purges::second_purges;
use crate::plan::uncertain_buckets::UncertainBuckets;
use crate::plan::verification::{EdgeCheck, edge_checks};
use crate::route::{LocatedChange, Route, hits_while};

/// Plans all purges of an event. The mappings of all its buckets are known, and no last purges.
pub fn plan(mappings: &Mappings, event: Event) -> Plan {
    plan_until(mappings, &UncertainBuckets::default(), &LastPurges::default(), event, || false)
}

/// As [`plan()`], but rejects what the mappings of some buckets would decide, skips what was purged with the same content
/// before (`last_purges` has the [`objects_to_remember`](crate::objects_to_remember)), and asks before each change whether to
/// stop, for example because a deadline is near. The changes that are left then are rejected as transient. What was
/// admitted before is still planned: the event's budget bounds that work. A full budget, of some 230,000 URLs, takes
/// about a second in a debug build.
pub fn plan_until(
    mappings: &Mappings,
    uncertain: &UncertainBuckets,
    last_purges: &LastPurges,
    event: Event,
    must_stop: impl Fn() -> bool,
) -> Plan {
    let Event { changes, ignored, mut rejected, purged } = event;
    let mut planner = Planner::new(mappings, uncertain, Memory::new(&changes, last_purges));
    planner.admit(&changes, must_stop);
    planner.report_problems();
    let escalated = planner.escalated();
    let second_purges = second_purges(planner.budget.hits());
    let mut sampler = Sampler::default();
    let batches = planner.batches(&purged, &mut sampler);
    rejected.extend(planner.rejections.into_rejected());
    let (changes, samples) = (changes.len(), sampler.into_samples());
    let remember = planner.memory.into_remember();
    let Planner { unmatched, unchanged, checks, .. } = planner;
    Plan {
        changes,
        ignored,
        rejected,
        unmatched,
        unchanged,
        escalated,
        batches,
        second_purges,
        samples,
        checks,
        remember,
    }
}

/// The steps of planning, and what they have found so far.
struct Planner<'p> {
    mappings: &'p Mappings,
    uncertain: &'p UncertainBuckets,
    planned_mappings: PlannedMappings<'p>,
    budget: EventBudget<'p>,
    unmatched: Vec<Unmatched>,
    rejections: Rejections<'p>,
    checks: Vec<EdgeCheck>,
    memory: Memory<'p>,
    unchanged: Vec<Unchanged>,
    /// Empty between changes.
    allowances: HashMap<&'p TeamName, TeamAllowance, RandomState>,
}

/// What one change may still add to the event for one team.
struct TeamAllowance {
    /// Whether all hits of the team found room so far. After the first that did not, the others are not tried.
    has_room: bool,
    /// How many problems may still be reported.
    problems_left: usize,
}

impl<'p> Planner<'p> {
    fn new(mappings: &'p Mappings, uncertain: &'p UncertainBuckets, memory: Memory<'p>) -> Self {
        Self {
            mappings,
            uncertain,
            planned_mappings: PlannedMappings::default(),
            budget: EventBudget::new(bounds::EVENT),
            unmatched: Vec::new(),
            rejections: Rejections::default(),
            checks: Vec::new(),
            memory,
            unchanged: Vec::new(),
            allowances: HashMap::default(),
        }
    }

    /// Routes the changes, and admits their hits to the event's budget.
    fn admit(&mut self, changes: &'p [Change], must_stop: impl Fn() -> bool) {
        let mut located = self.mappings.locate(changes).enumerate();
        while !must_stop()
            && let Some((index, located)) = located.next()
        {
            self.admit_change(index, located);
        }
        located.for_each(|(index, located)| self.rejections.deadline_exceeded(index, located.change));
    }

    fn admit_change(&mut self, index: usize, located: LocatedChange<'p>) {
        let LocatedChange { change, .. } = located;
        if let Some(error) = self.uncertain.unreadable.get(&change.bucket) {
            return self.rejections.unreadable(index, change, error);
        }
        let routes = self.route(located);
        if !routes.is_empty() {
            let routes = self.without_unchanged(index, change, routes);
            self.admit_hits(index, change, &routes);
        } else if self.uncertain.incomplete.contains(&change.bucket) {
            self.rejections.unmatched_by_incomplete_mappings(index, change);
        } else {
            let (bucket, key, origin) = (change.bucket.to_string(), change.key.clone(), change.origin.clone());
            self.unmatched.push(Unmatched { bucket, key, origin });
        }
    }

    /// The mappings that accept a change, and those whose globs may not be compared any more.
    fn route(&mut self, located: LocatedChange<'p>) -> SmallVec<[Route<'p>; 2]> {
        hits_while(self.mappings, located, |mapping| self.budget.charge_matching(mapping))
    }

    /// The routes without those of mappings that purged the same content last.
    fn without_unchanged(
        &mut self,
        index: usize,
        change: &'p Change,
        mut routes: SmallVec<[Route<'p>; 2]>,
    ) -> SmallVec<[Route<'p>; 2]> {
        for team in self.memory.teams(change) {
            let is_skipping = |route: &&Route<'p>| route.mapping.skip_unchanged && route.mapping.team == *team;
            let skipping: Vec<&Route<'p>> = routes.iter().filter(is_skipping).collect();
            let may_name =
                |route: &&Route<'p>| !route.is_too_much() && self.budget.charge_naming(route.mapping, &change.key);
            if skipping.is_empty() || !skipping.iter().all(may_name) {
                continue;
            }
            let hits: Vec<Hit<'p>> =
                skipping.iter().map(|route| Hit::new(index, change, self.planned_mappings.of(route), 1)).collect();
            if self.memory.note(change, team, fingerprint(&hits)) {
                routes.retain(|route| !is_skipping(&&*route));
                self.unchanged.extend(unchanged(change, team));
            }
        }
        routes
    }

    fn admit_hits(&mut self, index: usize, change: &'p Change, routes: &[Route<'p>]) {
        if let Some(verification) = &change.verification {
            return self.add_checks(index, change, verification, routes);
        }
        let mut allowances = std::mem::take(&mut self.allowances);
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
        allowances.clear();
        self.allowances = allowances;
    }

    /// Adds what a change that comes back to be verified asks for. What a mapping purges is named for that, too, so it is
    /// charged as for a purge.
    fn add_checks(&mut self, index: usize, change: &'p Change, verification: &Verification, routes: &[Route<'p>]) {
        let mut hits = Vec::new();
        for route in routes {
            if route.is_too_much() || !self.budget.charge_naming(route.mapping, &change.key) {
                return self.rejections.over_budget(index, change, route.mapping);
            }
            hits.push(Hit::new(index, change, self.planned_mappings.of(route), 0));
        }
        self.checks.extend(edge_checks(change, verification, &hits));
    }

    /// Whether there is room for what a mapping purges for a change.
    fn admit_hit(&mut self, index: usize, change: &'p Change, route: &Route<'p>, problems_left: &mut usize) -> bool {
        if route.is_too_much() || !self.budget.charge_naming(route.mapping, &change.key) {
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

    /// Expands the admitted hits into items, joins those that were not purged at an earlier receive of their message, and
    /// adds them to the samples.
    fn batches(&mut self, purged: &HashMap<Origin, PurgedItems>, sampler: &mut Sampler<'p>) -> Vec<Batch> {
        let mut groups = ItemGroups::default();
        for hit in self.budget.take_hits() {
            let (change, mode) = (hit.change, hit.mapping.mapping.mode);
            let (origin, changed_at) = (&change.origin, change.time);
            let is_escalated = self.budget.counts().is_escalated(&hit.mapping);
            let purged = purged.get(origin);
            expand(&hit, is_escalated, |zone, item| {
                sampler.add(&hit, zone, &item);
                let request = PurgeRequest { zone, mode, item, origin, changed_at };
                match purged {
                    Some(purged) => groups.add_rest(request, purged),
                    None => groups.add(request),
                }
            });
        }
        groups.into_batches()
    }
}

fn unchanged(change: &Change, team: &TeamName) -> Option<Unchanged> {
    let (bucket, key) = (change.bucket.clone(), change.key.clone());
    Some(Unchanged { team: team.clone(), bucket, key, etag: change.written_etag()?.as_str().to_owned() })
}
