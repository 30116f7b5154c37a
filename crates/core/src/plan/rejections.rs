//! What of an event is not planned, in the order of its changes.

use std::collections::BTreeMap;

use crate::model::change::Change;
use crate::model::event::{Rejected, RejectionKind};
use crate::model::mapping::Mapping;
use crate::plan::hit::Hit;

const OVER_BUDGET: &str = "its purges are more than one event may hold, so it is retried; give the team fewer mappings, or purge \
                           by prefix or tag";
const DEADLINE_EXCEEDED: &str = "deadline exceeded before it was planned, so it is retried";

/// The changes that are rejected, by their index in the event.
#[derive(Debug, Default)]
pub(super) struct Rejections<'p> {
    unpurgeable: Vec<(usize, Rejected)>,
    over_budget: BTreeMap<usize, OverBudget<'p>>,
    not_planned: BTreeMap<usize, &'p Change>,
}

/// A change for which some mappings found no room. It is rejected once, for all of them.
#[derive(Debug)]
struct OverBudget<'p> {
    change: &'p Change,
    first: &'p Mapping,
    more: usize,
}

impl<'p> Rejections<'p> {
    /// A mapping's purges of this change found no room in the event.
    pub(super) fn over_budget(&mut self, index: usize, change: &'p Change, mapping: &'p Mapping) {
        let entry = self.over_budget.entry(index);
        entry.and_modify(|it| it.more += 1).or_insert(OverBudget { change, first: mapping, more: 0 });
    }

    /// There was no time to plan this change.
    pub(super) fn deadline_exceeded(&mut self, index: usize, change: &'p Change) {
        self.not_planned.insert(index, change);
    }

    /// For some of this hit no URL or tag exists.
    pub(super) fn unpurgeable(&mut self, hit: &Hit<'p>) {
        let Hit { change_index, change, mapping, problems, .. } = hit;
        let rejected = problems.iter().map(|problem| {
            let reason = format!("{}: {problem} ({})", change.object(), mapping.name);
            (*change_index, rejected(change, RejectionKind::Unpurgeable, reason))
        });
        self.unpurgeable.extend(rejected);
    }

    pub(super) fn into_rejected(self) -> Vec<Rejected> {
        let mut all = self.unpurgeable;
        all.extend(self.over_budget.into_iter().map(|(index, OverBudget { change, first, more })| {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let reason = format!("{}: {OVER_BUDGET} ({}{more})", change.object(), first.name);
            (index, rejected(change, RejectionKind::Transient, reason))
        }));
        all.extend(self.not_planned.into_iter().map(|(index, change)| {
            let reason = format!("{}: {DEADLINE_EXCEEDED}", change.object());
            (index, rejected(change, RejectionKind::Transient, reason))
        }));
        all.sort_by_key(|(index, _)| *index);
        all.into_iter().map(|(_, rejected)| rejected).collect()
    }
}

fn rejected(change: &Change, kind: RejectionKind, reason: String) -> Rejected {
    Rejected { origin: change.origin.clone(), kind, reason }
}
